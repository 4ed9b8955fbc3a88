"""Checkpoints: the state of a training run on disk after each epoch, so that a killed run resumes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from classifier.errors import ModelError, system_message
from classifier.own_folder import OwnFolder, name_taken

_SUFFIX: Final = ".pt"
_FORMAT: Final = 1
_PARTS: Final = frozenset({"format", "fingerprint", "state"})
_OF_A_RUN: Final = re.compile(r"(fine-tuning|learning-from-the-crawl)-[a-z0-9-]+\.pt")


class Checkpoint:
    """The state called `name` in `folder`; that of other settings, labels or weights (by `fingerprint`) is not its own.

    A run killed while saving leaves the state of the epoch before.
    """

    def __init__(self, folder: Path, *, name: str, fingerprint: str) -> None:
        self.path = folder / f"{name}{_SUFFIX}"
        self.fingerprint = fingerprint

    def load(self) -> tuple[dict[str, Any] | None, str]:
        """The state saved last, or None, and a sentence on which it is; tensors are on the CPU."""
        path, what = self.path, self.path.stem.replace("-", " ").capitalize()
        if not path.is_file():
            return None, f"{what} starts from the beginning: no epoch of it was finished yet."
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            is_own = (saved["format"], saved["fingerprint"]) == (_FORMAT, self.fingerprint)
            state, epoch = saved["state"], saved["state"]["epoch"]
        except Exception as error:  # noqa: BLE001 - rubbish makes the restricted unpickler raise anything at all
            return None, f"{what} starts anew: {path} cannot be read ({type(error).__name__})."
        if _is_state(saved):
            OwnFolder(path.parent).adopt(path.name)  # an earlier illsort kept no record of its states
        if not is_own:
            return None, f"{what} starts anew: {path} is of a run with other settings, labels or weights."
        return state, f"{what} goes on after epoch {epoch}, as {path} holds it."

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is on disk by `state`: tensors, numbers, text, and dicts and lists of them; `epoch` among them.

        Returns when it is durable. Raises ModelError in one line when a file of another's bears its name.
        """
        saved = {"format": _FORMAT, "fingerprint": self.fingerprint, "state": dict(state)}
        try:
            OwnFolder(self.path.parent).write(self.path.name, lambda file: torch.save(saved, file))
        except FileExistsError as error:
            raise ModelError(system_message(error)) from None


def check(folder: Path) -> None:
    """Raise ModelError in one line when a file that illsort did not write stands where a state has to be saved."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(f"{folder} is a link or a file, where training keeps its state: move it elsewhere")
    own = OwnFolder(folder)
    for path in sorted(folder.glob("*.pt")):
        if _OF_A_RUN.fullmatch(path.name) and not own.owns(path.name) and not _holds_state(path):
            raise ModelError(system_message(name_taken(path)))


def remove(folder: Path) -> None:
    """Remove the states in `folder`, once the result of the run is safe elsewhere; other files there stay."""
    OwnFolder(folder).remove()


def _holds_state(path: Path) -> bool:
    try:
        return not path.is_symlink() and _is_state(torch.load(path, map_location="cpu", weights_only=True))
    except Exception:  # noqa: BLE001 - rubbish makes the restricted unpickler raise anything at all
        return False


def _is_state(saved: Any) -> bool:
    """Whether it is what `Checkpoint.save` writes."""
    return isinstance(saved, dict) and saved.keys() == _PARTS and saved["format"] == _FORMAT


def fingerprint(settings: Mapping[str, Any], labels: Sequence[tuple[str, ...]], weights: Mapping[str, Tensor]) -> str:
    """What a run depends on, as 64 hex digits: settings (JSON values), labels in any order, first weights."""
    digest = hashlib.sha256(json.dumps([dict(settings), sorted(labels)], sort_keys=True).encode())
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
