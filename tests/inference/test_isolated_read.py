from __future__ import annotations

import sys
from multiprocessing import active_children
from typing import TYPE_CHECKING

import pytest

from classifier.inference.isolated_read import read_isolated
from classifier.inference.reader import Limits, Read, ReadError
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.pictures import COLORS, png_bytes
from kit.readers import Fragile, Shrink
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits(deadline_s=30, worker_gigabytes=3)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
def test_only_the_suspect_that_kills_a_fresh_process_is_blamed(tmp_path: Path) -> None:
    make_tree(tmp_path, {"ok-1.png": png_bytes(COLORS["red"]), "kill-2.png": b"?"})
    suspects = [(7, tmp_path / "ok-1.png"), (9, tmp_path / "kill-2.png")]

    outcomes = read_isolated(suspects, Fragile(transform=Shrink(), max_megapixels=64), limits=LIMITS)

    assert list(outcomes) == [7, 9]
    assert isinstance(outcomes[7], Read)
    assert outcomes[7].pixels[:, 0, 0].tolist() == list(COLORS["red"])
    assert isinstance(outcomes[9], ReadError)
    assert outcomes[9].failure.kind is FailureKind.CRASHED
    assert str(reason_message(outcomes[9].failure.detail)) == "the decoder died (signal 9) while reading it"
    assert active_children() == []


def test_no_suspects_start_no_process() -> None:
    assert read_isolated([], Fragile(transform=Shrink(), max_megapixels=64), limits=LIMITS) == {}
