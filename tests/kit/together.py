"""Processes that fine-tune together, started as a launcher starts them: by environment variables."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from classifier.errors import IllsortError, Message
from classifier.images.hashing import hash_bytes
from classifier.model.transforms import EvalTransform
from classifier.records import Example, Label
from classifier.settings import RuntimeSettings
from classifier.training.augment import Augment
from classifier.training.checkpoint import Checkpoint
from classifier.training.context import Hyperparameters
from classifier.training.helping import FineTuning, help_main
from classifier.training.join import joined
from classifier.training.micro_batches import MicroBatches
from classifier.training.processes import ALONE, Processes
from kit.learning import cpu, drawn_examples, tiny_network, training_images
from kit.progress import SavingProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.progress import Progress, Stage

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = RuntimeSettings(device="cpu", amp_dtype="float32", workers=1)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that has ended: its exit code and what it wrote to stderr."""

    code: int
    said: str


def environment(index: int, count: int, port: int) -> dict[str, str]:
    """What a launcher sets."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    own = {"RANK": index, "LOCAL_RANK": index, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_PORT": port}
    fixed = {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, "ILLSORT_LANG": "en"}
    return {**os.environ, **fixed, **{name: str(value) for name, value in own.items()}}


def together(commands: list[list[str]], *, seconds: float = 300) -> list[Ended]:
    """Run a Python command in each process; fails where one has not ended after `seconds`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as folder, ExitStack() as open_files:
        files = [Path(folder, str(index)) for index in range(len(commands))]
        started = [
            subprocess.Popen(
                [sys.executable, *command],
                env=environment(index, len(commands), port),
                stdout=subprocess.DEVNULL,
                stderr=open_files.enter_context(file.open("wb")),
            )
            for index, (command, file) in enumerate(zip(commands, files, strict=True))
        ]
        until = time.monotonic() + seconds
        try:
            for one in started:
                one.wait(timeout=max(0.1, until - time.monotonic()))
        finally:
            for one in started:
                one.kill()
                one.wait()
        said = [file.read_text(encoding="utf-8") for file in files]
    return [Ended(code=one.returncode, said=text) for one, text in zip(started, said, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(FineTuning):
    """A fine-tuning that leaves weights, epoch and history in `folder`; process `dies` ends after `at` pictures."""

    folder: Path
    dies: int = -1
    at: int = 0

    def run(self, *, processes: Processes, progress: Progress, **options: Any) -> Any:
        """As ever, in a process of its own."""
        if self.dies == processes.index:
            progress = Ending(self.at)
        epoch, history = FineTuning.run(self, processes=processes, progress=progress, **options)
        result = {"weights": self.network.state_dict(), "epoch": epoch, "history": history}
        torch.save(result, self.folder / f"{self.name}-{processes.index}.pt")
        return epoch, history


class Ending(SavingProgress):
    """Ends the process, as a kill does, once `at` pictures were learned from."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[Stage]:
        """A stage that counts down."""
        with super().stage(name, total=total, unit=unit) as stage:
            yield _Mortal(stage, self.at)


class _Mortal:
    def __init__(self, stage: Stage, at: int) -> None:
        self.note, self._advance, self._left = stage.note, stage.advance, at

    def advance(self, count: int = 1) -> None:
        self._left -= count
        if self._left <= 0:
            os._exit(9)
        self._advance(count)


def task(
    folder: Path, recipe: Hyperparameters, *, name: str, held_out: int = 3, gone: int = 0, **given: Any
) -> Watched:
    """A fine-tuning of a tiny network on 12 drawn pictures; with `gone`, on as many guesses that are not there too."""
    shrink = Augment(image_size=recipe.image_size, crop_min=recipe.crop_min, seed=0).shrink
    learned = drawn_examples(folder, first=0, count=4)
    judged = drawn_examples(folder, first=100, count=held_out)
    guessed = tuple(
        Example(label=Label(path=folder / f"gone{n}.png", category="red"), image_id=hash_bytes(bytes([n])))
        for n in range(gone)
    )
    return Watched(
        network=tiny_network(),
        train=training_images(learned + guessed, shrink, guesses=gone),
        validation=training_images(judged, EvalTransform(image_size=recipe.image_size)),
        recipe=recipe,
        stop_after=recipe.epochs,
        name=Message(name),
        folder=folder,
        **given,
    )


def checkpoint_in(folder: Path) -> Checkpoint:
    """Where the main process keeps its state."""
    return Checkpoint(folder / "state", name="final", fingerprint="mine")


def run_alone(work: FineTuning, checkpoint: Checkpoint | None = None, processes: Processes = ALONE) -> Any:
    """What `finetune` gives in one process, or in the main one of several."""
    return work.run(
        runtime=processes.runtime(cpu(workers=1)),
        micro_batches=MicroBatches(torch.device("cpu"), most=work.recipe.batch_size, say=print),
        checkpoint=checkpoint,
        progress=SavingProgress(),
        processes=processes,
    )


def saved_by(index: int, folder: Path, name: str) -> dict[str, Any]:
    """What a process left."""
    return dict(torch.load(folder / f"{name}-{index}.pt", weights_only=False))


def fine_tuned_together(folder: Path, plans: list[dict[str, Any]], *, count: int = 2) -> list[Ended]:
    """One fine-tuning after the other in the same processes; a plan is what `task` takes, and `state` to keep one."""
    plan = folder / "plan.json"
    plan.write_text(json.dumps(plans))
    command = "import sys, pathlib, kit.together as t; t.main(*map(pathlib.Path, sys.argv[1:]))"
    return together([["-c", command, str(folder), str(plan)]] * count)


def main(folder: Path, plan: Path) -> None:
    """Be one of the processes; an error of ours is one line and exit code 2, as in the command."""
    torch.set_num_threads(1)
    try:
        with joined(RUNTIME, SavingProgress()) as processes:
            if not processes.is_main:
                help_main(processes, RUNTIME)
                return
            for given in json.loads(plan.read_text()):
                state, recipe = given.pop("state", False), Hyperparameters(**given.pop("recipe"))
                work = task(folder, recipe, **given)
                processes.by_main(lambda work=work: work)
                run_alone(work, checkpoint_in(folder) if state else None, processes)
    except IllsortError as error:
        sys.stderr.write(f"illsort: {error.message}\n")
        sys.exit(2)
