"""A library as a table: one row for each of its images, by path, with stable names of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from classifier.catalog.connection import read_catalog
from classifier.catalog.library_images import count_library_images, library_images
from classifier.decision.suggestions import read_suggestions
from classifier.errors import Message
from classifier.paths import to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from classifier.catalog.library_images import LibraryImage
    from classifier.decision.suggestions import Suggestions
    from classifier.progress import Progress

_DIGITS: Final = 6
"""Of a probability."""


class Row(NamedTuple):
    """One image; its fields are the columns. Paths are text as `paths.to_text` writes it, with "/" everywhere.

    `path` is relative to the library, `source` is the whole path of the file that it came from. `reason` is a code.
    The annotation is what a person said of the image. `probabilities` are those of the model of the last sort, whose
    key is `model`, the most likely category first; both are empty where none are kept. `copy_of` is the hash of the
    better picture of which the image is a copy.
    """

    path: str
    source: str
    sha256: str
    action: str | None
    category: str | None
    confidence: float | None
    reason: str | None
    annotation: str | None
    annotation_category: str | None
    annotation_origin: str | None
    probabilities: dict[str, float] | None
    model: str | None
    size_bytes: int
    width: int | None
    height: int | None
    copy_of: str | None


def export_library(library: Path, write: Callable[[Iterable[Row]], object], progress: Progress) -> int:
    """Have `write` take the rows of `library`, which are read while it takes them; returns how many there are.

    Raises LibraryError where it is no library.
    """
    with read_catalog(library) as catalog:
        guesses, count = read_suggestions(catalog), count_library_images(catalog)
        if guesses.model and guesses.temperature is None:
            progress.say(
                Message("the model of the last sort is gone or was replaced: the probabilities are left out"),
            )
        with progress.stage(Message("exporting"), total=count, unit="picture") as stage:

            def rows() -> Iterator[Row]:
                for image in library_images(catalog, model=guesses.model):
                    yield _row(image, guesses)
                    stage.advance()

            write(rows())
        return count


def _row(image: LibraryImage, guesses: Suggestions) -> Row:
    decision, annotation, shares = image.decision, image.annotation, guesses.of(image.logits)
    rounded = {category: round(share, _DIGITS) for category, share in shares.items()}
    return Row(
        path=to_text(image.path),
        source=to_text(image.source),
        sha256=image.image_id,
        action=None if decision is None else decision.action.value,
        category=None if decision is None else guesses.names.resolve(decision.category),
        confidence=None if decision is None else decision.confidence,
        reason=None if decision is None else decision.reason.code.value,
        annotation=None if annotation is None else annotation.kind.value,
        annotation_category=None if annotation is None else _resolved(annotation.category, guesses),
        annotation_origin=None if annotation is None else annotation.origin,
        probabilities=rounded or None,
        model=guesses.model if rounded else None,
        size_bytes=image.size_bytes,
        width=image.width,
        height=image.height,
        copy_of=None if decision is None else decision.reason.params.get("copy_of"),
    )


def _resolved(category: str | None, guesses: Suggestions) -> str | None:
    return None if category is None else guesses.names.resolve(category)
