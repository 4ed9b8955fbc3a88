"""Runs the real command and kills it at one call: `python -m fault_injection.kill_command WHERE NUMBER ...`.

The process sends SIGKILL to itself at the NUMBER-th call, so the kill is never too early or too late. The images that
are read and inferred are counted in a folder, one byte each, which no kill can undo.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog import embeddings, predictions
from classifier.cli.main import main
from classifier.filing.transfer import FileTransfer
from classifier.inference.forward import TorchEngine
from classifier.inference.onnx_engine import OnnxEngine
from classifier.inference.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from classifier.inference.forward import Engine

INSTANTS: dict[str, tuple[Any, str]] = {
    "never": (object, ""),
    "predicting": (predictions, "add_logits"),
    "keeping": (embeddings, "add"),
    "filing": (FileTransfer, "carry"),
}
"""Predictions are being recorded in an open transaction; embeddings are on the disk but not in a row; an image is being
filed."""
KILLED = -9 if os.name == "posix" else signal.SIGTERM
_ROOT = Path(__file__).resolve().parents[2]


def command(instant: str, number: int, counts: Path, *words: str | Path) -> list[str]:
    """The command line for `illsort *words`, to be killed at this instant."""
    return [sys.executable, "-m", "fault_injection.kill_command", instant, str(number), str(counts), *map(str, words)]


def run(
    instant: str, number: int, counts: Path, *words: str | Path, stdin: int = subprocess.DEVNULL
) -> tuple[int, str, str]:
    """Run it to its end: exit status (KILLED when it was), stdout and stderr."""
    counts.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])}
    done = subprocess.run(
        command(instant, number, counts, *words),
        stdin=stdin,
        capture_output=True,
        check=False,
        text=True,
        env=environment,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def counted(counts: Path, what: str) -> int:
    """How many pictures were "read" or "inferred" by all runs with this folder."""
    return (counts / what).stat().st_size if (counts / what).exists() else 0


def _count(folder: Path, what: str, number: int) -> None:
    with (folder / what).open("ab", buffering=0) as file:
        file.write(b"." * number)


def _around(owner: Any, name: str, before: Callable[..., None]) -> None:
    real = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        before(*arguments)
        return real(*arguments, **options)

    setattr(owner, name, wrapped)


def _kill_at(owner: Any, name: str, number: int) -> None:
    calls = iter(range(number - 1))

    def count(*_: Any) -> None:
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    _around(owner, name, count)


def _begin(instant: str, number: str, counts: str, *words: str) -> None:
    count = partial(_count, Path(counts))

    def inferring(_: Engine, pixels: Tensor) -> None:
        count("inferred", len(pixels))

    for engine in (TorchEngine, OnnxEngine):
        _around(engine, "launch", inferring)
    _around(Reader, "read", lambda *_: count("read", 1))
    owner, name = INSTANTS[instant]
    if name:
        _kill_at(owner, name, int(number))
    sys.argv[1:] = words
    main()


if __name__ == "__main__":
    _begin(*sys.argv[1:])
