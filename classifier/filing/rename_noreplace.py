"""Rename that the kernel itself refuses when the name is taken, as each system has it; must not know any journal."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4


def rename_exclusively(source: Path, target: Path) -> None:
    """Rename, refusing a taken `target` in one step with FileExistsError.

    Raises OSError with ENOSYS, EINVAL or EOPNOTSUPP where the system or the disk cannot do that.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows
        source.rename(target)
    elif sys.platform == "darwin":  # pragma: no cover - macOS
        _call("renamex_np", os.fsencode(source), os.fsencode(target), ctypes.c_uint(_RENAME_EXCL))
    else:
        here = ctypes.c_int(_AT_FDCWD)
        flag = ctypes.c_uint(_RENAME_NOREPLACE)
        _call("renameat2", here, os.fsencode(source), here, os.fsencode(target), flag)


def _call(name: str, *arguments: object) -> None:
    """Call a C function that answers 0; again when a signal came between."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    while function(*arguments) != 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            path = next(os.fsdecode(argument) for argument in arguments if isinstance(argument, bytes))
            raise OSError(code, os.strerror(code), path)
