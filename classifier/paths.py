r"""The one way to write a file's name as text: reversible where it is read back, harmless where a person reads it.

Python holds a byte of a name that is not UTF-8 as a lone surrogate (0x83 as U+DC83), which neither JSON, SQLite's TEXT
nor a terminal takes. Names in Shift-JIS and GBK, from old archives, have such bytes; on Windows a name can hold any
surrogate.

`to_text` and `from_text`, for JSON, SQL and arrays, are each other's inverse: each byte that is not UTF-8 is `\x` and
its two hex digits, any other lone surrogate is `\u` and four, and a backslash that could be read as the start of one of
these is `\x5c`. Every other name is written as it is, with `/` between folders on Windows too.

`to_json` writes any values so; with text that is not valid Unicode, such as an error's, escaped in the same way.

`given_path` reads a path that a person gave, on the command line or in a file of settings.

`command` and `quoted` write a line that a person can paste into a shell.

`displayable`, for the terminal, the page and reports, also escapes what would act or hide instead of being seen.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import unicodedata
from pathlib import Path
from typing import Any

from classifier.errors import Message

_IS_WINDOWS = os.name == "nt"
LONGEST_NAME = 255
"""As `name_length` counts it, on nearly every file system."""
_LONGEST_PATH = 32_000 if _IS_WINDOWS else 1000 if sys.platform == "darwin" else 4000
_ESCAPED = re.compile(r"\\(?:x([89a-f][0-9a-f]|5c)|u(d[89a-f][0-9a-f]{2}))")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile("[^\0-\x7f]")
_TO_ESCAPE = re.compile(rf"[\ud800-\udfff]|\\(?={_ESCAPED.pattern[2:]})")
_ENDS_WORD = re.compile(r"[\s&|<>^()%,;]")
_NEEDS_NO_QUOTES = re.compile(r"(?:(?:[\w.-]+=)?~(?=/))?[\w@%+=:,./-]+")
"""As for `shlex`, and letters of every language; illsort itself expands the `~` of `key=~/folder`."""
_JOINERS = "\u200c\u200d"
"""They join and part letters of Persian, Hindi and of emoji, and hide nothing."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of controls (ESC, newline), formats (direction marks), surrogates, line and paragraph ends."""


def to_text(path: Path | str) -> str:
    """The path as valid Unicode from which `from_text` makes the same path."""
    text = path.as_posix() if isinstance(path, Path) else path
    return _TO_ESCAPE.sub(lambda found: _escape(found[0]), text)


def from_text(text: str) -> Path:
    """The path that `to_text` wrote."""
    return Path(unescaped(text))


def unescaped(text: str) -> str:
    """The name that `to_text` wrote, character for character: the key of an object may be no path of this system."""
    return _ESCAPED.sub(lambda found: _unescape(found[1], found[2]), text)


def to_json(values: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """The values as JSON that every reader takes; paths among them as `to_text` writes them.

    `ascii_only` is for where the text's encoding is not known to be UTF-8.
    """
    text = json.dumps(values, ensure_ascii=False, indent=indent, default=_path_to_text)
    text = _SURROGATE.sub(lambda found: "\\" + _escape(found[0]), text)
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text) if ascii_only else text


def given_path(text: str | Path) -> Path:
    """The path that a person means, with `~` expanded and without `a/..`.

    Raises ValueError in one line where no file can have this path. Shells leave `~` alone in `--out=~/sorted`; and an
    empty path, of a variable that is not set, is no current folder.
    """
    if not os.fspath(text):
        raise ValueError(Message("the path is empty; write . for the current folder"))
    if "\0" in os.fspath(text):
        raise ValueError(Message("no path can hold a NUL character"))
    path = Path(text)
    if path.parts and path.parts[0].startswith("~"):
        path = _expanded(path)
    if any(name_length(part) > LONGEST_NAME for part in path.parts) or name_length(str(path)) > _LONGEST_PATH:
        raise ValueError(
            Message(
                "the path is too long: a name takes {name} bytes at most, all {path:,}",
                name=LONGEST_NAME,
                path=_LONGEST_PATH,
            )
        )
    return _without_parents(path)


def _without_parents(path: Path) -> Path:
    """The same path without `..` behind a folder; behind a link it stays, for it leads to where the link does."""
    kept = Path(path.anchor)
    for part in path.relative_to(kept).parts:
        is_undone = part == ".." and kept.name not in {"", ".."} and not os.path.islink(kept)  # noqa: PTH114 - no errors
        kept = kept.parent if is_undone else kept / part
    return kept


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except (RuntimeError, KeyError, ValueError):
        raise ValueError(
            Message(
                "there is no user or home folder {user}; write ./{path} for a name with ~",
                user=path.parts[0],
                path=path,
            )
        ) from None


def name_length(name: str) -> int:
    """The length of a name or path as the system counts it: in bytes, on Windows in the two-byte units of UTF-16."""
    return len(name.encode("utf-16-le", "surrogatepass")) // 2 if _IS_WINDOWS else len(os.fsencode(name))


def _path_to_text(value: object) -> str:
    if isinstance(value, Path):
        return to_text(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def displayable(name: Path | str, *, keep: str = "") -> str:
    r"""The name or message with everything that acts or hides shown as an escape, such as `\x1b`; one line.

    `keep` names characters to leave alone: "\n" for a message of several lines.
    """
    text = str(name)
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in keep or not _is_unseen(one) else _escape(one) for one in text)


def command(*words: object) -> str:
    """The line that runs illsort with these words, for a person to paste: it names the very same paths."""
    shown = (f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in words)
    return " ".join(["illsort", *map(quoted, shown)])


def quoted(word: str) -> str:
    """A word as a shell takes it.

    With its escapes where it cannot be shown as it is: bash and zsh read `$'...'` back as the same bytes.
    """
    if displayable(word) != word:
        return "$'" + displayable(word.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    if _IS_WINDOWS:
        return f'"{word}"' if _ENDS_WORD.search(word) else word
    return word if _NEEDS_NO_QUOTES.fullmatch(word) else shlex.quote(word)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN and character not in _JOINERS


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - how Python holds a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - Python's own two forms


def _unescape(byte: str | None, surrogate: str | None) -> str:
    if byte is None:
        return chr(int(surrogate or "", 16))
    return "\\" if byte == "5c" else chr(0xDC00 + int(byte, 16))
