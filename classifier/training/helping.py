"""What the processes beside the main one do: they fine-tune as it says, until it is done.

All they need comes from it: labels, plan, guesses, weights. They read the pictures that they learn from, and write
nothing. The main process alone embeds, fits heads, judges and saves: embedding looks at a label a few times, where
fine-tuning learns from it in each epoch, and figures of unlike processors need not agree to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.inference.device import runtime_from_settings
from classifier.inference.memory import one_line_when_full
from classifier.progress import SilentProgress
from classifier.training.loop import finetune
from classifier.training.micro_batches import MicroBatches

if TYPE_CHECKING:
    from classifier.errors import Message
    from classifier.inference.device import Runtime
    from classifier.model.backbone import Network
    from classifier.progress import Progress
    from classifier.settings import RuntimeSettings
    from classifier.training.checkpoint import Checkpoint, Epoch
    from classifier.training.context import Hyperparameters
    from classifier.training.dataset import TrainingImages
    from classifier.training.processes import Processes


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """One fine-tuning, as `finetune` takes it."""

    network: Network
    train: TrainingImages
    validation: TrainingImages
    recipe: Hyperparameters
    stop_after: int
    name: Message

    def run(
        self,
        *,
        runtime: Runtime,
        micro_batches: MicroBatches,
        checkpoint: Checkpoint | None,
        progress: Progress,
        processes: Processes,
    ) -> tuple[int, tuple[Epoch, ...]]:
        """As `finetune`."""
        return finetune(
            self.network,
            train=self.train,
            validation=self.validation,
            recipe=self.recipe,
            stop_after=self.stop_after,
            runtime=runtime,
            micro_batches=micro_batches,
            name=self.name,
            checkpoint=checkpoint,
            progress=progress,
            processes=processes,
        )


def help_main(processes: Processes, settings: RuntimeSettings) -> None:
    """Take part in every fine-tuning of the main process. Raises IllsortError in one line."""
    runtime, progress = processes.runtime(runtime_from_settings(settings)), SilentProgress()
    while (task := processes.by_main(_nothing)) is not None:
        parts = MicroBatches(runtime.device, most=task.recipe.batch_size, say=progress.say)
        with one_line_when_full(runtime.device):
            task.run(runtime=runtime, micro_batches=parts, checkpoint=None, progress=progress, processes=processes)


def _nothing() -> FineTuning | None:
    """What the main process has in its place is what it wants done; None is the end."""
    return None
