"""The context of a training run: its settings and collaborators, and the steps that use them."""

# Shapes: N images, K categories.

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from classifier.errors import LabelsError, Message
from classifier.inference.memory import one_line_when_full
from classifier.inference.reader import Reader
from classifier.labels.split import sample_examples
from classifier.model.combined_head import FINETUNED, FROZEN, CombinedHead, fit_combined_head
from classifier.model.head import LinearHead, fit_head
from classifier.model.layers import FROZEN_LAYERS
from classifier.records import Example, ImageId
from classifier.training.augment import Augment
from classifier.training.checkpoint import Checkpoint, Epoch, fingerprint
from classifier.training.dataset import TrainingImages
from classifier.training.features import Features, embed_examples
from classifier.training.helping import FineTuning
from classifier.training.kept_embeddings import KeptEmbeddings
from classifier.training.micro_batches import MicroBatches
from classifier.training.processes import ALONE, Processes
from classifier.training.pseudo_labels import PseudoLabels, read_sample
from classifier.training.recipe import TURNS, is_sparing, most_checked, most_learned, sharper_size, view_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from classifier.inference.device import Runtime
    from classifier.inference.reader import Reader
    from classifier.inference.worker_pool import WorkerPool
    from classifier.model.backbone import Network
    from classifier.model.transforms import EvalTransform
    from classifier.progress import Progress
    from classifier.settings import TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """The `train` section of the settings, where each value is described, and what follows from the network.

    `most_seconds` limits one fine-tuning, whose schedule then ends with it; 0 is no limit.
    """

    recipe: Literal["finetune", "head"]
    epochs: int
    finetune_labels: int
    batch_size: int
    learning_rate: float
    layer_decay: float
    weight_decay: float
    warmup_share: float
    label_smoothing: float
    ema_decay: float
    crop_min: float
    most_seconds: float
    seed: int
    image_size: int

    @classmethod
    def from_settings(cls, settings: TrainSettings, *, image_size: int, most_seconds: float = 0) -> Hyperparameters:
        """The values of `settings`."""
        values = settings.model_dump(include={field.name for field in fields(cls)})
        return cls(**values, image_size=image_size, most_seconds=most_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingContext:
    """One training run over `network`, which every step changes in place; its checkpoints lie in `folder`."""

    network: Network
    categories: tuple[str, ...]
    recipe: Hyperparameters
    transform: EvalTransform
    runtime: Runtime
    micro_batches: MicroBatches
    max_megapixels: float
    pool: WorkerPool
    folder: Path | None
    progress: Progress
    crawl: tuple[Example, ...] = ()
    """Unlabeled images to learn from as well."""
    kept: KeptEmbeddings = field(default_factory=KeptEmbeddings)
    """What the network, as it is in the beginning, makes of images, as far as libraries keep it."""
    processes: Processes = ALONE

    @property
    def sharper(self) -> TrainingContext:
        """The run as it looks at whole images in more pixels than it learns from; itself where there are no more.

        A network that learned from crops may see them better so, since crops show everything larger than whole images
        of as many pixels do (Touvron et al. 2019, Fixing the train-test resolution discrepancy).
        """
        size = sharper_size(self.transform.image_size)
        if size == self.transform.image_size or not self.network.takes_any_size:
            return self
        return replace(self, transform=replace(self.transform, image_size=size))

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's weights as they are now, in this machine's memory."""
        return {name: value.detach().to("cpu", copy=True) for name, value in self.network.state_dict().items()}

    def embed(self, examples: Sequence[Example], stage: Message) -> Features:
        """Embeddings by the network as it is now."""
        reader = Reader(transform=self.transform, max_megapixels=self.max_megapixels)
        return embed_examples(
            examples,
            network=self.network,
            reader=reader,
            pool=self.pool,
            runtime=self.runtime,
            progress=self.progress,
            stage=stage,
        )

    def embed_first(self, examples: Sequence[Example], stage: Message) -> tuple[Features, float]:
        """Embeddings by the network in the beginning, and the seconds that reading and embedding an image takes."""
        began, wanted = time.monotonic(), self.kept.to_embed(examples)
        new = self.embed(wanted, stage)
        return self.kept.completed(examples, new), (time.monotonic() - began) / max(1, len(new.examples))

    def look(self, paths: list[Path], *, without: frozenset[ImageId]) -> tuple[Example, ...]:
        """The images of a crawl among `paths` that can be learned from."""
        return read_sample(
            paths,
            without=without,
            max_megapixels=self.max_megapixels,
            pool=self.pool,
            progress=self.progress,
        )

    def check(self, learned: Features) -> None:
        """Every category has something to learn from; raises LabelsError naming one that has not."""
        for missing in sorted(set(self.categories) - {example.label.category for example in learned.examples}):
            raise LabelsError(
                "category {category!r}: none of the pictures to learn from can be read any more", category=missing
            )

    def targets(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """Category indices, (N,)."""
        indices = {category: index for index, category in enumerate(self.categories)}
        return np.array([indices[example.label.category] for example in examples], dtype=np.int64)

    def fit(self, features: Features, *, is_finetuned: bool) -> CombinedHead:
        """A head fitted to labeled features: to embeddings and statistics."""
        targets = self.targets(features.examples)
        length = FINETUNED if is_finetuned else FROZEN
        return fit_combined_head(features.embeddings, features.stats, targets, stats_length=length)

    def fit_last_layer(self, features: Features) -> LinearHead:
        """A head fitted to the embeddings alone, as the network's last layer takes them."""
        return fit_head(features.embeddings, self.targets(features.examples))

    def finetune(
        self,
        learned: Features,
        held_out: Features,
        *,
        stop_after: int,
        name: Message,
        guesses: PseudoLabels | None = None,
        fits_head: bool = True,
    ) -> tuple[int, tuple[Epoch, ...]]:
        """Fine-tune from a head fitted to `learned`, or from its own; `name` is shown, and the state's name on disk."""
        guesses = guesses or PseudoLabels(examples=(), targets=np.empty((0, len(self.categories))))
        if fits_head:
            self.network.set_head(self.fit_last_layer(learned))
        learned, held_out = self._sampled(learned, most_learned), self._sampled(held_out, most_checked)
        augment = Augment(image_size=self.recipe.image_size, crop_min=self.recipe.crop_min, seed=self.recipe.seed)
        task = FineTuning(
            network=self.network,
            train=self._pictures(learned, augment.shrink, guesses),
            validation=self._pictures(held_out, self.transform),
            recipe=self.recipe,
            stop_after=stop_after,
            name=name,
        )
        checkpoint = self._checkpoint(learned, held_out, guesses, name)
        self.processes.by_main(lambda: task)  # the others wait for it in `helping.help_main`
        with one_line_when_full(self.runtime.device):
            return task.run(
                runtime=self.runtime,
                micro_batches=self.micro_batches,
                checkpoint=checkpoint,
                progress=self.progress,
                processes=self.processes,
            )

    def _sampled(self, features: Features, most: Callable[[int, int], int]) -> Features:
        """As many of these as fine-tuning learns from, or looks at after each epoch."""
        count, total = most(self.recipe.finetune_labels, len(features.examples)), len(features.examples)
        if count == total:
            return features
        return features.of(sample_examples(features.examples, most=count, seed=self.recipe.seed))

    def _pictures(
        self, features: Features, prepare: Callable[[Tensor], Tensor], guesses: PseudoLabels | None = None
    ) -> TrainingImages:
        examples, targets = features.examples, np.eye(len(self.categories))[self.targets(features.examples)]
        if guesses is not None:
            examples, targets = examples + guesses.examples, np.concatenate([targets, guesses.targets])
        return TrainingImages(
            examples,
            targets,
            guesses=len(guesses or ()),
            prepare=prepare,
            max_megapixels=self.max_megapixels,
            watch=self.pool.watch,
        )

    def _checkpoint(
        self, learned: Features, held_out: Features, guesses: PseudoLabels, name: Message
    ) -> Checkpoint | None:
        if self.folder is None:
            return None
        recipe = asdict(self.recipe) | {"most_seconds": 0}  # a run may go on with more time than it had
        del recipe["finetune_labels"]  # the labels below follow from it
        device, count = self.runtime.device.type, len(held_out.examples)
        # Of networks of one size too, as it was always written: what an earlier version began goes on.
        small, large = view_sizes(
            self.recipe.image_size, takes_any_size=True, device=device, held_out=count, guesses=len(guesses)
        )
        if is_sparing(device, count):
            recipe |= {"early_size": small, "frozen": FROZEN_LAYERS}
        elif small < large:
            recipe |= {"early_size": small}
        if guesses:
            recipe |= {"turns": TURNS}  # by which the number of steps, and so the learning rates, are reckoned
        settings = {"run": name, "recipe": recipe, "transform": asdict(self.transform)}
        settings["numbers"] = str(self.runtime.dtype)
        labels = [
            (example.image_id, example.label.category, side)
            for side, features in (("train", learned), ("validation", held_out))
            for example in features.examples
        ]
        guessed = zip(guesses.examples, guesses.targets.argmax(axis=1), strict=True)
        labels += [(example.image_id, self.categories[best], "guess") for example, best in guessed]
        # The head is left out: it follows from the rest, and on a GPU not to the last bit.
        head = {id(parameter) for parameter in self.network.head.parameters()}
        weights = self.network.state_dict(keep_vars=True).items()
        body = {key: value for key, value in weights if id(value) not in head}
        mark = fingerprint(settings, labels, body)
        return Checkpoint(self.folder, name=name, fingerprint=mark, progress=self.progress)
