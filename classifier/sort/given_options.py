"""What was asked of a sort, as words of a command that asks for the same wherever it runs, but for its paths.

A run records them. What nobody asked for is left out; what was asked for is written even where it is the default, for
the `illsort.toml` of a folder may say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.settings import Settings
    from classifier.sort.resume import SortRequest

GIVEN: Final = "given"
"""The section under which a run records them."""


def given_options(
    request: SortRequest, settings: Settings, *, restart: bool, resumes: bool, restore_deleted: bool
) -> dict[str, Any]:
    """The words as values for JSON; `words_of` reads them.

    `resumes` says that a stopped sort is gone on with, `restart` that one is not.
    """
    options = [*_about_filing(request, settings), *_about_images(settings)]
    if request.answers is not None:
        options += ["--answers", request.answers]
    if restore_deleted:
        options.append("--restore-deleted")
    if restart:
        options.append("--restart")
    given = {"strictness": strictness_words(request), "options": options, "resumes": resumes}
    return given if request.answers is None else given | {"answers": request.answers}


def words_of(given: dict[str, Any], threshold: float | None) -> Sequence[str]:
    """The words that ask for the same, or for another threshold: then a stopped sort is not gone on with."""
    if threshold is None:
        return [*given["strictness"], *given["options"]]
    again = ["--restart"] if given["resumes"] else []
    return ["--threshold", number(threshold), *given["options"], *again]


def number(value: float) -> str:
    """A number that is read back as the very same."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def strictness_words(request: SortRequest) -> list[str]:
    """The words that ask for its strictness."""
    asked = request.strictness
    if asked.max_error is not None:
        return ["--max-error", number(asked.max_error)]
    if asked.threshold is None or asked.threshold >= 1:  # from 1 on it is a resumed sort's, which nothing reached
        return []
    return ["--threshold", number(asked.threshold)]


def _about_filing(request: SortRequest, settings: Settings) -> Iterator[str]:
    if request.mode is not None:
        yield from ("--mode", request.mode.value)
    if request.sidecars is not None:
        yield from _set("sort.sidecars", request.sidecars)
    if request.duplicates is not None:
        yield from ("--set", f"sort.duplicates={request.duplicates}")
    if request.unknown_share is not None:
        yield from _set("sort.unknown", request.unknown_share > 0)
        if request.unknown_share:
            yield from _set("sort.unknown_share", request.unknown_share)
    if "embeddings" in settings.sort.model_fields_set:
        yield "--embeddings" if settings.sort.embeddings else "--no-embeddings"
    if "neighbors" in settings.sort.model_fields_set:
        yield from _set("sort.neighbors", settings.sort.neighbors)


def _about_images(settings: Settings) -> Iterator[str]:
    images = settings.images
    for key in ("max_megapixels", "deadline_seconds", "max_worker_gigabytes"):
        if key in images.model_fields_set:
            yield from _set(f"images.{key}", getattr(images, key))
    if "exclude" in images.model_fields_set:
        yield from ("--set", "images.exclude=[]")  # else the patterns of a file come first
    for pattern in images.exclude:
        yield from ("--exclude", pattern)


def _set(name: str, value: float) -> tuple[str, str]:
    """`value` is a number or a bool."""
    text = ("true" if value else "false") if isinstance(value, bool) else number(value)
    return "--set", f"{name}={text}"
