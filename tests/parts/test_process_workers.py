from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from classifier.parts import predict as predict_module
from classifier.parts.predict import Where, predict_parts
from classifier.parts.process_workers import ProcessWorkers
from classifier.progress import SilentProgress
from classifier.settings import Settings
from kit.bundles import color_bundle
from kit.listings import drawn, hashes, in_folder, listed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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
