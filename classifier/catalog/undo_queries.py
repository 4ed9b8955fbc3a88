"""Which changes stand, which run to undo, and a journal rebuilt from the log of moves.

A change stands until a later one undoes it; undoing that one makes it stand again, as a third change.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog import runs
from classifier.catalog.move_log import read_move_log
from classifier.catalog.moves import MOVE_COLUMNS, DamagedRow, MoveRecord, MoveState, begin, damaged_rows, select
from classifier.catalog.values import below, field_of, to_bytes, utc_now
from classifier.errors import LibraryError
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog

UNDO = "undo"

_PAGE = 256

_KEPT = tuple(name for name in MOVE_COLUMNS if name not in {"temporary", "state", "note"})

_CHANGED_ANYTHING = "SELECT DISTINCT run FROM moves WHERE state = 'done' ORDER BY run DESC"


def run_to_undo(catalog: Catalog, wanted: int | None) -> int | None:
    """The requested run, else the last one that changed anything and is not undone; None if there is none.

    Raises LibraryError when the requested one changed nothing or does not exist.
    """
    changing = [int(run) for (run,) in catalog.connection.execute(_CHANGED_ANYTHING)]
    if wanted is not None:
        if wanted not in changing:
            raise LibraryError(
                "there is no run {wanted} that changed anything; illsort status shows the runs", wanted=wanted
            )
        return wanted
    return next((run for run in changing if not _is_undo(catalog, run) and not _is_undone(catalog, run)), None)


def last_undo(catalog: Catalog) -> int | None:
    """The last undo that changed anything and still stands: undoing it is a redo."""
    changing = [int(run) for (run,) in catalog.connection.execute(_CHANGED_ANYTHING)]
    return next((run for run in changing if _is_undo(catalog, run) and not _is_undone(catalog, run)), None)


def begin_undo(catalog: Catalog, run: int) -> int:
    """The number of the run that undoes `run`: an interrupted one is continued, else a new one begins."""
    row = catalog.connection.execute(
        "SELECT max(id) FROM runs WHERE kind = ? AND undoes = ? AND finished IS NULL", (UNDO, run)
    ).fetchone()
    if row[0] is not None:
        return int(row[0])
    known = runs.all_runs(catalog)
    of = next((one for one in known if one.id == run), None)
    with catalog.transaction() as connection:
        number = runs.begin(
            catalog,
            kind=UNDO,
            crawl=of.crawl if of else Path(),
            mode=of.mode if of else "",
            model="",
            bundle=known[-1].bundle if known else Path(),
            settings={},
        )
        connection.execute("UPDATE runs SET undoes = ? WHERE id = ?", (run, number))
    return number


def decisions_run(catalog: Catalog, run: int) -> tuple[int, bool]:
    """The run whose decisions undoing `run` exchanges, and whether it is undone, so that they are restored."""
    is_undone = False
    while (of := _undone_by(catalog, run)) is not None and of < run:
        run, is_undone = of, not is_undone
    return run, is_undone


def changed_anything(catalog: Catalog, run: int) -> bool:
    """Whether any change of `run` was made."""
    row = catalog.connection.execute("SELECT 1 FROM moves WHERE run = ? AND state = 'done' LIMIT 1", (run,))
    return row.fetchone() is not None


def may_change_crawl(catalog: Catalog, run: int) -> bool:
    """Whether any change of `run` moved a file between the crawl and the library."""
    row = catalog.connection.execute(
        "SELECT 1 FROM moves WHERE run = ? AND state = 'done' AND method IN (?, ?) LIMIT 1",
        (run, Method.MOVE, Method.RESTORE),
    ).fetchone()
    return row is not None


def _undone_by(catalog: Catalog, run: int) -> int | None:
    row = catalog.connection.execute("SELECT undoes FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def standing_moves(catalog: Catalog, run: int) -> Iterator[MoveRecord]:
    """The changes of `run` that stand, newest first, each as it was last made; rows may be added meanwhile."""
    before = None
    while page := select(
        catalog,
        "run = ?1 AND state = 'done' AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
        (run, before, _PAGE),
    ):
        before = page[-1].id
        for entry in page:
            if (last := _last(catalog, entry)) is not None:
                yield last


def count_standing(catalog: Catalog, run: int) -> int | None:
    """How many changes of `run` were never taken back; None for none, for some may stand again."""
    query = (
        "SELECT count(*) FROM moves AS made WHERE run = ? AND state = 'done' AND NOT EXISTS "
        "(SELECT 1 FROM moves AS back WHERE back.undoes = made.id AND back.state = 'done')"
    )
    return int(catalog.connection.execute(query, (run,)).fetchone()[0]) or None


def all_standing_moves(catalog: Catalog) -> list[MoveRecord]:
    """The changes of all runs that stand, oldest first."""
    changing = [int(run) for (run,) in catalog.connection.execute(_CHANGED_ANYTHING)]
    found = {entry.id: entry for run in changing for entry in standing_moves(catalog, run)}
    return [found[number] for number in sorted(found)]


def entry_of(catalog: Catalog, number: int) -> MoveRecord | None:
    """The change with this id; None when its row is damaged or lost."""
    return next(iter(select(catalog, "id = ?", (number,))), None)


def folders_of(catalog: Catalog, run: int) -> list[bytes]:
    """The folders that `run` created, innermost first."""
    rows = catalog.connection.execute("SELECT path FROM folders WHERE run = ?", (run,))
    return sorted((path for (path,) in rows), key=lambda path: (-path.count(b"/"), path))


def is_own_folder(catalog: Catalog, path: bytes) -> bool:
    """Whether a run created this folder."""
    return catalog.connection.execute("SELECT 1 FROM folders WHERE path = ?", (path,)).fetchone() is not None


def holds_places(catalog: Catalog, path: bytes) -> bool:
    """Whether any file is recorded in this folder; it may be empty nevertheless while its disk is not mounted."""
    row = catalog.connection.execute(
        "SELECT path FROM places WHERE path > ?1 AND path < ?2 "
        "UNION ALL SELECT path FROM sidecars WHERE path > ?1 AND path < ?2 LIMIT 1",
        below(path),
    )
    return row.fetchone() is not None


def rename_own_folders(catalog: Catalog, old: bytes, new: bytes) -> None:
    """Record that a person renamed a folder: what runs created of it is theirs under the new name; in a transaction."""
    inside, beyond = below(old)
    catalog.connection.execute(
        "UPDATE OR REPLACE folders SET path = CAST(?1 || substr(path, ?2) AS BLOB) "
        "WHERE path = ?3 OR (path > ?4 AND path < ?5)",
        (new, len(old) + 1, old, inside, beyond),
    )


def forget_folder(catalog: Catalog, path: bytes) -> None:
    """Record that a folder of our own is gone."""
    with catalog.transaction() as connection:
        connection.execute("DELETE FROM folders WHERE path = ?", (path,))


def rebuild_journal(catalog: Catalog, library: Path) -> tuple[int, tuple[int, ...]]:
    """Fill the journal of a new catalog from the log of a lost one; returns the number of changes and damaged lines.

    Does nothing when the journal has rows. The log does not have the folders that a run created: those stay.
    """
    if catalog.connection.execute("SELECT 1 FROM moves LIMIT 1").fetchone() is not None:
        return 0, ()
    log = read_move_log(library)
    changes = [change for _, change in sorted(log.changes.items())]
    run_of = {change["id"]: change["run"] for change in changes}
    with catalog.transaction():
        for number in sorted(set(run_of.values())):
            own = [change for change in changes if change["run"] == number]
            begin(catalog, [_entry(change) for change in own], run=number, folders=[])
            _add_run(catalog, number, own, run_of)
    return len(changes), log.damaged


def repair_journal(catalog: Catalog, library: Path) -> list[DamagedRow]:
    """Replace damaged rows of the journal from the log; returns those that the log does not have either.

    Only a line with a checksum is used: one without may be as damaged as the row. Raises OSError when the log cannot
    be read.
    """
    found = damaged_rows(catalog)
    changes = read_move_log(library).changes if found else {}
    whole = {number: change for number, change in changes.items() if change["sum"] is not None}
    with catalog.transaction() as connection:
        for one in found:
            if one.id in whole:
                connection.execute("DELETE FROM moves WHERE id = ?", (one.id,))
                begin(catalog, [_entry(whole[one.id])], run=whole[one.id]["run"], folders=[])
    return [one for one in found if one.id not in whole]


def _add_run(catalog: Catalog, number: int, changes: list[dict[str, Any]], run_of: dict[int, int]) -> None:
    """The run of some changes, finished if it is an undo that left nothing; its crawl as in its lines."""
    undoes = [run_of.get(change["undoes"]) for change in changes if change["undoes"] is not None]
    of = next((run for run in undoes if run is not None), None)
    crawl = next((change["crawl"] for change in changes if change["crawl"] is not None), None)
    kind, state = UNDO if undoes else "sort", runs.CRAWL_LOST if crawl is None else "rebuilt"
    connection = catalog.connection
    connection.execute(
        "INSERT OR IGNORE INTO runs (id, kind, crawl, mode, model, bundle, settings, undoes, started, state) "
        "VALUES (?, ?, ?, '', '', ?, '{}', ?, ?, ?)",
        (number, kind, crawl or to_bytes(Path()), to_bytes(Path()), of, utc_now(), state),
    )
    if of is None or next(standing_moves(catalog, of), None) is None:
        connection.execute("UPDATE runs SET finished = started WHERE id = ?", (number,))


def _entry(change: dict[str, Any]) -> MoveRecord:
    """A change of the log as a row of the journal."""
    kept = {field_of(name): change[name] for name in _KEPT}
    kept["method"] = Method(change["method"])
    return MoveRecord(**kept, temporary=None, state=MoveState.DONE, note="")


def _last(catalog: Catalog, entry: MoveRecord) -> MoveRecord | None:
    """The change that last made what `entry` made; None while it is undone."""
    while (undoing := _taken_back_by(catalog, entry)) is not None:
        again = _taken_back_by(catalog, undoing)
        if again is None:
            return None
        entry = again
    return entry


def _taken_back_by(catalog: Catalog, entry: MoveRecord) -> MoveRecord | None:
    found = select(catalog, "undoes = ? AND state = 'done' ORDER BY id DESC LIMIT 1", (entry.id,))
    return found[0] if found else None


def _is_undo(catalog: Catalog, run: int) -> bool:
    row = catalog.connection.execute("SELECT kind FROM runs WHERE id = ?", (run,)).fetchone()
    return row is not None and row[0] == UNDO


def _is_undone(catalog: Catalog, run: int) -> bool:
    # A run is only undone by a later one, and not by one that could take nothing back.
    query = (
        "SELECT id FROM runs WHERE undoes = ?1 AND id > ?1 AND finished IS NOT NULL "
        "AND (EXISTS (SELECT 1 FROM moves WHERE moves.run = runs.id AND state = 'done') "
        "OR json_array_length(summary, '$.left') = 0)"
    )
    rows = catalog.connection.execute(query, (run,))
    return any(not _is_undone(catalog, number) for (number,) in rows.fetchall())
