"""All that a training run has come to, so that it can be written down and taken up again; knows no pictures."""

# Shapes: V held-out pictures.

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from classifier.training.epoch_selection import Best, is_surely_better

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.backbone import Network
    from classifier.progress import Progress
    from classifier.training.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What one epoch came to; `loss` is the mean training loss (None for epoch 0, the fitted head).

    `validation_loss` (after a temperature fitted to it) and `validation_accuracy` are the moving average's, None
    without held-out pictures.
    """

    number: int
    loss: float | None
    validation_loss: float | None
    validation_accuracy: float | None


class TrainingState:
    """All that a run has come to, so that it can be written down and taken up again."""

    def __init__(
        self, network: Network, average: Network, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
    ) -> None:
        self._parts: dict[str, Any] = {"network": network, "average": average, "optimizer": optimizer, "scaler": scaler}
        self._last_losses: NDArray[np.float64] = np.empty(0)
        self._best = Best()
        self.history: list[Epoch] = []
        self.epoch = 0
        self.step = 0
        self.seconds = 0.0

    def judge(self, loss: float | None, losses_V: NDArray[np.float64], accuracy: float | None) -> None:
        """Note what the epoch came to, and keep its weights when they are the best so far."""
        self._last_losses = losses_V
        self._best.consider(self.epoch, losses_V, self._parts["average"].state_dict())
        mean = float(losses_V.mean()) if len(losses_V) else None
        self.history.append(Epoch(number=self.epoch, loss=loss, validation_loss=mean, validation_accuracy=accuracy))

    def choose(self) -> int:
        """Put the weights to keep into the network; returns their epoch."""
        is_earlier = self._best.epoch < self.epoch and is_surely_better(self._best.losses, self._last_losses)
        network = self._parts["network"]
        network.load_state_dict(self._best.weights if is_earlier else self._parts["average"].state_dict())
        network.eval()
        return self._best.epoch if is_earlier else self.epoch

    def as_dict(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return {name: part.state_dict() for name, part in self._parts.items()} | {
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
        """Take up the state that `checkpoint` holds, and say so; False when there is none."""
        saved, message = checkpoint.load()
        progress.say(message)
        if saved is None:
            return False
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        self.epoch, self.step, self.seconds = saved["epoch"], saved["step"], saved["seconds"]
        self.history = [Epoch(**epoch) for epoch in saved["history"]]
        self._last_losses = saved["last_losses"].numpy()
        self._best.epoch, self._best.losses = saved["best_epoch"], saved["best_losses"].numpy()
        self._best.weights = saved["best_weights"]
        return True
