"""Whether the pictures of a library were chosen from answers elsewhere, and from which.

A model then had a part in which pictures are here, so nothing that is drawn by chance from them is evidence for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog


def record_source(catalog: Catalog, source: str) -> None:
    """Record the URL of the answers that pictures of this library are chosen from, before the first is here."""
    with catalog.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO chosen_from (source) VALUES (?)", (source,))


def sources(catalog: Catalog) -> list[str]:
    """The recorded URLs; none of a library of whole crawls."""
    return [str(source) for (source,) in catalog.connection.execute("SELECT source FROM chosen_from ORDER BY source")]
