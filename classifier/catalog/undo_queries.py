"""Which changes stand, which run is to be undone, a journal made anew from the trail; looks at no file of the user.

A change stands until another that is done takes it back; taking that one back makes it stand again, by a third one.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog import runs
from classifier.catalog.clock import now
from classifier.catalog.move_log import read_trail
from classifier.catalog.move_rows import Damaged, damaged, select
from classifier.catalog.moves import Entry, State, begin, to_bytes
from classifier.errors import LibraryError
from classifier.records import Method, PictureId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalogue

UNDO = "undo"
_PAGE = 256
_KEPT = tuple(field.name for field in fields(Entry) if field.name not in {"temporary", "state", "note"})
_CHANGED_ANYTHING = "SELECT DISTINCT run FROM moves WHERE state = 'done' ORDER BY run DESC"


def run_to_undo(catalogue: Catalogue, wanted: int | None) -> int | None:
    """The run that is asked for, else the last one that changed anything and is not undone; None when there is none.

    Raises LibraryError when the one asked for changed nothing or never was.
    """
    changing = [int(run) for (run,) in catalogue.connection.execute(_CHANGED_ANYTHING)]
    if wanted is not None:
        if wanted not in changing:
            raise LibraryError(f"there is no run {wanted} that changed anything; illsort status shows the runs")
        return wanted
    return next((run for run in changing if not _is_undo(catalogue, run) and not _is_undone(catalogue, run)), None)


def last_undo(catalogue: Catalogue) -> int | None:
    """The last undo that changed anything and still holds: undoing it makes the changes of its run again."""
    changing = [int(run) for (run,) in catalogue.connection.execute(_CHANGED_ANYTHING)]
    return next((run for run in changing if _is_undo(catalogue, run) and not _is_undone(catalogue, run)), None)


def undone_runs(catalogue: Catalogue) -> dict[int, bool]:
    """The runs that are undone and not made again since; whether wholly: True, or only a part was taken back: False."""
    rows = catalogue.connection.execute("SELECT DISTINCT undoes FROM runs WHERE undoes IS NOT NULL").fetchall()
    found = {int(run): _is_wholly_undone(catalogue, run) for (run,) in rows}
    return {run: wholly for run, wholly in found.items() if wholly is not None}


def begin_undo(catalogue: Catalogue, run: int) -> int:
    """The number of the run that undoes `run`: one that was stopped in its midst goes on, else a new one."""
    row = catalogue.connection.execute(
        "SELECT max(id) FROM runs WHERE kind = ? AND undoes = ? AND finished IS NULL", (UNDO, run)
    ).fetchone()
    if row[0] is not None:
        return int(row[0])
    known = runs.all_runs(catalogue)
    of = next((one for one in known if one.id == run), None)
    with catalogue.transaction() as connection:
        number = runs.begin(
            catalogue,
            kind=UNDO,
            crawl=of.crawl if of else Path(),
            mode=of.mode if of else "",
            model="",
            bundle=known[-1].bundle if known else Path(),
            settings={},
        )
        connection.execute("UPDATE runs SET undoes = ? WHERE id = ?", (run, number))
    return number


def run_decided(catalogue: Catalogue, run: int) -> tuple[int, bool]:
    """The run whose decisions undoing `run` exchanges, and whether it is undone: then they are to hold again."""
    is_undone = False
    while (of := _undone_by(catalogue, run)) is not None and of < run:
        run, is_undone = of, not is_undone
    return run, is_undone


def changed_anything(catalogue: Catalogue, run: int) -> bool:
    """Whether any change of `run` was made."""
    row = catalogue.connection.execute("SELECT 1 FROM moves WHERE run = ? AND state = 'done' LIMIT 1", (run,))
    return row.fetchone() is not None


def may_change_crawl(catalogue: Catalogue, run: int) -> bool:
    """Whether any change of `run` was one that moves between the crawl and the library."""
    row = catalogue.connection.execute(
        "SELECT 1 FROM moves WHERE run = ? AND state = 'done' AND method IN (?, ?) LIMIT 1",
        (run, Method.MOVE, Method.RESTORE),
    ).fetchone()
    return row is not None


def _undone_by(catalogue: Catalogue, run: int) -> int | None:
    row = catalogue.connection.execute("SELECT undoes FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def standing(catalogue: Catalogue, run: int) -> Iterator[Entry]:
    """The changes of `run` that stand, newest first, each as it was made last; rows may be added meanwhile."""
    before = None
    while page := select(
        catalogue,
        "run = ?1 AND state = 'done' AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
        (run, before, _PAGE),
    ):
        before = page[-1].id
        for entry in page:
            if (last := _last(catalogue, entry)) is not None:
                yield last


def all_standing(catalogue: Catalogue) -> list[Entry]:
    """The changes of all runs that stand, oldest first."""
    changing = [int(run) for (run,) in catalogue.connection.execute(_CHANGED_ANYTHING)]
    found = {entry.id: entry for run in changing for entry in standing(catalogue, run)}
    return [found[number] for number in sorted(found)]


def entry_of(catalogue: Catalogue, number: int) -> Entry | None:
    """The change with this id; None when its row is damaged or lost."""
    return next(iter(select(catalogue, "id = ?", (number,))), None)


def folders_of(catalogue: Catalogue, run: int) -> list[bytes]:
    """The folders that `run` made, innermost first."""
    rows = catalogue.connection.execute("SELECT path FROM folders WHERE run = ?", (run,))
    return sorted((path for (path,) in rows), key=lambda path: (-path.count(b"/"), path))


def is_ours(catalogue: Catalogue, path: bytes) -> bool:
    """Whether a run made this folder."""
    return catalogue.connection.execute("SELECT 1 FROM folders WHERE path = ?", (path,)).fetchone() is not None


def holds_places(catalogue: Catalogue, path: bytes) -> bool:
    """Whether anything is recorded to lie in this folder; it may be empty all the same, while its disk is away."""
    ends = path + b"/", path + b"0"  # the byte after the slash
    row = catalogue.connection.execute(
        "SELECT path FROM places WHERE path > ?1 AND path < ?2 "
        "UNION ALL SELECT path FROM sidecars WHERE path > ?1 AND path < ?2 LIMIT 1",
        ends,
    )
    return row.fetchone() is not None


def forget_folder(catalogue: Catalogue, path: bytes) -> None:
    """Record that a folder of ours is gone."""
    with catalogue.transaction() as connection:
        connection.execute("DELETE FROM folders WHERE path = ?", (path,))


def rebuild(catalogue: Catalogue, library: Path) -> tuple[int, tuple[int, ...]]:
    """Fill the journal of a new catalogue from the trail of a lost one; how many changes, and which lines are damaged.

    Nothing when the journal has rows. Which folders a run made is not in the trail: those stay.
    """
    if catalogue.connection.execute("SELECT 1 FROM moves LIMIT 1").fetchone() is not None:
        return 0, ()
    trail = read_trail(library)
    changes = [change for _, change in sorted(trail.changes.items())]
    run_of = {change["id"]: change["run"] for change in changes}
    with catalogue.transaction():
        for number in sorted(set(run_of.values())):
            own = [change for change in changes if change["run"] == number]
            begin(catalogue, [_entry(change) for change in own], run=number, folders=[])
            _add_run(catalogue, number, own, run_of)
    return len(changes), trail.damaged


def mend(catalogue: Catalogue, library: Path) -> list[Damaged]:
    """Write damaged rows of the journal anew from the trail; returns those that it does not hold either.

    Only a line with a checksum is taken: one without may be as damaged as the row. Raises OSError when the trail
    cannot be read.
    """
    found = damaged(catalogue)
    changes = read_trail(library).changes if found else {}
    whole = {number: change for number, change in changes.items() if change["sum"] is not None}
    with catalogue.transaction() as connection:
        for one in found:
            if one.id in whole:
                connection.execute("DELETE FROM moves WHERE id = ?", (one.id,))
                begin(catalogue, [_entry(whole[one.id])], run=whole[one.id]["run"], folders=[])
    return [one for one in found if one.id not in whole]


def _add_run(catalogue: Catalogue, number: int, changes: list[dict[str, Any]], run_of: dict[int, int]) -> None:
    """The run of some changes, finished when it is an undo that took all back; its crawl as its lines have it."""
    undoes = [run_of.get(change["undoes"]) for change in changes if change["undoes"] is not None]
    of = next((run for run in undoes if run is not None), None)
    crawl = next((change["crawl"] for change in changes if change["crawl"] is not None), None)
    kind, state = UNDO if undoes else "sort", runs.CRAWL_LOST if crawl is None else "rebuilt"
    connection = catalogue.connection
    connection.execute(
        "INSERT OR IGNORE INTO runs (id, kind, crawl, mode, model, bundle, settings, undoes, started, state) "
        "VALUES (?, ?, ?, '', '', ?, '{}', ?, ?, ?)",
        (number, kind, crawl or to_bytes(Path()), to_bytes(Path()), of, now(), state),
    )
    if of is None or next(standing(catalogue, of), None) is None:
        connection.execute("UPDATE runs SET finished = started WHERE id = ?", (number,))


def _entry(change: dict[str, Any]) -> Entry:
    """A change of the trail as a row of the journal."""
    kept = {name: change[name] for name in _KEPT}
    ids = {"picture": PictureId(change["picture"]), "method": Method(change["method"])}
    return Entry(**kept | ids, temporary=None, state=State.DONE, note="")


def _last(catalogue: Catalogue, entry: Entry) -> Entry | None:
    """The change that last made what `entry` made; None while it is taken back."""
    while (undoing := _taken_back_by(catalogue, entry)) is not None:
        again = _taken_back_by(catalogue, undoing)
        if again is None:
            return None
        entry = again
    return entry


def _taken_back_by(catalogue: Catalogue, entry: Entry) -> Entry | None:
    found = select(catalogue, "undoes = ? AND state = 'done' ORDER BY id DESC LIMIT 1", (entry.id,))
    return found[0] if found else None


def _is_undo(catalogue: Catalogue, run: int) -> bool:
    row = catalogue.connection.execute("SELECT kind FROM runs WHERE id = ?", (run,)).fetchone()
    return row is not None and row[0] == UNDO


def _is_undone(catalogue: Catalogue, run: int) -> bool:
    # A run is only undone by a later one, and not by one that could take nothing back.
    query = (
        "SELECT id FROM runs WHERE undoes = ?1 AND id > ?1 AND finished IS NOT NULL "
        "AND (EXISTS (SELECT 1 FROM moves WHERE moves.run = runs.id AND state = 'done') "
        "OR json_array_length(summary, '$.left') = 0)"
    )
    rows = catalogue.connection.execute(query, (run,))
    return any(not _is_undone(catalogue, number) for (number,) in rows.fetchall())


def _is_wholly_undone(catalogue: Catalogue, run: int) -> bool | None:
    """True, or False where a part was left, or where the undo or the undo's own undo was; None where nothing is."""
    rows = catalogue.connection.execute(
        "SELECT id, finished IS NOT NULL, COALESCE(json_array_length(summary, '$.left'), 0) FROM runs "
        "WHERE undoes = ?1 AND id > ?1 AND (EXISTS (SELECT 1 FROM moves WHERE moves.run = runs.id AND state = 'done') "
        "OR json_array_length(summary, '$.left') = 0) ORDER BY id DESC",
        (run,),
    )
    for number, is_finished, left in rows.fetchall():
        made_again = _is_wholly_undone(catalogue, number)
        if not made_again:
            return made_again is None and bool(is_finished) and not left
    return None
