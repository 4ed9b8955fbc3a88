"""Reads the journal's rows. Each is checked, and a damaged one is never carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.moves import ENTRY, MoveRecord, MoveState
from classifier.catalog.row_checks import row_checksum, wrong_field
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog

_STATES: Final = frozenset(state.value for state in MoveState)
_PAGE: Final = 10_000
_DIGITS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A row of the journal that is not what was written: its id, and the field that says so."""

    id: int
    field: str


def open_entries(catalog: Catalog) -> list[MoveRecord]:
    """The entries that were begun and never finished, oldest first."""
    return select(catalog, "state IN ('intent', 'claimed') ORDER BY id")


def close_damaged(catalog: Catalog) -> list[Damaged]:
    """Have open entries that are damaged be open no longer, for nobody can go on with them; returns them."""
    found = [one for one in select_all(catalog, "state IN ('intent', 'claimed')") if isinstance(one, Damaged)]
    if found:
        with catalog.transaction() as connection:
            connection.executemany(
                "UPDATE moves SET state = ? WHERE id = ?", [(MoveState.FAILED, one.id) for one in found]
            )
    return found


def select(catalog: Catalog, condition: str, values: Sequence[Any] = ()) -> list[MoveRecord]:
    """The entries that meet an SQL `condition` of the program's own; those that are damaged are passed over."""
    return [one for one in select_all(catalog, condition, values) if isinstance(one, MoveRecord)]


def select_all(catalog: Catalog, condition: str, values: Sequence[Any] = ()) -> list[MoveRecord | Damaged]:
    """The same with what is damaged."""
    connection = catalog.connection
    query = f"SELECT {', '.join(ENTRY)}, checksum FROM moves WHERE {condition}"  # noqa: S608 - our own names
    # Damaged text may be none.
    connection.text_factory = _as_text
    try:
        rows = connection.execute(query, values).fetchall()
    finally:
        connection.text_factory = str
    return [_entry(row[:-1], row[-1]) for row in rows]


def damaged(catalog: Catalog) -> list[Damaged]:
    """The damaged rows of the whole journal; takes as long as it has many."""
    found: list[Damaged] = []
    page = select_all(catalog, "1 ORDER BY id LIMIT ?", (_PAGE,))
    while page:
        found += [one for one in page if isinstance(one, Damaged)]
        page = select_all(catalog, "id > ? ORDER BY id LIMIT ?", (page[-1].id, _PAGE))
    return found


def _as_text(kept: bytes) -> str:
    return kept.decode(errors="surrogateescape")


def _entry(row: tuple[Any, ...], kept_checksum: object) -> MoveRecord | Damaged:
    """A row of the journal; those of older catalogs have no checksum."""
    kept = dict(zip(ENTRY, row, strict=True))
    if kept_checksum is not None and kept_checksum != row_checksum(row):
        return Damaged(id=kept["id"], field="checksum")
    kept |= {name: _as_number(kept[name]) for name in ("inode", "device")}
    wrong = wrong_field(kept) or _wrong_state(kept)
    if wrong is not None:
        return Damaged(id=kept["id"], field=wrong)
    return MoveRecord(**kept | {"method": Method(kept["method"]), "state": MoveState(kept["state"])})


def _wrong_state(kept: dict[str, Any]) -> str | None:
    """The field of these that has a wrong value: all that the journal has and the trail has not."""
    if kept["state"] not in _STATES:
        return "state"
    if kept["temporary"] is not None and not isinstance(kept["temporary"], bytes):
        return "temporary"
    return None if isinstance(kept["note"], str) else "note"


def _as_number(kept: object) -> int | None:
    """Inodes and devices are kept as text, for they may be larger than SQLite's numbers."""
    return int(kept) if isinstance(kept, str) and kept.isdecimal() and len(kept) < _DIGITS else None
