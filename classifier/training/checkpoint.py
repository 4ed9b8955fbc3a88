"""The state of a fine-tuning between epochs, and its checkpoints on disk, so that a killed run resumes.

The last epoch is kept unless an earlier one is significantly better on the held-out images. With a few dozen of them
the epoch of least loss is mostly luck, and often one of the first (measured: docs/LOG.md).
"""

# Shapes: V held-out images.

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from classifier.errors import Message, ModelError, message_of
from classifier.own_folder import OwnFolder, name_taken
from classifier.progress import SilentProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from classifier.model.backbone import Network
    from classifier.progress import Progress
    from classifier.training.processes import Processes

_SUFFIX: Final = ".pt"
_FORMAT: Final = 1
_PARTS: Final = frozenset({"format", "fingerprint", "state"})
_OF_A_RUN: Final = re.compile(r"(fine-tuning|learning-from-the-crawl)-[a-z0-9-]+\.pt")
_STANDARD_ERRORS: Final = 2.0


class Checkpoint:
    """The state of the stage `name` in `folder`; that of another `fingerprint` is not its own.

    A run killed while saving leaves the state of the epoch before. What cannot be saved is said to `progress`.
    """

    def __init__(self, folder: Path, *, name: Message, fingerprint: str, progress: Progress | None = None) -> None:
        self.name = name
        self._progress = progress or SilentProgress()
        self.path = folder / f"{name.replace(' ', '-')}{_SUFFIX}"
        self.fingerprint = fingerprint

    def load(self) -> tuple[dict[str, Any] | None, Message | None]:
        """The state saved last and a sentence on which it is, or why it is not used; tensors are on the CPU.

        Both are None where no epoch was saved yet.
        """
        name, path = self.name, self.path
        if not path.is_file():
            return None, None
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            is_own = (saved["format"], saved["fingerprint"]) == (_FORMAT, self.fingerprint)
            state, epoch = saved["state"], saved["state"]["epoch"]
        except Exception as error:  # noqa: BLE001 - rubbish makes the restricted unpickler raise anything at all
            why = type(error).__name__
            return None, Message("{name} starts anew: {path} cannot be read ({why}).", name=name, path=path, why=why)
        if _is_state(saved):
            OwnFolder(path.parent).adopt(path.name)  # an earlier illsort kept no record of its states
        if not is_own:
            return None, Message(
                "{name} starts anew: {path} is of a run with other settings, labels or weights.", name=name, path=path
            )
        return state, Message(
            "{name} goes on after epoch {epoch}, as {path} holds it.", name=name, epoch=epoch, path=path
        )

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is on disk by `state`: tensors, numbers, text, and dicts and lists of them; `epoch` among them.

        Returns when it is durable, or the disk refused it: then training goes on, and would begin after an earlier
        epoch, or anew, if it were stopped. Raises ModelError in one line when a file of another's bears its name.
        """
        saved = {"format": _FORMAT, "fingerprint": self.fingerprint, "state": dict(state)}
        try:
            OwnFolder(self.path.parent).write(self.path.name, lambda file: torch.save(saved, file))
        except FileExistsError as error:
            raise ModelError(message_of(error)) from None
        except (OSError, RuntimeError) as error:  # torch has no other for a file that it cannot write
            self._progress.say(
                Message(
                    "{name}: epoch {epoch} is not saved in {path} ({why}); training goes on",
                    name=self.name,
                    epoch=state["epoch"],
                    path=self.path,
                    why=message_of(error),
                )
            )


def check(folder: Path) -> None:
    """Raise ModelError in one line when a file that illsort did not write stands where a state has to be saved."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(
            "{folder} is a link or a file, where training keeps its state: move it elsewhere", folder=folder
        )
    own = OwnFolder(folder)
    for path in sorted(folder.glob("*.pt")):
        if _OF_A_RUN.fullmatch(path.name) and not own.owns(path.name) and not _holds_state(path):
            raise ModelError(message_of(name_taken(path)))


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


class BestEpoch:
    """The epoch of least mean loss so far, with its weights."""

    def __init__(self) -> None:
        self.epoch = -1
        self.losses: NDArray[np.float64] = np.empty(0)
        self.weights: dict[str, Tensor] = {}

    def update(self, epoch: int, losses: NDArray[np.float64], weights: Mapping[str, Tensor]) -> None:
        """Keep a copy of `weights` when the mean of `losses` (held-out images, same order each time) is the least.

        Without held-out images no epoch is better than the last, so nothing is copied.
        """
        if self.epoch < 0 or mean(losses) < mean(self.losses):
            self.epoch, self.losses = epoch, losses
            kept = weights if len(losses) else {}
            self.weights = {name: value.detach().to("cpu", copy=True) for name, value in kept.items()}


def is_significantly_better(losses: NDArray[np.float64], last_losses: NDArray[np.float64]) -> bool:
    """Whether the mean loss is lower by more than two standard errors of the paired difference.

    What is not finite is never better, and anything finite is better than it. Without images: no.
    """
    if len(losses) == 0:
        return False
    if not np.isfinite(last_losses).all() or not np.isfinite(losses).all():
        return bool(np.isfinite(losses).all())
    gain = last_losses - losses
    return bool(gain.mean() > _STANDARD_ERRORS * gain.std() / np.sqrt(len(gain)))


def mean(losses: NDArray[np.float64]) -> float:
    """The mean loss; infinite when there is none or it is not finite."""
    value = losses.mean() if len(losses) else np.inf
    return float(value) if np.isfinite(value) else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one epoch came to; `loss` is the mean training loss (None for epoch 0, the fitted head).

    `validation_loss` (after a temperature fitted to it) and `validation_accuracy` are the moving average's, None
    without held-out images.
    """

    number: int
    loss: float | None
    validation_loss: float | None
    validation_accuracy: float | None


class TrainingState:
    """What a checkpoint stores: network, EMA model, optimizer, scaler, history and best epoch."""

    def __init__(
        self, network: Network, average: Network, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
    ) -> None:
        self._parts: dict[str, Any] = {"network": network, "average": average, "optimizer": optimizer, "scaler": scaler}
        self._last_losses: NDArray[np.float64] = np.empty(0)
        self._best = BestEpoch()
        self.history: list[Epoch] = []
        self.epoch = 0
        self.step = 0
        self.seconds = 0.0

    def record_epoch(self, loss: float | None, losses_V: NDArray[np.float64], accuracy: float | None) -> None:
        """Add the epoch to the history, and keep its weights when they are the best so far."""
        self._last_losses = losses_V
        self._best.update(self.epoch, losses_V, self._parts["average"].state_dict())
        mean = float(losses_V.mean()) if len(losses_V) else None
        self.history.append(Epoch(number=self.epoch, loss=loss, validation_loss=mean, validation_accuracy=accuracy))

    def restore_best(self) -> int:
        """Load the weights to keep into the network; returns their epoch."""
        is_earlier = self._best.epoch < self.epoch and is_significantly_better(self._best.losses, self._last_losses)
        network = self._parts["network"]
        network.load_state_dict(self._best.weights if is_earlier else self._parts["average"].state_dict())
        network.eval()
        return self._best.epoch if is_earlier else self.epoch

    def as_dict(self) -> dict[str, Any]:
        """Tensors and plain values; where the last epoch is the best, its weights are shared, and so saved once."""
        states = {name: part.state_dict() for name, part in self._parts.items()}
        if self._best.epoch == self.epoch and self._best.weights:
            states["average"] = self._best.weights
        return states | {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "history": [asdict(epoch) for epoch in self.history],
            "last_losses": torch.from_numpy(self._last_losses),
            "best_epoch": self._best.epoch,
            "best_losses": torch.from_numpy(self._best.losses),
            "best_weights": self._best.weights,
        }

    def restore(self, checkpoint: Checkpoint, progress: Progress) -> bool:
        """Restore the state from `checkpoint` and report it; False when there is none."""
        saved, message = checkpoint.load()
        if message is not None:
            progress.say(message)
        if saved is None:
            return False
        self._load(saved)
        return True

    def follow_main(self, processes: Processes) -> None:
        """Take over the state of the main process."""
        if processes.count > 1:
            saved = processes.by_main(self.as_dict)
            if not processes.is_main:
                self._load(saved)

    def _load(self, saved: Mapping[str, Any]) -> None:
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        self.epoch, self.step, self.seconds = saved["epoch"], saved["step"], saved["seconds"]
        self.history = [Epoch(**epoch) for epoch in saved["history"]]
        self._last_losses = saved["last_losses"].numpy()
        self._best.epoch, self._best.losses = saved["best_epoch"], saved["best_losses"].numpy()
        self._best.weights = saved["best_weights"]
