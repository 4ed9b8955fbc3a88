"""What was decided about the images of one crawl, read from the copy of the catalog in which a preview plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from classifier.catalog.stats import MEMBERS
from classifier.catalog.values import to_bytes, to_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog

# As `tally_crawl` counts them: each image once, under the file that brings it into the library.
_PLANNED = f"""
{MEMBERS}
SELECT members.picture, decisions.action, decisions.category, decisions.confidence, decisions.reason_code FROM members
JOIN places ON places.picture = members.picture AND places.source = members.path
JOIN decisions ON decisions.picture = members.picture WHERE members.failure_kind IS NULL
"""  # noqa: S608 - built from constants


class PlannedImage(NamedTuple):
    """One image with its decision; a plain tuple, for there are hundreds of thousands."""

    image_id: str
    action: str
    category: str
    confidence: float
    reason_code: str


def planned_images(catalog: Catalog, *, run: int, crawl: Path) -> Iterator[PlannedImage]:
    """Every image of `crawl` that is in the library or planned to be, with its decision, in no order."""
    return map(PlannedImage._make, catalog.connection.execute(_PLANNED, {"run": run, "crawl": to_bytes(crawl)}))


def paths_of(catalog: Catalog, library: Path, image_id: str) -> list[Path]:
    """The files that held this image when they were last looked at: in the library, then in crawls."""
    placed = catalog.connection.execute("SELECT path FROM places WHERE picture = ?", (image_id,))
    found = catalog.connection.execute(
        "SELECT path FROM files WHERE picture = ? AND failure_kind IS NULL ORDER BY path", (image_id,)
    )
    return [*(library / to_path(path) for (path,) in placed), *(to_path(path) for (path,) in found)]
