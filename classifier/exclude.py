"""What a person excludes from a crawl: patterns as in a `.gitignore`, looked at without regard to case."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from pathspec import GitIgnoreSpec

from classifier.errors import Message


class Exclude:
    """Patterns as git reads them, relative to the crawl, with `/` on every system.

    `*.gif` and `drafts` hold at any depth, `/drafts` and `2019/drafts` from the crawl on, `drafts/` for folders alone,
    and `!keep.gif` takes back what an earlier pattern excluded, but nothing in an excluded folder. `#` has no meaning
    of its own. Case and Unicode's composed and decomposed forms make no difference.

    Raises:
        ValueError: A pattern that can match nothing.

    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        for pattern in patterns:
            _check(pattern)
        self._spec = GitIgnoreSpec.from_lines([_readable(pattern) for pattern in patterns]) if patterns else None

    def __call__(self, path: str) -> bool:
        """Whether `path` is excluded: relative to the crawl, with a `/` at the end when it is a folder."""
        return self._spec is not None and self._spec.match_file(_alike(path))


def _check(pattern: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in pattern):
        raise ValueError(Message("the pattern {pattern!r} is not UTF-8: write ? or * for such bytes", pattern=pattern))
    try:
        compiled = () if "\n" in pattern else GitIgnoreSpec.from_lines([_readable(pattern)]).patterns
    except ValueError as error:
        raise ValueError(
            Message("the pattern {pattern!r} matches nothing ({why})", pattern=pattern, why=error)
        ) from None
    if not any(one.include is not None for one in compiled):
        raise ValueError(Message("the pattern {pattern!r} matches nothing", pattern=pattern))


def _readable(pattern: str) -> str:
    """The pattern for git's rules: there a line that begins with `#` is a remark, while `#recycle` is a folder."""
    return _alike(f"\\{pattern}" if pattern.startswith("#") else pattern)


def _alike(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


NOTHING: Final = Exclude()
