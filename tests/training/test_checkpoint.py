"""A checkpoint is complete and belongs to its run, or is not used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from classifier.errors import Message, ModelError
from classifier.training.checkpoint import Checkpoint, check, fingerprint, remove
from fault_injection.audit_kill import killed_after
from kit.progress import SavingProgress

STATE = {"epoch": 3, "weights": {"a": torch.arange(4.0)}, "history": [{"loss": 0.5, "accuracy": None}]}


def opened(folder: Path, mark: str = "mine") -> Checkpoint:
    return Checkpoint(folder, name=Message("final"), fingerprint=mark)


def test_a_saved_state_comes_back(tmp_path: Path) -> None:
    opened(tmp_path / "new").save(STATE)
    state, message = opened(tmp_path / "new").load()

    assert state is not None
    assert (3, STATE["history"]) == (state["epoch"], state["history"])
    assert torch.equal(torch.arange(4.0), state["weights"]["a"])
    assert "goes on after epoch 3" in message


def test_a_later_state_replaces_the_earlier_one(tmp_path: Path) -> None:
    opened(tmp_path).save(STATE)
    opened(tmp_path).save(STATE | {"epoch": 4})
    state, _ = opened(tmp_path).load()

    assert state is not None
    assert 4 == state["epoch"]
    assert ["final.pt", "illsort-files.json"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_run_of_other_settings_starts_over_and_says_so(tmp_path: Path) -> None:
    opened(tmp_path).save(STATE)
    state, message = opened(tmp_path, "other").load()

    assert state is None
    assert "starts anew" in message


def test_a_run_of_which_nothing_is_saved_begins_without_a_word(tmp_path: Path) -> None:
    assert (None, None) == opened(tmp_path / "none").load()


def test_what_goes_on_is_named(tmp_path: Path) -> None:
    first = Checkpoint(tmp_path, name=Message("fine-tuning 1 of 2"), fingerprint="mine")
    first.save(STATE)

    assert first.load()[1].startswith("fine-tuning 1 of 2 goes on after epoch ")


class Harm:
    """What a pickle may do when it is trusted."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("harmed"),))


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04 half a file"])
def test_a_file_that_is_no_state_starts_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "final.pt").write_bytes(content)
    state, message = opened(tmp_path).load()

    assert state is None
    assert "cannot be read" in message


def test_a_state_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "fingerprint": "mine", "state": {"epoch": 1, "harm": Harm()}}, tmp_path / "final.pt")
    state, _ = opened(tmp_path).load()

    assert state is None
    assert not (tmp_path / "harmed").exists()


def test_a_run_killed_while_saving_leaves_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path).save(STATE)

    def killed(_content: object, file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path).save(STATE | {"epoch": 4})
    state, _ = opened(tmp_path).load()

    assert state is not None
    assert 3 == state["epoch"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("unexpected pos 64 vs 0")])
def test_a_state_that_cannot_be_saved_is_a_warning_and_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    progress = SavingProgress()
    saving = Checkpoint(tmp_path, name=Message("final"), fingerprint="mine", progress=progress)
    saving.save(STATE)

    def refuse(_content: object, file: BinaryIO) -> None:
        file.write(b"half")
        raise error

    monkeypatch.setattr(torch, "save", refuse)
    saving.save(STATE | {"epoch": 4})
    monkeypatch.undo()
    saving.save(STATE | {"epoch": 5})

    (warning,) = progress.messages
    assert re.match(r"final: epoch 4 is not saved in .*final.pt \(.*\); training goes on", warning)
    assert 5 == (opened(tmp_path).load()[0] or {})["epoch"]


def test_a_file_of_another_in_place_of_a_state_still_ends_the_training(tmp_path: Path) -> None:
    (tmp_path / "final.pt").write_bytes(b"a person's")
    with pytest.raises(ModelError, match="is not as illsort wrote it"):
        opened(tmp_path).save(STATE)


def test_removing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    opened(tmp_path).save(STATE)
    (tmp_path / "notes.txt").write_text("mine")
    remove(tmp_path)

    assert ["notes.txt"] == [path.name for path in tmp_path.iterdir()]


def test_removing_takes_the_folder_when_nothing_else_is_in_it(tmp_path: Path) -> None:
    for changes in range(30):
        folder = tmp_path / f"run{changes}"
        opened(folder).save(STATE)
        with killed_after(changes):
            opened(folder).save(STATE | {"epoch": 4})
        state, _ = opened(folder).load()
        assert state is not None
        assert state["epoch"] in (3, 4)
        remove(folder)
        remove(folder)

        assert not folder.exists(), changes


def test_a_persons_file_of_that_name_is_never_replaced_or_removed(tmp_path: Path) -> None:
    (tmp_path / "final.pt").write_text("mine")
    (tmp_path / "notes.pt").write_text("mine")
    with pytest.raises(ModelError, match=r"final\.pt is not as illsort wrote it, so it stays: move it elsewhere"):
        opened(tmp_path).save(STATE)
    remove(tmp_path)

    assert {"final.pt": "mine", "notes.pt": "mine"} == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_a_file_in_the_way_of_a_checkpoint_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "fine-tuning-1-of-3.pt").write_text("mine")
    with pytest.raises(ModelError, match=r"fine-tuning-1-of-3\.pt is not as illsort wrote it"):
        check(tmp_path)
    (tmp_path / "fine-tuning-1-of-3.pt").rename(tmp_path / "notes.pt")
    check(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ModelError, match="is a link"):
        check(tmp_path / "link")


def test_a_checkpoint_of_an_earlier_version_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "fine-tuning-1-of-3.pt"
    torch.save({"format": 1, "fingerprint": "mine", "state": STATE}, path)
    check(tmp_path)
    known = Checkpoint(tmp_path, name=Message("fine-tuning 1 of 3"), fingerprint="mine")
    assert known.load()[0] is not None
    known.save(STATE)
    remove(tmp_path)

    assert not path.exists()


def test_the_fingerprint_covers_settings_labels_and_weights() -> None:
    weights = {"a": torch.zeros(2)}
    base = fingerprint({"epochs": 3}, [("1", "cat"), ("2", "dog")], weights)

    assert base == fingerprint({"epochs": 3}, [("2", "dog"), ("1", "cat")], {"a": torch.zeros(2)})
    assert base != fingerprint({"epochs": 4}, [("1", "cat"), ("2", "dog")], weights)
    assert base != fingerprint({"epochs": 3}, [("1", "dog"), ("2", "dog")], weights)
    assert base != fingerprint({"epochs": 3}, [("1", "cat"), ("2", "dog")], {"a": torch.ones(2)})
