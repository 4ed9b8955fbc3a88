"""The state of a training run on disk after each epoch, so that a killed run goes on; knows no loop and no network."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

_SUFFIX: Final = ".pt"
_WRITING: Final = ".pt.writing"
_FORMAT: Final = 1


class Checkpoint:
    """The state called `name` in `folder`; that of other settings, labels or weights (by `fingerprint`) is not its own.

    A run killed while saving leaves the state of the epoch before.
    """

    def __init__(self, folder: Path, *, name: str, fingerprint: str) -> None:
        self.path = folder / f"{name}{_SUFFIX}"
        self.fingerprint = fingerprint

    def load(self) -> tuple[dict[str, Any] | None, str]:
        """The state saved last, or None, and a sentence on which it is; tensors are on the CPU."""
        path = self.path
        if not path.is_file():
            return None, "Fine-tuning starts from the beginning."
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            is_own = (saved["format"], saved["fingerprint"]) == (_FORMAT, self.fingerprint)
            state, epoch = saved["state"], saved["state"]["epoch"]
        except Exception as error:  # noqa: BLE001 - rubbish makes the restricted unpickler raise anything at all
            return None, f"Fine-tuning starts anew: {path} cannot be read ({type(error).__name__})."
        if not is_own:
            return None, f"Fine-tuning starts anew: {path} is of a run with other settings, labels or weights."
        return state, f"Fine-tuning goes on after epoch {epoch}, as {path} holds it."

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is on disk by `state`: tensors, numbers, text, and dicts and lists of them; `epoch` among them.

        Returns when it is durable.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        writing = self.path.with_suffix(_WRITING)
        with writing.open("wb") as file:
            torch.save({"format": _FORMAT, "fingerprint": self.fingerprint, "state": dict(state)}, file)
            file.flush()
            os.fsync(file.fileno())
        writing.replace(self.path)


def remove(folder: Path) -> None:
    """Forget the states in `folder`, once the result of the run is safe elsewhere; other files there stay."""
    for suffix in (_SUFFIX, _WRITING):
        for path in folder.glob(f"*{suffix}"):
            path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def fingerprint(settings: Mapping[str, Any], labels: Sequence[tuple[str, ...]], weights: Mapping[str, Tensor]) -> str:
    """What a run depends on, as 64 hex digits: settings (JSON values), labels in any order, first weights."""
    digest = hashlib.sha256(json.dumps([dict(settings), sorted(labels)], sort_keys=True).encode())
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
