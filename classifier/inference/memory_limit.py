"""How much memory a reading process may take, so that a picture that eats it costs itself and not the machine.

Must not know pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
WORDS: Final = ("can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc")
"""How torch and C++ say that there was no more memory."""


def limit_memory(gigabytes: float) -> None:
    """Let this process take `gigabytes` more than it has now, for good; 0 sets no limit.

    Only Linux counts what a process maps against RLIMIT_DATA; elsewhere nothing is done. Memory shared with other
    processes, such as batches on their way, does not count.
    """
    if sys.platform != "linux" or gigabytes <= 0:
        return
    import resource  # noqa: PLC0415 - POSIX has it, Windows has not

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _used_bytes() + int(gigabytes * 1e9)
    if hard == resource.RLIM_INFINITY or limit <= hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def is_want_of_memory(error: Exception) -> bool:
    """Whether `error` says that memory ran out; torch says it as a RuntimeError."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in WORDS)


def _used_bytes() -> int:
    """What counts against RLIMIT_DATA already: a forked process begins with all that its parent has."""
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)
