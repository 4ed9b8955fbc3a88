"""Reads labeled images as examples, each content once; contradicting labels are an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from classifier.errors import Counted, LabelsError, Message, join_errors
from classifier.labels.from_annotations import Feedback
from classifier.labels.load import MIN_IMAGES
from classifier.progress import Progress
from classifier.records import Example, Failure, Label, Selection

Result = Example | tuple[Label, Failure]
"""What reading one label gives: an example, or the label with its failure."""


def read_examples(
    labels: tuple[Label, ...],
    *,
    read: Callable[[tuple[Label, ...]], Iterator[Result]],
    progress: Progress,
    feedback: Feedback | None = None,
) -> tuple[tuple[Example, ...], tuple[tuple[Label, Failure], ...]]:
    """The readable labels as examples, each content once, and the unreadable ones with their failure.

    `read` gives a result for each label, in their order. An annotation in `feedback` takes precedence over the label;
    an image that is not of its category becomes an example without one, as does a label without one. Raises
    LabelsError in one line that names the first ten images in two categories, or the categories with too few images.
    """
    feedback = feedback or Feedback()
    examples: dict[str, Example] = {}
    failures: list[tuple[Label, Failure]] = []
    conflicts: list[Message] = []
    with progress.stage(Message("reading labels"), total=len(labels), unit="picture") as stage:
        for result in read(labels):
            stage.advance()
            if not isinstance(result, Example):
                failures.append(result)
            else:
                conflicts += _add(examples, feedback.apply(result))
    if conflicts:
        raise LabelsError(
            Counted(
                "one picture in two categories: {pictures}; keep one of each",
                "{count:,} pictures stand in two categories: {pictures}; keep one of each",
                count=len(conflicts),
                pictures=join_errors(conflicts),
            )
        )
    _check_left(labels, examples)
    return tuple(examples.values()), tuple(failures)


def _add(examples: dict[str, Example], example: Example) -> list[Message]:
    """Keep one example of each content; returns an error if it contradicts an earlier one."""
    earlier = examples.setdefault(example.image_id, example)
    if example.label.selection is Selection.RANDOM or not earlier.label.category:
        examples[example.image_id] = _merged(earlier, example)
    if not example.label.category or earlier.label.category in {"", example.label.category}:
        return []
    return [
        Message(
            "{path} ({category}) and {other_path} ({other})",
            path=earlier.label.path,
            category=earlier.label.category,
            other_path=example.label.path,
            other=example.label.category,
        )
    ]


def _merged(earlier: Example, later: Example) -> Example:
    """One image that was labeled twice: with the category that either has, random if either is."""
    selection = Selection.RANDOM if Selection.RANDOM in {earlier.label.selection, later.label.selection} else None
    named = earlier if earlier.label.category else later
    return replace(named, label=replace(named.label, selection=selection or named.label.selection))


def _check_left(labels: tuple[Label, ...], examples: dict[str, Example]) -> None:
    left = Counter(example.label.category for example in examples.values())
    labeled = Counter(label.category for label in labels if label.category)
    too_few = [
        Message(
            "category {category!r}: only {left} different readable picture is left of {count}",
            category=category,
            left=left[category],
            count=count,
        )
        for category, count in sorted(labeled.items())
        if left[category] < MIN_IMAGES
    ]
    if too_few:
        raise LabelsError(
            "{categories}; a category needs at least {least}", categories=join_errors(too_few), least=MIN_IMAGES
        )
