"""What a process may take and how it is interrupted: memory limits, malloc, Ctrl-C, the death of its parent."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import platform
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.process import BaseProcess

_STATUS: Final = Path("/proc/self/status")
_OUT_OF_MEMORY: Final = ("can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc")
"""How torch and C++ report that there was no more memory: they have no code for it, only these words."""

_PR_SET_PDEATHSIG: Final = 1  # of Linux's prctl.h

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_MAX: Final = -4


@contextmanager
def block_sigint(method: str | None = None) -> Iterator[None]:
    """Processes started in this context ignore Ctrl-C from their start, also while they import.

    `method` is how they are started, None for what is usual here. Only the parent handles Ctrl-C, so that it can end
    them in order; one pressed meanwhile is delivered afterwards, but on Windows it is lost.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows
        with ignore_ctrl_c(ctypes.WinDLL("kernel32")):
            yield
        return
    if (method or multiprocessing.get_start_method()) != "fork":
        resource_tracker.ensure_running()  # it unblocks Ctrl-C as it starts: with the first process, if not before
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ignore_ctrl_c(kernel32: Any) -> Iterator[None]:
    """Windows has no signal mask, but processes inherit whether they ignore Ctrl-C; this one does so meanwhile."""
    kernel32.SetConsoleCtrlHandler(None, 1)
    try:
        yield
    finally:
        kernel32.SetConsoleCtrlHandler(None, 0)


def end_with_parent() -> None:
    """End this process when the one that started it is killed, even while a decoder hangs here.

    A forked worker shares the parent's open files, so an orphan would keep a lock that the parent had. On Linux the
    kernel does it, but not for a parent that was killed before it was asked; then, and on other systems, a thread waits
    for the parent's end.
    """
    parent = multiprocessing.parent_process()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if parent is None or os.getppid() == parent.pid:
                return
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="end with parent", daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def limit_memory(gigabytes: float) -> None:
    """Let this process take `gigabytes` more than it has now, for good; 0 sets no limit.

    Only Linux counts what a process maps against RLIMIT_DATA; elsewhere nothing is done. Memory shared with other
    processes, such as batches in transit, does not count.
    """
    if sys.platform != "linux" or gigabytes <= 0:
        return
    import resource  # noqa: PLC0415 - POSIX has it, Windows has not

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _used_bytes() + int(gigabytes * 1e9)
    if hard == resource.RLIM_INFINITY or limit <= hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def is_out_of_memory(error: Exception) -> bool:
    """Whether `error` means that memory ran out; torch raises RuntimeError for it."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in _OUT_OF_MEMORY)


def _used_bytes() -> int:
    """What already counts against RLIMIT_DATA: a forked process begins with all that its parent has."""
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)


def tune_malloc() -> Message:
    """Keep the memory of large tensors between batches instead of returning it each time; returns what was done.

    On glibc this about doubles the speed of networks on the CPU; the process keeps the memory. Call it before torch
    computes anything.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return Message("The memory allocator is left as it is: only glibc's can be told to keep memory.")
    try:
        mallopt = ctypes.CDLL(None).mallopt
        is_kept = mallopt(_M_MMAP_MAX, 0) == 1 and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1) == 1
    except (OSError, AttributeError) as error:
        return Message("The memory allocator is left as it is: {why}.", why=str(error))
    if not is_kept:
        return Message("The memory allocator is left as it is: glibc refused the setting.")
    return Message("Memory is kept between batches (glibc mallopt), which about doubles the speed on a CPU.")
