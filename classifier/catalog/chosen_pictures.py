"""Whether the pictures of a library were chosen from answers elsewhere, and from which.

A model then had a part in which pictures are here, so nothing that is drawn by chance from them is evidence for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.paths import to_text, unescaped

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog


def may_be_chosen_from(catalog: Catalog, source: str) -> bool:
    """Whether the pictures of this library are chosen from the answers at this URL, or it never had any."""
    found = sources(catalog)
    return found == [source] or not (found or catalog.connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone())


def record_source(catalog: Catalog, source: str) -> None:
    """Record the URL of the answers that pictures of this library are chosen from, before the first is here."""
    with catalog.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO chosen_from (source) VALUES (?)", (to_text(source),))


def sources(catalog: Catalog) -> list[str]:
    """The recorded URLs; none of a library of whole crawls."""
    rows = catalog.connection.execute("SELECT source FROM chosen_from ORDER BY source")
    return [unescaped(str(source)) for (source,) in rows]
