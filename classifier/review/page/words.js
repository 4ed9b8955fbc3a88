// What the page says, in English and Chinese: by the browser's language, or as switched.

const WORDS = {
  review: ["Waiting", "待确认"],
  unknown: ["Unknown", "未知"],
  skipped: ["Skipped", "已跳过"],
  single: ["Single", "单张"],
  grid: ["Grid", "网格"],
  surety: ["Least sure first", "最没把握的在前"],
  category: ["By category", "按类别"],
  newest: ["Newest first", "最新的在前"],
  learned: ["What helps most first", "最有帮助的在前"],
  alike: ["Alike together", "相似的放在一起"],
  order: ["Order", "顺序"],
  which: ["Category", "类别"],
  all: ["All categories", "全部类别"],
  file: ["File {0}", "归类 {0} 张"],
  fileTitle: ["File {0} decisions?", "归类这 {0} 张图片？"],
  fileBody: [
    "The pictures move to their folders, as one run. illsort undo takes it back.",
    "图片会移到各自的文件夹，作为一次运行；illsort undo 可以撤销。",
  ],
  filing: ["Filing…", "正在归类…"],
  filed: ["Run {0}: {1} pictures were filed; illsort undo takes it back", "第 {0} 次运行：已归类 {1} 张；illsort undo 可以撤销"],
  left: ["{0} could not be moved: {1}", "{0} 张没能移动：{1}"],
  notFiled: ["Not filed: {0}. Your decisions are kept, and the next sort files them too.", "没有归类：{0}。你的决定已保存，下一次整理也会执行。"],
  nothing: ["All of it is filed", "全部已归类"],
  accept: ["Accept", "接受"],
  confirm: ["Confirm {0}", "确认 {0} 张"],
  skip: ["Skip", "跳过"],
  none: ["None of these", "都不是"],
  back: ["Back", "撤回"],
  closer: ["Look closer", "放大"],
  help: ["Keys", "按键"],
  close: ["Close", "关闭"],
  cancel: ["Cancel", "取消"],
  guesses: ["Best guesses", "最可能的类别"],
  noGuesses: ["The model's folder is gone or was trained again, so no probabilities are shown.", "模型文件夹不在了，或已重新训练，所以不显示概率。"],
  why: ["Why it is here", "为什么在这里"],
  allCategories: ["Categories", "类别"],
  clear: ["Nothing waits here.", "这里没有要看的了。"],
  clearMore: ["{0} were skipped: look at them under Skipped.", "跳过了 {0} 张：在“已跳过”里查看。"],
  toFile: ["{0} decisions wait to be filed.", "有 {0} 个决定等待归类。"],
  gone: ["This picture is no longer there, or was changed.", "这张图片已不在原处，或被改过。"],
  loading: ["Loading…", "读取中…"],
  takenBack: ["Taken back: {0}", "已撤回：{0} 张"],
  noStep: ["Nothing to take back", "没有可撤回的"],
  saidRight: ["{0}", "{0}"],
  notSaved: ["Not saved: {0}", "没有保存：{0}"],
  retrying: ["The server does not answer; {0} decisions are sent again until it does", "服务器没有响应；{0} 个决定会一直重发"],
  restarted: ["The server was started anew: open the address that it printed", "服务器已重启：请打开它打印的地址"],
  wrong: ["wrong", "不对"],
  gridHint: ["Mark what is not {0}; Enter confirms the rest", "标出不是“{0}”的；按 Enter 确认其余"],
  kAccept: ["accept the best guess; in the grid, confirm all that is not marked", "接受最可能的类别；网格里确认所有没标记的"],
  kCategory: ["put it into that category", "归入该类别"],
  kSkip: ["skip: it stays where it is", "跳过：留在原处"],
  kNone: ["none of these categories", "不属于任何类别"],
  kBack: ["take back, any number of steps", "撤回，步数不限"],
  kGrid: ["grid or single", "切换网格和单张"],
  kFile: ["file what was decided", "归类已决定的"],
  kMove: ["move in the grid", "在网格里移动"],
  kMark: ["mark as wrong", "标为不对"],
  kNextCategory: ["another category in the grid", "网格里换一个类别"],
  audit: ["Audit", "抽查"],
  right: ["Right", "对"],
  auditQuestion: ["{0}: right?", "“{0}”，对吗？"],
  auditProgress: ["{0} of {1}", "第 {0} 张，共 {1} 张"],
  auditNothing: ["Nothing is known yet", "还什么都不知道"],
  auditBound: ["At most {0} wrong, 95% confidence; {1} of {2}", "最多错 {0}（95% 置信）；{2} 张里错 {1} 张"],
  auditSkipped: [", and {0} skipped, counted as wrong", "，另有 {0} 张跳过，按错计"],
  auditRather: ["If wrong: it is rather", "如果不对，它其实是"],
  whyFiled: ["Why it is filed there", "为什么归在那里"],
  auditNone: ["No audit is under way", "没有进行中的抽查"],
  auditWhat: ["It draws some filed pictures by chance and asks of each whether it is right: then it is known how much of all can be wrong at most.",
    "随机抽取一些已归类的图片，逐张问对不对：由此得出全部图片里最多有多少是错的。"],
  auditOf: ["Of {0} filed pictures:", "已归类的 {0} 张图片："],
  auditKept: ["{0} is kept.", "达到了 {0} 的要求。"],
  auditMissed: ["That {0} is kept is not shown, and no threshold is shown to keep it either: a larger sample may.", "没能证明达到 {0}，也没有阈值能证明达到；可以抽更多张。"],
  auditOffer: ["That {0} is kept is not shown; {1} would keep it: {2} of {3} stay filed.", "没能证明达到 {0}；阈值 {1} 可以达到：{3} 张里有 {2} 张留下。"],
  auditByThreshold: ["Put what is below {0} into _review", "把低于 {0} 的放回 _review"],
  auditMisfiled: ["Put the {0} judged wrong into _review", "把判为错的 {0} 张放回 _review"],
  auditFiled: ["Run {0}: {1} pictures went to _review; illsort undo takes it back", "第 {0} 次运行：{1} 张放回 _review；illsort undo 可以撤销"],
  auditCount: ["How many to draw", "抽多少张"],
  auditDraw: ["Draw a new sample", "重新抽样"],
  startsLearning: ["Your decisions will be learned from while you go on; this starts in a moment.", "你的决定会边看边学，马上开始。"],
  learning: ["learning…", "正在学习…"],
  cannotLearn: ["Nothing is learned here: {0}", "这里不会学习：{0}"],
  troubleLearning: ["Learning does not go on: {0}. Your decisions are saved as ever.", "学习中断：{0}。你的决定照常保存。"],
  byThreshold: ["at threshold {0}", "按阈值 {0}"],
  byError: ["at {0} error (estimated)", "按错误率 {0}（估计）"],
  learnedFirst: ["{0} verdicts learned: {2} could be filed {1}; {3} pictures could be filed now", "已学 {0} 个判断：{1}可归类 {2}；现在可归类 {3} 张"],
  learnedMore: ["+{0} verdicts: could be filed {1} {2} → {3}; {4} pictures could be filed now", "新增 {0} 个判断：{1}可归类 {2} → {3}；现在可归类 {4} 张"],
  fileThem: ["File them", "全部归类"],
  fileThemTitle: ["Sort again with what was learned? About {0} more pictures would be filed.", "用学到的重新整理？大约再归类 {0} 张。"],
  fileThemBody: [
    "Every folder that this model sorted is sorted again, by what is known of its pictures; your decisions stand. A picture that was filed before may move where the model now thinks otherwise. One run a folder; illsort undo takes it back.",
    "这个模型整理过的每个文件夹都会按已知信息重新整理，你的决定不变。以前归类的图片若模型改了看法也会移动。每个文件夹一次运行；illsort undo 可以撤销。",
  ],
  againByThreshold: ["As last time, what is at least {0} sure is filed.", "和上次一样，把握不低于 {0} 的会归类。"],
  againByError: ["The error rate of {0} is promised anew, by labels that the refitted model is judged by.", "错误率 {0} 会用标注重新评估并保证。"],
  againByEstimate: [
    "No error rate can be promised: this network has seen all labels. What is filed keeps {0} by the model's own estimate; illsort audit checks it.",
    "无法保证错误率：这个网络见过所有标注。只按模型自己的估计保持 {0}；请用 illsort audit 检查。",
  ],
  filingLearned: ["Sorting again with what was learned… {0}", "正在用学到的重新整理… {0}"],
  filedLearned: ["Sorted again: {0} more pictures are filed; illsort undo takes it back", "已重新整理：多归类 {0} 张；illsort undo 可以撤销"],
  kFileThem: ["sort again with what was learned", "用学到的重新整理"],
  language: ["中文", "English"],
};

const browsers = navigator.languages?.some((name) => name.toLowerCase().startsWith("zh")) &&
  !navigator.languages[0].toLowerCase().startsWith("en") ? "zh" : "en";
let current = localStorage.getItem("language") ?? browsers;

export const language = () => current;

export function switchLanguage() {
  current = current === "zh" ? "en" : "zh";
  localStorage.setItem("language", current);
}

export function say(name, ...values) {
  const text = WORDS[name][current === "zh" ? 1 : 0];
  return text.replace(/\{(\d)\}/g, (_, number) => String(values[Number(number)]));
}

export const reasonOf = (row) => (current === "zh" ? row.reason_zh : row.reason);
export const count = (number) => number.toLocaleString(current === "zh" ? "zh-CN" : "en");
export const percent = (share) => `${(Math.floor(share * 1000) / 10).toFixed(1)}%`;
