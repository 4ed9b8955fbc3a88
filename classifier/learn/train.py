"""The recipe: a head on frozen features, then the whole network, then a head again; judged on held-out pictures.

Knows no settings file and no bundle; its only files are the labelled pictures and the state of the run.
"""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.errors import LabelsError
from classifier.infer.reader import Reader
from classifier.learn.augment import Augment
from classifier.learn.checkpoint import Checkpoint, fingerprint
from classifier.learn.evaluate import Evaluation, evaluate
from classifier.learn.features import Features, embed_examples
from classifier.learn.finetune import finetune
from classifier.learn.head import Head, fit_head
from classifier.learn.pictures import Pictures
from classifier.learn.state import Epoch
from classifier.model.calibration import fit_temperature, probabilities
from classifier.records import Example, Failure, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from classifier.infer.device import Runtime
    from classifier.learn.parameters import Recipe
    from classifier.model.backbone import Network
    from classifier.model.transforms import EvalTransform
    from classifier.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training came to; the network itself was trained in place.

    `frozen` judges the head on frozen features and `evaluation` the recipe as a whole, both on held-out pictures that
    neither saw. The network then learns from the held-out pictures too, so it is, if anything, better than that.
    `epoch` is the one that was kept, 0 for the frozen features.
    """

    temperature: float
    frozen: Evaluation
    evaluation: Evaluation
    epoch: int
    history: tuple[Epoch, ...]
    unread: tuple[tuple[Example, Failure], ...]


def train(
    network: Network,
    split: Split,
    *,
    categories: Sequence[str],
    recipe: Recipe,
    transform: EvalTransform,
    runtime: Runtime,
    max_megapixels: float,
    folder: Path | None,
    progress: Progress,
) -> Trained:
    """Train `network`, whose head has an output for each of `categories` in that order, in place.

    A killed run goes on from the state in `folder`; `checkpoint.remove` it once the result is safe. Raises
    LabelsError when a category has no picture left to learn from, or a picture vanishes meanwhile.
    """
    run = _Run(network, tuple(categories), recipe, transform, runtime, max_megapixels, folder, progress)
    network.to(device=runtime.device).eval()
    everything = run.embed(split.train + split.validation, "embedding labels")
    learned, held_out = everything.of(split.train), everything.of(split.validation)
    run.check(learned)
    unread, epoch = everything.unread, 0
    history: tuple[Epoch, ...] = ()
    frozen, temperature = run.judge(run.fit(learned), held_out)
    evaluation = frozen
    start = {name: value.clone() for name, value in network.state_dict().items()}
    if recipe.recipe == "finetune" and recipe.epochs > 0:
        epoch, history = run.finetune(learned, held_out, stop_after=recipe.epochs, name="fine-tuning")
    if epoch > 0:
        again = run.embed(learned.examples + held_out.examples, "embedding labels again")
        evaluation, temperature = run.judge(run.fit(again.of(learned.examples)), again.of(held_out.examples))
        run.tell(frozen, evaluation, epoch)
        if recipe.retrain and held_out.examples:
            network.load_state_dict(start)
            run.finetune(everything, everything.of(()), stop_after=epoch, name="fine-tuning with all labels")
            again = run.embed(everything.examples, "embedding labels for the last time")
        everything = again
    run.fit(everything).put_into(network.head)
    return Trained(
        temperature=temperature, frozen=frozen, evaluation=evaluation, epoch=epoch, history=history, unread=unread
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What stays the same from the first step to the last."""

    network: Network
    categories: tuple[str, ...]
    recipe: Recipe
    transform: EvalTransform
    runtime: Runtime
    max_megapixels: float
    folder: Path | None
    progress: Progress

    def check(self, learned: Features) -> None:
        """Every category has something to learn from."""
        for missing in sorted(set(self.categories) - {example.label.category for example in learned.examples}):
            raise LabelsError(f"category {missing!r}: none of the pictures to learn from can be read any more")

    def tell(self, frozen: Evaluation, evaluation: Evaluation, epoch: int) -> None:
        """What the first fine-tuning came to, in a sentence."""
        if frozen.accuracy is not None and evaluation.accuracy is not None:
            self.progress.say(
                f"Of {evaluation.count} held-out pictures {frozen.accuracy:.0%} are right before fine-tuning and "
                f"{evaluation.accuracy:.0%} after it; epoch {epoch} of {self.recipe.epochs} is kept."
            )

    def embed(self, examples: Sequence[Example], stage: str) -> Features:
        reader = Reader(transform=self.transform, max_megapixels=self.max_megapixels)
        return embed_examples(
            examples, network=self.network, reader=reader, runtime=self.runtime, progress=self.progress, stage=stage
        )

    def targets(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        indices = {category: index for index, category in enumerate(self.categories)}
        return np.array([indices[example.label.category] for example in examples], dtype=np.int64)

    def fit(self, features: Features) -> Head:
        return fit_head(features.embeddings, self.targets(features.examples))

    def judge(self, head: Head, held_out: Features) -> tuple[Evaluation, float]:
        """What `head` makes of pictures it has not seen, and the temperature that suits them."""
        logits_NK = head(held_out.embeddings)
        targets_N = self.targets(held_out.examples)
        temperature = fit_temperature(logits_NK, targets_N)
        paths = [example.label.path for example in held_out.examples]
        shares_NK = probabilities(logits_NK, temperature)
        return evaluate(shares_NK, targets_N, categories=self.categories, paths=paths), temperature

    def finetune(
        self, learned: Features, held_out: Features, *, stop_after: int, name: str
    ) -> tuple[int, tuple[Epoch, ...]]:
        """Fine-tune from a head fitted to `learned`; `name` is what is shown, and the state's name on disk."""
        self.fit(learned).put_into(self.network.head)
        augment = Augment(image_size=self.recipe.image_size, crop_min=self.recipe.crop_min, seed=self.recipe.seed)
        return finetune(
            self.network,
            train=self._pictures(learned, augment.shrink),
            validation=self._pictures(held_out, self.transform),
            recipe=self.recipe,
            stop_after=stop_after,
            runtime=self.runtime,
            name=name,
            checkpoint=self._checkpoint(learned, held_out, name),
            progress=self.progress,
        )

    def _pictures(self, features: Features, prepare: Callable[[Tensor], Tensor]) -> Pictures:
        targets = self.targets(features.examples).tolist()
        return Pictures(features.examples, targets, prepare=prepare, max_megapixels=self.max_megapixels)

    def _checkpoint(self, learned: Features, held_out: Features, name: str) -> Checkpoint | None:
        if self.folder is None:
            return None
        settings = {"run": name, "recipe": asdict(self.recipe), "transform": asdict(self.transform)}
        settings["numbers"] = str(self.runtime.dtype)
        labels = [
            (example.picture, example.label.category, side)
            for side, features in (("train", learned), ("validation", held_out))
            for example in features.examples
        ]
        # The head is left out: it follows from the rest, and on a GPU not to the last bit.
        head = {id(parameter) for parameter in self.network.head.parameters()}
        weights = self.network.state_dict(keep_vars=True).items()
        body = {key: value for key, value in weights if id(value) not in head}
        return Checkpoint(self.folder, name=name.replace(" ", "-"), fingerprint=fingerprint(settings, labels, body))
