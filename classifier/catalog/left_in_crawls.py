"""What lies in the crawls beside what the library holds: copies that are left there, and duplicates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.files import still_there
from classifier.catalog.library_changes import DELETED

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_OF_LIBRARY: Final = """
SELECT files.path, crawl, seen FROM files JOIN places ON places.picture = files.picture
WHERE places.source != files.path AND failure_kind IS NULL
"""

_OF_OTHERS: Final = f"""
SELECT files.path, crawl, seen, files.picture, files.picture IN ({DELETED}) FROM (
    SELECT picture FROM decisions WHERE action = 'duplicate' UNION {DELETED}
) AS one CROSS JOIN files ON files.picture = one.picture
WHERE failure_kind IS NULL AND NOT EXISTS (SELECT 1 FROM places WHERE places.picture = files.picture)
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftInCrawls:
    """Counted as a sort does: of an image that is not in the library, all files but one are duplicates."""

    copies: int
    """Images that are in no file of the library because another copy is filed."""
    duplicates: int
    """Files with the content of another one."""


def left_in_crawls(catalog: Catalog) -> LeftInCrawls:
    """Of the files that still exist as far as is known."""
    is_current = still_there(catalog)
    duplicates = sum(is_current(*row) for row in catalog.connection.execute(_OF_LIBRARY))
    left, copies = Counter[str](), set[str]()
    for path, crawl, seen, image_id, is_deleted in catalog.connection.execute(_OF_OTHERS):
        if is_current(path, crawl, seen):
            left[image_id] += 1
            if not is_deleted:
                copies.add(image_id)
    return LeftInCrawls(copies=len(copies), duplicates=duplicates + left.total() - len(left))
