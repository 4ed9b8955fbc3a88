"""English sentences in Chinese, for the page: the reasons of decisions, and what can go wrong (`sentences.py`).

Both are stored or raised as English sentences and are matched by patterns. A sentence without a pattern is shown as it
is.
"""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import ast
import re
from string import Formatter
from typing import Final

from classifier.errors import Message
from classifier.i18n import Language, translate
from classifier.paths import displayable
from classifier.web.sentences import SENTENCES

_WHY: Final = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (
            r"the file ends early, so only a part of the picture was seen",
            "文件不完整，只看到了图片的一部分",
        ),
        (
            r"unlike every labelled picture \(distance (\S+), yours are below (\S+)\)",
            "和所有标注过的图片都不像（距离 {0}，你标注的都低于 {1}）",
        ),
        (
            r"hardly like any labelled picture \(distance (\S+), most of yours are below (\S+)\)",
            "和标注过的图片都不太像（距离 {0}，你标注的大多低于 {1}）",
        ),
        (r"at least (\S+)", "不低于 {0}"),
        (r"at least (\S+) for (.+)", "不低于“{1}”的阈值 {0}"),
        (r"below (\S+)", "低于 {0}"),
        (r"below (\S+) for (.+)", "低于“{1}”的阈值 {0}"),
        (r"no error rate can be promised for (.+)", "“{0}”保证不了任何错误率"),
        (r"drawn from the crawl to be labelled: nothing is known of it yet", "从原图里抽来标注：还什么都不知道"),
        (r"a person moved it there", "有人把它移到了那里"),
        (r"an undo left it there", "撤销后它留在了那里"),
        (r"it could not be moved where it belongs", "无法移到它该去的文件夹"),
        (r"a person ruled out every category", "有人排除了每一个类别"),
        (r"a person took back what was said of it", "有人撤回了对它的判断"),
        (r"a person said it is none of the categories (\(.+\))", "有人说它不属于任何类别{0}"),
        (r"a person said it is not (.+) (\(\w+ of .+?\))", "有人说它不是“{0}”{1}"),
        (r"a person said it is (.+) (\(\w+ of .+?\))", "有人说它是“{0}”{1}"),
        (
            r"below (\S+), the least for at most (\S+) wrong (\(.+\))",
            "低于 {0}，即最多错 {1} 所需的最低阈值{2}",
        ),
        (r"below (\S+) (\(audit of .+\))", "低于 {0}{1}"),
    )
)
_GUESSES: Final = re.compile(r"(0\.\d+|1\.0+) [^\n]+")
_TOLD: Final = re.compile(r"\((audit|review|labels) of (\d{4}-\d\d-\d\d)\)")
_PLACES: Final = {"audit": "抽查", "review": "复核", "labels": "标注"}


def reason_in_chinese(reason: str, *, category: str) -> str:
    """The reason in Chinese; categories, numbers and the guesses before the colon stay as they are.

    `category` is that of the decision: "it is not anime" may be about "anime" or "not anime".
    """
    exact = (re.compile(rf"a person said it is ({re.escape(category)}) (\(\w+ of .+?\))"), "有人说它是“{0}”{1}")
    for guesses, why in _parts(reason):
        for pattern, chinese in (exact, *_WHY):
            if (found := pattern.fullmatch(why)) is not None:
                told = _TOLD.sub(lambda told: f"（{told[2]} {_PLACES[told[1]]}）", chinese.format(*found.groups()))
                return f"{guesses}：{told}" if guesses else told
    return reason


def _parts(reason: str) -> list[tuple[str, str]]:
    """The possible splits into guesses and reason: the name of a category may contain a colon too."""
    ends = [found.start() for found in re.finditer(": ", reason)]
    cut = [(reason[:end], reason[end + 2 :]) for end in ends if _GUESSES.fullmatch(reason[:end])]
    return [*cut, ("", reason)]


_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
"""A name as Python quotes it, whatever is in it."""
_ITSELF_TOLD: Final = "why"


def sentence_in_chinese(sentence: str) -> str:
    """The sentence in Chinese; names, paths and numbers stay as they are."""
    for pattern, quoted, chinese in _PATTERNS:
        if (found := pattern.fullmatch(sentence)) is not None:
            parts = found.groupdict()
            parts |= {name: ast.literal_eval(parts[name]) for name in quoted}
            parts |= {name: sentence_in_chinese(part) for name, part in parts.items() if name.startswith(_ITSELF_TOLD)}
            return chinese.format(**parts)
    return sentence


def in_both_languages(name: str, message: Message | str) -> dict[str, str]:
    """The sentence for the page: under `name` in English, under `name`_zh in Chinese."""
    english, chinese = str(message), translate(message, Language.CHINESE)
    told = {name: english, f"{name}_zh": sentence_in_chinese(english) if chinese == english else chinese}
    return {key: displayable(text, keep="\n") for key, text in told.items()}


def _compiled(english: str, chinese: str) -> tuple[re.Pattern[str], tuple[str, ...], str]:
    """The pattern of a sentence, those of its parts that are quoted, and what it is in Chinese."""
    pattern, quoted = "", []
    for text, name, _, conversion in Formatter().parse(english):
        pattern += re.escape(text)
        if name is not None:
            pattern += f"(?P<{name}>{_QUOTED if conversion else '.+?'})"
            quoted += [name] if conversion else []
    return re.compile(pattern, re.DOTALL), tuple(quoted), chinese


_PATTERNS: Final = tuple(_compiled(*pair) for pair in SENTENCES.items())
