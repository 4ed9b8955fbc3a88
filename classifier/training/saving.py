"""Saves what was trained: the bundle, and before fine-tuning one with a head alone, which is usable at once."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier import __version__
from classifier.errors import Message
from classifier.inference.placing import place
from classifier.labels.random_draw import Drawn
from classifier.model.bundle import Bundle
from classifier.model.card import LAST_LAYER_ACCURACY, LAST_LAYER_CALIBRATION_ERROR, LAST_LAYER_TEMPERATURE
from classifier.model.fitted_images import FittedImages
from classifier.model.manifest import Manifest
from classifier.model.tags import Tags
from classifier.model.trained import save_bundle
from classifier.own_files import READ, open_own
from classifier.own_folder import OwnFolder
from classifier.paths import to_json
from classifier.records import Example
from classifier.settings import Settings
from classifier.training.artifacts import collect_artifacts
from classifier.training.context import TrainingContext
from classifier.training.recipe import LEARNING, finetuning_seconds
from classifier.training.stages import ESTIMATING, WRITING
from classifier.training.train import Trained

if TYPE_CHECKING:
    from collections.abc import Sequence

FINETUNE_SECONDS: Final = "finetune_seconds"
_KEY: Final = "training.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Where a bundle goes and what it says of its labels.

    `key` names the training (`training_key`), `sample` are all labels, `groups` the near-duplicate group of each
    example, `before` the images that the backbone was fitted to before, `parts` the number of folds, `view_size` the
    side of the square that is learned from, `tags` those of a tagger as the backbone.
    """

    folder: Path
    settings: Settings
    license: str
    sample: Drawn
    groups: dict[Example, int]
    before: FittedImages
    parts: int
    key: str
    view_size: int
    tags: Tags | None = None

    def save(self, run: TrainingContext, trained: Trained) -> tuple[Bundle, dict[str, Any]]:
        """Write the bundle; it, and what the held-out labels say of it."""
        if self.tags is not None and trained.epoch:
            run.progress.say(
                Message(
                    "The network is fine-tuned, so the tagger's own tags no longer hold for it: the review page offers "
                    "none"
                )
            )
        return self._save(run, trained, estimating=ESTIMATING, writing=WRITING, manifest=self._manifest(run, trained))

    def save_head(self, run: TrainingContext, trained: Trained) -> None:
        """Write a bundle whose place the fine-tuned one takes, and say that it can be used."""
        stage = Message("saving the head")
        manifest = self._manifest(run, trained)
        train = manifest.settings["train"] | {"recipe": "head"}
        interim = manifest.model_copy(update={"is_interim": True, "settings": manifest.settings | {"train": train}})
        self._save(run, trained, estimating=stage, writing=stage, manifest=interim)
        place(run.network, run.runtime)
        run.progress.say(
            Message(
                "A model with a head alone can be used already: {folder}; fine-tuning goes on, and its model takes the "
                "place of this one",
                folder=self.folder,
            )
        )

    def _save(
        self, run: TrainingContext, trained: Trained, *, estimating: Message, writing: Message, manifest: Manifest
    ) -> tuple[Bundle, dict[str, Any]]:
        with run.progress.stage(estimating, total=None, unit=""):
            artifacts = collect_artifacts(run, trained, self.groups, self.sample, parts=self.parts)
        run.network.image_size = manifest.image_size  # a fine-tuned one sees more pixels than it learned from
        fitted = self.before.with_examples(self.sample.examples + run.crawl) if trained.epoch else self.before
        with run.progress.stage(writing, total=None, unit=""):
            bundle = save_bundle(
                self.folder,
                network=run.network.cpu(),
                manifest=manifest,
                evaluation=artifacts.figures,
                # The tagger's head takes what its own network sees, and no longer what a fine-tuned one does.
                parts=replace(artifacts.parts, fitted=fitted, tags=None if trained.epoch else self.tags),
            )
        return bundle, artifacts.figures

    def _expected(self, trained: Trained) -> dict[str, int | float | str | None]:
        """What fine-tuning would take, where there is a head alone."""
        if trained.epoch or trained.histories:
            return {}
        labels, looking = len(self.sample.examples), trained.seconds_per_image
        seconds = finetuning_seconds(self.settings, labels=labels, learning=LEARNING * looking, looking=looking)
        return {FINETUNE_SECONDS: round(seconds)}

    def _manifest(self, run: TrainingContext, trained: Trained) -> Manifest:
        settings = self.settings
        return Manifest(
            categories=run.categories,
            image_size=run.transform.image_size,
            view_size=self.view_size,
            max_squeeze=run.transform.max_squeeze,
            temperature=trained.temperature,
            threshold=settings.sort.threshold,
            backbone=settings.model.backbone,
            backbone_license=self.license,
            training=self.key,
            measured=self._expected(trained)
            | {
                "labels": len(trained.embedded.examples),
                "held_out": trained.evaluation.count,
                "accuracy": trained.evaluation.accuracy,
                "accuracy_of_frozen_head": trained.frozen.accuracy,
                "calibration_error": trained.evaluation.calibration_error,
                **_of_last_layer(trained),
            },
            settings=settings.model_dump(mode="json"),
            versions={"illsort": __version__, "python": platform.python_version()}
            | {package: version(package) for package in ("torch", "torchvision", "timm", "pillow")},
        )


def _of_last_layer(trained: Trained) -> dict[str, float | None]:
    """What the held-out labels say of the network's last layer alone, as other programs use it."""
    judged = trained.last_layer
    return {
        LAST_LAYER_ACCURACY: judged.accuracy,
        LAST_LAYER_CALIBRATION_ERROR: judged.calibration_error,
        LAST_LAYER_TEMPERATURE: trained.last_layer_temperature,
    }


def training_key(settings: Settings, *, backbone: str, examples: Sequence[Example]) -> str:
    """What a training is known by when it is begun again, as 64 hex digits: settings, first weights and labels.

    `backbone` is the hash of the weights, which takes a while: `Network.backbone_sha256`.
    """
    apart = {"train": {"minutes", "finetune_labels"}}  # a training goes on with more time; labels tell the rest
    trained = settings.model_dump(mode="json", include={"train": True, "model": True}, exclude=apart)
    labels = sorted([example.image_id, example.label.category] for example in examples)
    return hashlib.sha256(to_json([trained, backbone, labels]).encode()).hexdigest()


def note_begin(folder: Path, key: str) -> None:
    """Note which training the states in `folder` are of; a disk that refuses it is met again by the first state."""
    with suppress(OSError):
        OwnFolder(folder).write(_KEY, lambda file: file.write(key.encode()))


def has_begun(folder: Path, key: str) -> bool:
    """Whether `note_begin` noted this training."""
    try:
        with open_own(folder / _KEY, READ) as file:
            return file.read(len(key) + 1) == key.encode()
    except OSError:
        return False
