"""The contact sheet of a preview: numbers for each threshold, and samples of each category, in one file."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.planned import paths_of
from classifier.errors import LibraryError, Message
from classifier.filing.generated_files import write_generated
from classifier.images.thumbnails import thumbnail
from classifier.paths import to_json
from classifier.progress import Progress, SilentProgress
from classifier.records import Action, ImageId
from classifier.report.i18n import percent
from classifier.report.template import render_page
from classifier.sort.last_preview import SHEET, last_preview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.sort.last_preview import LastPreview

_SIDE: Final = 160
_QUALITY: Final = 80
_MOST: Final = 1200
"""Samples on a sheet: about 10 MB."""
_FEWEST: Final = 4
_MEGAPIXELS: Final = 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One image; `image` is a data URI, None if its file is gone. `by_confidence`: another threshold may move it."""

    name: str
    image: str | None
    confidence: float
    is_filed: bool
    by_confidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The samples of one category, the least sure first; `is_unknown` for those unlike every label."""

    category: str
    is_unknown: bool
    samples: tuple[Sample, ...]


def write_preview_sheet(library: Path, progress: Progress | None = None) -> Path | None:
    """Write the last preview as `<library>/_preview.html`, replacing an earlier one that nobody changed.

    Returns its path; None if there was no preview, or a file of that name is not ours, which is said. Raises
    LibraryError if it is not a library or is in use, FilingStopped when the disk refuses.
    """
    progress = progress or SilentProgress()
    found = last_preview(library.absolute())  # the commands on it hold wherever they are run
    if found is None:
        return None
    content = preview_page(found, _groups(found, progress)).encode()
    with hold_lock(library), open_catalog(library) as catalog:
        try:
            return write_generated(catalog, library=library, name=SHEET, content=content)
        except LibraryError as error:  # a person's own
            progress.say(error.message)
            return None


def preview_page(found: LastPreview, groups: Sequence[Group]) -> str:
    """The page as text."""
    numbers = found.numbers
    images, asked = found.images, numbers["steps"][numbers["asked"]]
    steps = [
        {**step, "command": found.sort_command(None if step is asked else step["threshold"])}
        for step in numbers["steps"]
    ]
    return "<!doctype html>\n" + render_page(
        "preview.html",
        assets="preview",
        name=found.run.crawl.name,
        run=found.run,
        numbers=numbers,
        images=images,
        asked=asked,
        steps=steps,
        data=to_json({"steps": steps, "asked": numbers["asked"], "images": images}),
        most=max([1, *(row["filed"] + row["review"] for row in numbers["table"])]),
        waiting=images - asked["filed"] - numbers["unknown"],
        wrong_share=percent(asked["wrong"] / asked["filed"] if asked["filed"] else None),
        groups=groups,
    )


def _groups(found: LastPreview, progress: Progress) -> list[Group]:
    """The samples by category, in the order of the table; those unlike every label last."""
    rows = found.numbers["samples"]
    groups: dict[tuple[bool, str], list[Sample]] = {}
    with (
        read_catalog(found.library) as catalog,
        progress.stage(Message("making the contact sheet"), total=len(rows), unit="picture") as stage,
    ):
        for row in _chosen(rows):
            paths = paths_of(catalog, found.library, row["image_id"])
            is_unknown = row["action"] == Action.UNKNOWN
            sample = _sample(row, paths, max_megapixels=_megapixels(found))
            groups.setdefault((is_unknown, "" if is_unknown else row["category"]), []).append(sample)
            stage.advance()
    order = {row["category"]: number for number, row in enumerate(found.numbers["table"])}
    return [
        Group(category=category, is_unknown=is_unknown, samples=tuple(groups[is_unknown, category]))
        for is_unknown, category in sorted(groups, key=lambda key: (key[0], order.get(key[1], 0)))
    ]


def _chosen(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All samples; of very many categories only the first few of each."""
    counts: Counter[tuple[bool, str]] = Counter()
    places = [(row["action"] == Action.UNKNOWN, row["category"]) for row in rows]
    most = max(_FEWEST, _MOST // max(1, len(set(places))))
    for place, row in zip(places, rows, strict=True):
        counts[place] += 1
        if counts[place] <= most:
            yield row


def _sample(row: dict[str, Any], paths: Sequence[Path], *, max_megapixels: float) -> Sample:
    made = (
        thumbnail(ImageId(row["image_id"]), path, side=_SIDE, max_megapixels=max_megapixels, quality=_QUALITY)
        for path in paths
    )
    data = next((one for one in made if one is not None), None)
    return Sample(
        name=paths[0].name if paths else "",
        image=None if data is None else "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii"),
        confidence=row["confidence"],
        is_filed=row["action"] == Action.FILE,
        by_confidence=row["by_confidence"],
    )


def _megapixels(found: LastPreview) -> float:
    return float(found.settings.get("images", {}).get("max_megapixels", _MEGAPIXELS))
