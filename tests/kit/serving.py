"""The review page as a person starts it: a process of its own, which can be killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.reviewing import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Served:
    """Where a page is, and what its server had said when it ended."""

    address: str
    told: str = ""

    @property
    def port(self) -> int:
        """The one it listens at."""
        return int(self.address.split(":")[2].split("/")[0])


@contextmanager
def server(
    library: Path, *, port: int = 0, stop: signal.Signals = signal.SIGINT, learning: bool = False
) -> Iterator[Served]:
    """`illsort review` as a person starts it."""
    words = ["review", str(library), "--no-open", "--port", str(port), "--token", TOKEN]
    words += [] if learning else ["--no-learning"]
    command = [sys.executable, "-m", "classifier", *words]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        served = Served(process.stdout.readline().removeprefix("review: ").strip())
        try:
            yield served
        finally:
            process.send_signal(stop)
            served.told = process.stderr.read()
