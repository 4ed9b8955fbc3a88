from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from classifier.errors import IllsortError, Message
from classifier.parts import dispatch as dispatch_module
from classifier.parts import predict as predict_module
from classifier.parts import process_workers
from classifier.parts.dispatch import dispatch
from classifier.parts.predict import Where, predict_parts
from classifier.parts.process_workers import ProcessWorkers
from classifier.progress import SilentProgress, SilentStage
from classifier.settings import Settings
from kit.bundles import color_bundle
from kit.listings import drawn, hashes, in_folder, listed

if TYPE_CHECKING:
    from pathlib import Path


class Killed(ProcessWorkers):
    """Processes of which each of the first ones to be given a part is killed at once."""

    kills = 3

    def give(self, worker: int, part: int) -> None:
        """Give and kill."""
        super().give(worker, part)
        if type(self).kills > 0:
            type(self).kills -= 1
            os.kill(self.pids[worker], signal.SIGKILL)


def predict(parts: str, model: Path, answers: Path, **options: Any) -> Any:
    """Answer a listing, silently."""
    return predict_parts(
        parts, model=model, answers=str(answers), settings=Settings(), progress=SilentProgress(), **options
    )


def test_killed_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = color_bundle(tmp_path / "m", novelty=True).folder
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(60)))
    predict(parts, model, tmp_path / "here")
    monkeypatch.setattr(predict_module, "ProcessWorkers", Killed)

    done = predict(parts, model, tmp_path / "killed", where=Where(processes=2))

    assert (0, []) == (Killed.kills, done.outcome.failed)
    assert hashes(tmp_path / "here") == hashes(tmp_path / "killed")


def _ready_and_gone(connection: Any, *_: object) -> None:
    connection.send(("ready", None))


def _refused(connection: Any, *_: object) -> None:
    connection.send(("refused", Message("no model")))


def test_processes_that_end_just_after_what_they_said_are_listed_or_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_module, "_LEAST_STARTS_LOST", 1)
    monkeypatch.setattr(dispatch_module, "_FOR_EACH_WORKER", 1)
    job: Any = None

    class Late(ProcessWorkers):
        def events(self, timeout_s: float) -> list[Any]:
            for child in self._children.values():
                child.process.join()
            return super().events(timeout_s)

    monkeypatch.setattr(process_workers, "_serve", _ready_and_gone)
    with Late(job, most=1) as workers:
        failed = dispatch([0, 1], workers, SilentStage(), say=lambda _: None).failed
    assert [True, True] == ["exit code 0" in one.why for one in failed]

    monkeypatch.setattr(process_workers, "_serve", _refused)
    with Late(job, most=1) as workers, pytest.raises(IllsortError, match="no model"):
        dispatch([0, 1], workers, SilentStage(), say=lambda _: None)
