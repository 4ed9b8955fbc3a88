"""The labels of a training run: gathered, marked by what they can be evidence for, and split.

A library that labels are taken from is reconciled with the disk first, since a person may have moved its files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.runs import SORT, has_run_of_kind
from classifier.errors import Counted, Message
from classifier.filing.reconcile import reconcile_if_free, report_reconciled
from classifier.filing.settle_changes import Answer, settle_if_free
from classifier.labels.csv_file import deeper_labels
from classifier.labels.from_annotations import Feedback, read_feedback
from classifier.labels.load import read_labels
from classifier.labels.random_draw import Draw, Drawn, read_draws
from classifier.labels.split import holdout_split, kfold_split
from classifier.model.bundle import open_bundle
from classifier.model.bundle_files import MANIFEST
from classifier.model.fitted_images import UNKNOWN, FittedImages
from classifier.paths import given_path
from classifier.progress import Progress
from classifier.records import Example, Label, Selection, Split
from classifier.settings import Settings
from classifier.training.near_duplicates import are_fitted
from classifier.training.recipe import FOLDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All labels, under the names that categories have now, with the verdicts and draws that they come from."""

    labels: tuple[Label, ...]
    feedback: Feedback
    draws: tuple[Draw, ...]


def gather(given: Settings, progress: Progress, *, ask: Callable[[Message], bool] | None = None) -> Gathered:
    """Read what the settings of labels name. Raises LabelsError or LibraryError in one line.

    What a person did in the library that they name is learned from, where `ask` or the settings say so; in a folder of
    labels that was sorted into it is, unless the settings say not: that is what naming the folder says.
    """
    settings = given.labels
    library = settings.library or _sorted_library(settings.folder)
    if settings.folder is not None and settings.folder != library:
        report_reconciled(reconcile_if_free(settings.folder, progress), progress)
    if library is not None:
        is_named = library == settings.folder and given.library.moved != Answer.LEAVE.value
        answer = Answer.LEARN if is_named else None
        settle_if_free(library, given, ask=ask, progress=progress, answer=answer)
    feedback = read_feedback(library, depth=settings.depth)
    draws = read_draws(settings.folder, library)
    found = read_labels(
        folder=settings.folder,
        csv_file=settings.csv,
        depth=settings.depth,
        further=feedback.labels,
        by_chance=settings.by_chance,
        progress=progress,
    )
    labels = feedback.with_current_names((*found, *(label for draw in draws for label in draw.without_category)))
    if library is not None:
        progress.say(
            Counted(
                "{count:,} label by what was said and done in the library",
                "{count:,} labels by what was said and done in the library",
                count=len(feedback.labels),
            )
        )
    if feedback.deeper:
        progress.say(deeper_labels(feedback.deeper, settings.depth))
    return Gathered(labels=labels, feedback=feedback, draws=draws)


def _sorted_library(folder: Path | None) -> Path | None:
    """The folder of labels, if something was sorted into it: then it is a library, too."""
    if folder is None or not is_library(folder):
        return None
    with read_catalog(folder) as catalog:
        return folder if has_run_of_kind(catalog, SORT) else None


def fitted_before(settings: Settings) -> FittedImages:
    """What the backbone was fitted to before: nothing of ours where it comes from a package or a hub.

    A folder without a record of it, ours of an earlier version or anyone's, may have learned from any image.
    """
    name = settings.model.backbone.removeprefix("local-dir:")
    if name == settings.model.backbone:
        return FittedImages()
    folder = given_path(name)
    return open_bundle(folder).load_fitted() if (folder / MANIFEST).is_file() else UNKNOWN


def mark_fitted(sample: Drawn, before: FittedImages) -> Drawn:
    """The same, but what the backbone was fitted to says so: it is no evidence, however it was selected."""

    def marked(examples: tuple[Example, ...]) -> tuple[Example, ...]:
        seen = are_fitted(before, examples)
        labels = [replace(one.label, selection=Selection.FITTED) for one in examples]
        return tuple(
            replace(one, label=label) if is_seen else one
            for one, label, is_seen in zip(examples, labels, seen, strict=True)
        )

    return replace(sample, examples=marked(sample.examples), without_category=marked(sample.without_category))


def evidence_summary(sample: Drawn, before: FittedImages) -> Message:
    """One line: which labels can guarantee an error rate, or why none can."""
    count = sum(one.label.selection is Selection.RANDOM for one in sample.examples) + len(sample.without_category)
    if not before.is_known:
        return Message("no guarantee by these labels: nobody knows what the backbone has learned from")
    if count:
        return _random_labels_summary(count, missing=sample.missing)
    if any(one.label.selection is Selection.FITTED for one in sample.examples):
        return Message(
            "no guarantee by these labels: the backbone has learned from them before, and the figures flatter"
        )
    if sample.waiting:
        return Counted(
            "no guarantee by these labels: {count:,} of the drawn pictures still waits to be judged",
            "no guarantee by these labels: {count:,} of the drawn pictures still wait to be judged",
            count=sample.waiting,
        )
    return Message(
        "no guarantee by these labels: they count as picked, not drawn by chance; if they are all of a random draw, "
        "train with --set labels.by_chance=true; else an audit of what is filed gives a guarantee"
    )


def _random_labels_summary(count: int, *, missing: int) -> Message:
    drawn = Counted(
        "{count:,} label drawn by chance guarantee --max-error, and no other",
        "{count:,} labels drawn by chance guarantee --max-error, and no other",
        count=count,
    )
    if not missing:
        return drawn
    return Message(
        "{drawn}; {missing:,} more of that draw are missing and count as wrong", drawn=drawn, missing=missing
    )


def split_examples(settings: Settings, examples: tuple[Example, ...], groups: list[int]) -> tuple[Split, ...]:
    """The folds of `train.folds`, or one split; `groups` keeps near-duplicates on one side."""
    count = settings.train.folds or FOLDS[settings.train.recipe]
    if count > 1:
        return kfold_split(examples, groups, count=count, seed=settings.train.seed)
    held_out = holdout_split(
        examples, groups, validation_share=settings.labels.validation_share, seed=settings.train.seed
    )
    return (held_out,)


def split_summary(examples: tuple[Example, ...], splits: tuple[Split, ...]) -> Message:
    """One line: how many labels there are and how many of them are held out."""
    count, parts = sum(len(part.validation) for part in splits), len(splits)
    held_out = Message("{count} of them held out to judge by", count=count)
    if parts > 1:
        held_out = Message("{count} of them each held out once to judge by, in {parts} parts", count=count, parts=parts)
    return Counted(
        "{count:,} labeled picture to learn from, {held_out}",
        "{count:,} labeled pictures to learn from, {held_out}",
        count=len(examples),
        held_out=held_out,
    )
