"""How many audits of the same filing there were: each further one is judged at a higher confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_FILED_LAST: Final = """
SELECT id FROM runs WHERE kind = 'sort' AND EXISTS (
    SELECT 1 FROM moves WHERE run = runs.id AND state = 'done' AND id <= ? AND beside IS NULL
    AND substr(target, 1, 1) != CAST('_' AS BLOB))
ORDER BY id DESC LIMIT 1
"""
_FILING: Final = "SELECT last_move, source, asked FROM audits WHERE id = ?"
_ANSWERED: Final = """
SELECT id, until, last_move, source, asked FROM audits
WHERE EXISTS (SELECT 1 FROM verdicts WHERE audit = audits.id)
"""


_SORTED_SINCE: Final = """
SELECT 1 FROM moves JOIN runs ON runs.id = moves.run LEFT JOIN runs AS undone ON undone.id = runs.undoes
WHERE moves.id > ? AND coalesce(undone.kind, runs.kind) NOT IN ('audit', 'review') LIMIT 1
"""


class Filing(NamedTuple):
    """What an audit is of: what the library filed up to a move, or else what decisions about a source file."""

    last_move: int
    source: str | None = None
    asked: str | None = None


def number_of(catalog: Catalog, audit: int) -> int:
    """The number of an audit among those of the same filing."""
    filing = Filing(*catalog.connection.execute(_FILING, (audit,)).fetchone())
    return count_earlier(catalog, filing, before=audit) + 1


def count_earlier(catalog: Catalog, filing: Filing, *, before: int | None = None) -> int:
    """How many audits of the same filing had answers; one until a rate is shown counts twice.

    Such an audit shows that rate, and beside it offers thresholds, each at a confidence of its own. A library's filing
    is the same until a sort files anything into a category: removing wrong images and auditing again is one more test
    of it, whether the audit, a review, or a sort that applies annotations removes them. That of decisions about a
    source is the same under the same name, whatever the library files.
    """
    now = _known_by(catalog, filing)
    answered = catalog.connection.execute(_ANSWERED).fetchall()
    return sum(
        1 if until is None else 2
        for one, until, *of in answered
        if (before is None or one < before) and _known_by(catalog, Filing(*of)) == now
    )


def sorted_since(catalog: Catalog, last_move: int) -> bool:
    """Whether anything was moved since by more than an audit, a review or the undo of one."""
    return catalog.connection.execute(_SORTED_SINCE, (last_move,)).fetchone() is not None


def _known_by(catalog: Catalog, filing: Filing) -> tuple[object, ...]:
    if filing.source is not None:
        return filing.source, filing.asked
    row = catalog.connection.execute(_FILED_LAST, (filing.last_move,)).fetchone()
    return (None if row is None else row[0],)
