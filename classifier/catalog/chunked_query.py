"""Questions about many pictures, asked in parts: one statement takes a bounded number of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.records import PictureId

_PART: Final = 500  # below the least number of values that SQLite takes in one statement


def rows_of(
    catalog: Catalog, query: str, pictures: Sequence[PictureId], *, before: Sequence[Any] = ()
) -> Iterator[Any]:
    """The rows of `query` for `pictures`, part by part; in it stands `IN {pictures}`.

    `before` are the values of the question marks that stand before that.
    """
    for start in range(0, len(pictures), _PART):
        part = pictures[start : start + _PART]
        marks = ", ".join("?" for _ in part)
        yield from catalog.connection.execute(query.replace("{pictures}", f"({marks})"), (*before, *part)).fetchall()
