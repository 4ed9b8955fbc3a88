"""Learning from the settings to the bundle: read the labels, split, train, save. The outermost call of learning."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from classifier import __version__
from classifier.errors import ModelError
from classifier.infer.device import choose_from, quicken_allocator
from classifier.labels.examples import read_examples
from classifier.labels.read import categories_of, read_labels
from classifier.labels.split import split
from classifier.learn import checkpoint
from classifier.learn.evaluate import as_dict
from classifier.learn.parameters import Recipe
from classifier.learn.train import Trained, train
from classifier.model.backbone import Network, load_backbone
from classifier.model.bundle import Bundle, check_target, save_bundle
from classifier.model.manifest import Manifest
from classifier.model.transforms import EvalTransform
from classifier.progress import Progress, SilentProgress
from classifier.records import Failure, Label, Split
from classifier.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A saved bundle, what the held-out labels say of it (as in its evaluation.json), and the labels left out."""

    bundle: Bundle
    evaluation: dict[str, Any]
    unreadable: tuple[tuple[Label, Failure], ...]


def learn(settings: Settings, *, progress: Progress | None = None) -> Learned:
    """Train on the labels that `settings` name and write the bundle to `model.folder`.

    A killed run goes on when called again with the same settings and labels. Raises IllsortError in one line.
    """
    progress = progress or SilentProgress()
    labels = read_labels(folder=settings.labels.folder, csv_file=settings.labels.csv)
    folder = _target(settings)
    categories = categories_of(labels)
    progress.say(quicken_allocator())
    runtime = choose_from(settings.runtime)
    for reason in runtime.reasons:
        progress.say(reason)
    network = load_backbone(
        settings.model.backbone,
        num_categories=len(categories),
        image_size=settings.model.image_size,
        allow_pickle=settings.model.allow_pickle,
    )
    examples, failures = read_examples(labels, max_megapixels=settings.images.max_megapixels, progress=progress)
    parts = split(
        examples,
        validation_share=settings.labels.validation_share,
        near_duplicate_bits=settings.labels.near_duplicate_bits,
        seed=settings.train.seed,
    )
    progress.say(
        f"{len(parts.train)} pictures to learn from, {len(parts.validation)} held out to choose and to calibrate by"
    )
    transform = EvalTransform(image_size=network.image_size)
    state = folder.with_name(f"{folder.name}.training")
    trained = train(
        network,
        parts,
        categories=categories,
        recipe=_recipe(settings, network),
        transform=transform,
        runtime=runtime,
        max_megapixels=settings.images.max_megapixels,
        folder=state,
        progress=progress,
    )
    evaluation = as_dict(trained.evaluation) | {"frozen": as_dict(trained.frozen), "epoch": trained.epoch}
    manifest = _manifest(settings, categories, transform, parts, trained)
    bundle = save_bundle(folder, network=network.cpu(), manifest=manifest, evaluation=evaluation)
    checkpoint.remove(state)
    unread = tuple((example.label, failure) for example, failure in trained.unread)
    return Learned(bundle=bundle, evaluation=evaluation, unreadable=failures + unread)


def _target(settings: Settings) -> Path:
    """Where the bundle goes; refused before the work, not after it."""
    if settings.model.folder is None:
        raise ModelError(
            "model.folder is not set: say where the model goes, for example --set model.folder=~/models/mine"
        )
    check_target(settings.model.folder)
    return settings.model.folder


def _recipe(settings: Settings, network: Network) -> Recipe:
    return Recipe(**settings.train.model_dump(), image_size=network.image_size)


def _manifest(
    settings: Settings, categories: tuple[str, ...], transform: EvalTransform, parts: Split, trained: Trained
) -> Manifest:
    return Manifest(
        categories=categories,
        image_size=transform.image_size,
        max_squeeze=transform.max_squeeze,
        temperature=trained.temperature,
        threshold=settings.sort.threshold,
        backbone=settings.model.backbone,
        measured={
            "labels": len(parts.train) + len(parts.validation),
            "held_out": trained.evaluation.count,
            "accuracy": trained.evaluation.accuracy,
            "accuracy_of_frozen_head": trained.frozen.accuracy,
            "calibration_error": trained.evaluation.calibration_error,
        },
        settings=settings.model_dump(mode="json"),
        versions={"illsort": __version__, "python": platform.python_version()}
        | {package: version(package) for package in ("torch", "torchvision", "timm", "pillow")},
    )
