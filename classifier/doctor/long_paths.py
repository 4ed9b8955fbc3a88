"""Paths of 260 characters and more, which Windows takes only where its registry says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.errors import Message
from classifier.paths import name_length

_LONGEST: Final = 259
_REVIEW: Final = len("_review/")
_NAME: Final = len("/") + 32
"""Room for one folder of a category above a file; longer names are rare."""
_KEY: Final = r"SYSTEM\CurrentControlSet\Control\FileSystem"
_COMMAND: Final = rf"Set-ItemProperty HKLM:\{_KEY} LongPathsEnabled 1"
_ENABLE: Final = Message("as administrator in PowerShell: {command}; then sign in again", command=_COMMAND)


def has_limit() -> bool:
    """Whether this system takes paths of up to 259 characters only."""
    if sys.platform != "win32":
        return False
    import winreg  # noqa: PLC0415 - Windows alone has it

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY) as key:
            return not winreg.QueryValueEx(key, "LongPathsEnabled")[0]
    except OSError:
        return True


def examine_paths(out: Path, *, longest_path: int, longest_name: int, depth: int) -> Iterator[Finding]:
    """`longest_path` and `longest_name` are of the crawl's pictures, 0 without one; nothing where there is no limit.

    `depth` is how many levels of folders make a category.
    """
    if not has_limit():
        return
    if longest_path > _LONGEST:
        yield problem(
            "paths.long",
            Message("paths of the crawl have up to {count} characters, and this Windows takes 259", count=longest_path),
            _ENABLE,
        )
        return
    filed = name_length(str(out.absolute())) + 1 + _REVIEW + depth * _NAME + longest_name
    if filed > _LONGEST:
        yield hint(
            "paths.long",
            Message(
                "paths below {out} would have up to {count} characters, and this Windows takes 259",
                out=out,
                count=filed,
            ),
            Message("{enable}; or take a folder with a shorter path for the library", enable=_ENABLE),
        )
    else:
        yield ok("paths.long", Message("paths have at most 259 characters on this Windows, which is enough"))
