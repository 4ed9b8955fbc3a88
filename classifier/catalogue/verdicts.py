"""What persons said about pictures: rows are added, never changed; what follows from them is decided elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.records import PictureId, Said, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.catalogue.store import Catalogue

_COLUMNS = "id, picture, said, category, origin, audit, at"
_PAGE = 500  # below the least number of values that SQLite takes in one statement
# A skipped question changes nothing of what was said before it.
_LATEST = f"""
SELECT {_COLUMNS} FROM verdicts WHERE id IN (
    SELECT max(id) FROM verdicts WHERE said != 'skipped' {{also}} GROUP BY picture) AND said != 'taken back'
"""  # noqa: S608 - built from constants of this module


def add(catalogue: Catalogue, verdict: Verdict) -> Verdict:
    """Record a verdict durably; returns it with its id."""
    values = (verdict.picture, verdict.said, verdict.category, verdict.origin, verdict.audit, verdict.at)
    with catalogue.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO verdicts (picture, said, category, origin, audit, at) VALUES (?, ?, ?, ?, ?, ?)", values
        )
    return replace(verdict, id=int(cursor.lastrowid or 0))


def latest(catalogue: Catalogue, pictures: Sequence[PictureId] | None = None) -> dict[PictureId, Verdict]:
    """What holds of each of `pictures` (None: of all that were judged): its last verdict, right or wrong."""
    if pictures is None:
        return _by_picture(catalogue.connection.execute(_LATEST.format(also="")))
    found: dict[PictureId, Verdict] = {}
    for start in range(0, len(pictures), _PAGE):
        page = pictures[start : start + _PAGE]
        also = f"AND picture IN ({', '.join('?' for _ in page)})"
        found |= _by_picture(catalogue.connection.execute(_LATEST.format(also=also), page))
    return found


def of_audit(catalogue: Catalogue, audit: int) -> list[Verdict]:
    """Every verdict of one audit, in the order in which they were given."""
    rows = catalogue.connection.execute(f"SELECT {_COLUMNS} FROM verdicts WHERE audit = ? ORDER BY id", (audit,))  # noqa: S608
    return [_verdict(row) for row in rows]


def count(catalogue: Catalogue) -> int:
    """How many pictures a person's verdict holds of."""
    return len(latest(catalogue))


def _by_picture(rows: Iterable[tuple[object, ...]]) -> dict[PictureId, Verdict]:
    return {verdict.picture: verdict for verdict in map(_verdict, rows)}


def _verdict(row: Sequence[object]) -> Verdict:
    number, picture, said, category, origin, audit, at = row
    return Verdict(
        id=int(str(number)),
        picture=PictureId(str(picture)),
        said=Said(str(said)),
        category=None if category is None else str(category),
        origin=str(origin),
        audit=None if audit is None else int(str(audit)),
        at=str(at),
    )
