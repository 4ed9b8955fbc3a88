"""From labels to examples: read each labelled picture once, know it by content, refuse contradictions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from PIL import Image

from classifier.errors import LabelsError, Undecodable
from classifier.images.decode import decode
from classifier.images.identity import perceptual_hash, picture_id
from classifier.labels.feedback import Feedback
from classifier.progress import Progress
from classifier.records import Example, Failure, FailureKind, Label, Selection

THUMBNAIL_SIDE = 16


def read_examples(
    labels: tuple[Label, ...], *, max_megapixels: float, progress: Progress, feedback: Feedback | None = None
) -> tuple[tuple[Example, ...], tuple[tuple[Label, Failure], ...]]:
    """The readable labels as examples, each content once, and the unreadable ones with their reason.

    What `feedback` says of a picture goes before its label: one that is not of its category becomes an example without
    one, as do labels without one. Raises LabelsError when one picture stands in two categories, or when too little is
    left of a category.
    """
    feedback = feedback or Feedback()
    examples: dict[str, Example] = {}
    failures: list[tuple[Label, Failure]] = []
    with progress.stage("reading labels", total=len(labels), unit="picture") as stage:
        for result in _in_threads(labels, max_megapixels):
            stage.advance()
            if not isinstance(result, Example):
                failures.append(result)
            else:
                _add(examples, feedback.heed(result))
    _check_left(labels, examples)
    return tuple(examples.values()), tuple(failures)


def _in_threads(labels: tuple[Label, ...], max_megapixels: float) -> Iterator[Example | tuple[Label, Failure]]:
    """Pillow lets go of the interpreter while it decodes, so threads are enough; a bounded number is in flight."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(labels), 16 * workers):
            yield from pool.map(lambda label: read_example(label, max_megapixels), labels[start : start + 16 * workers])


def read_example(label: Label, max_megapixels: float) -> Example | tuple[Label, Failure]:
    """One labelled picture, or why it cannot be read."""
    try:
        return example_of(label, label.path.read_bytes(), max_megapixels=max_megapixels)
    except Undecodable as error:
        return label, Failure(kind=error.kind, detail=error.detail)
    except OSError as error:
        return label, Failure(kind=FailureKind.UNREADABLE, detail=error.strerror or str(error))


def example_of(label: Label, data: bytes, *, max_megapixels: float) -> Example:
    """What the split needs to know of the picture in `data`. Raises Undecodable."""
    image = decode(data, max_megapixels=max_megapixels).image
    thumbnail = image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX).tobytes()
    return Example(label=label, picture=picture_id(data), phash=perceptual_hash(image), thumbnail=thumbnail)


def _add(examples: dict[str, Example], example: Example) -> None:
    earlier = examples.setdefault(example.picture, example)
    if example.label.selection is Selection.RANDOM or not earlier.label.category:
        examples[example.picture] = _together(earlier, example)
    if example.label.category and earlier.label.category not in {"", example.label.category}:
        raise LabelsError(
            f"one picture in two categories: {earlier.label.path} ({earlier.label.category}) and "
            f"{example.label.path} ({example.label.category}); keep one of them"
        )


def _together(earlier: Example, later: Example) -> Example:
    """One picture that was labelled twice: of a category where either says so, drawn by chance where either was."""
    selection = Selection.RANDOM if Selection.RANDOM in {earlier.label.selection, later.label.selection} else None
    named = earlier if earlier.label.category else later
    return replace(named, label=replace(named.label, selection=selection or named.label.selection))


def _check_left(labels: tuple[Label, ...], examples: dict[str, Example]) -> None:
    left = [example.label.category for example in examples.values()]
    for category in sorted({label.category for label in labels} - {""}):
        if left.count(category) < 2:  # noqa: PLR2004 - one to learn from, one to check by
            raise LabelsError(
                f"category {category!r}: only {left.count(category)} different readable picture is left of "
                f"{sum(label.category == category for label in labels)}; it needs at least 2"
            )
