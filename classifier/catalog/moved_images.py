"""Images of the library that were moved out of a crawl: a sort of that crawl decides about them again too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.values import below, to_bytes, to_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog

MOVED_OUT: Final = "(places.method = 'move' AND places.source > :inside AND places.source < :beyond)"
"""Whether an image was moved out of a crawl; SQL, with the values of `moved_values`."""

_WITHOUT_PREDICTION = f"""
SELECT path FROM places WHERE {MOVED_OUT}
AND NOT EXISTS (SELECT 1 FROM predictions WHERE predictions.picture = places.picture AND model = :model)
AND NOT EXISTS (SELECT 1 FROM files WHERE files.picture = places.picture AND +seen = :run AND +crawl = :crawl
    AND failure_kind IS NULL)
ORDER BY path
"""  # noqa: S608 - a constant


def moved_values(crawl: Path) -> dict[str, Any]:
    """The values of MOVED_OUT for a crawl."""
    inside, beyond = below(to_bytes(crawl).rstrip(b"/"))
    return {"inside": inside, "beyond": beyond}


def to_predict_in_library(catalog: Catalog, *, run: int, crawl: Path, model: str) -> Iterator[Path]:
    """Where the images without a prediction of `model` lie that were moved out of `crawl`, within the library.

    Without those that `run` found in the crawl once more: they are predicted there.
    """
    values = {"run": run, "crawl": to_bytes(crawl), "model": model} | moved_values(crawl)
    return (to_path(path) for (path,) in catalog.connection.execute(_WITHOUT_PREDICTION, values))
