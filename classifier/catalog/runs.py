"""Runs: their settings, their models, and how each ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.strictness import Strictness
from classifier.catalog.values import to_bytes, to_path, utc_now
from classifier.errors import Message
from classifier.paths import to_json
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog

SORT: Final = "sort"
PREVIEW: Final = "preview"
"""The kind of a run that read a crawl and filed nothing."""
KINDS: Final = (SORT, PREVIEW, "label", "review", "audit", "undo")
"""The commands that a run may be of."""

CRAWL_LOST: Final = "crawl lost"
"""The state of a run that was rebuilt from a log without its crawl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as recorded; `finished` is None while it works, or after it was interrupted."""

    id: int
    kind: str
    crawl: Path
    mode: str
    bundle: Path
    started: str
    finished: str | None
    summary: dict[str, Any]
    strictness: Strictness
    """The threshold or error rate; empty for runs that are not sorts."""
    undoes: int | None = None
    """The run that this one undoes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedRun:
    """The settings of a sort that did not finish; `model` is the bundle's key, `exclude` patterns of skipped files."""

    mode: str
    strictness: Strictness
    bundle: Path
    model: str
    sidecars: bool
    duplicates: str
    unknown_share: float | None
    """The share of in-distribution images that may count as unknown; 0: none. None in older runs."""
    exclude: tuple[str, ...] = ()
    answers: str | None = None  # where those are that it took


def begin(
    catalog: Catalog,
    *,
    kind: str,
    crawl: Path,
    mode: str,
    model: str,
    bundle: Path,
    settings: dict[str, Any],
    backbone: str | None = None,
) -> int:
    """Record that a run begins; returns its number. `model` and `backbone` are the bundle's keys."""
    values = (kind, to_bytes(crawl), mode, model, backbone, to_bytes(bundle), to_json(settings))
    with catalog.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO runs (kind, crawl, mode, model, backbone, bundle, settings, started, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running')",
            (*values, utc_now()),
        )
    return int(cursor.lastrowid or 0)


def set_settings(catalog: Catalog, run: int, settings: dict[str, Any]) -> None:
    """Record other settings of a run than it began with."""
    with catalog.transaction() as connection:
        connection.execute("UPDATE runs SET settings = ? WHERE id = ?", (to_json(settings), run))


def finish(catalog: Catalog, run: int, summary: dict[str, Any]) -> None:
    """Record that a run has finished, with its summary."""
    with catalog.transaction() as connection:
        connection.execute(
            "UPDATE runs SET finished = ?, state = 'done', summary = ? WHERE id = ?",
            (utc_now(), to_json(summary), run),
        )


def interrupted_run(catalog: Catalog, crawl: Path) -> InterruptedRun | None:
    """The last sort of `crawl`, if it did not finish and no other run, such as an undo, followed.

    Reviews and previews in between do not count.
    """
    row = catalog.connection.execute(
        "SELECT mode, settings, bundle, model FROM runs WHERE kind = 'sort' AND state = 'running' AND id = ("
        "SELECT max(id) FROM runs WHERE kind NOT IN ('sort', 'review', 'preview') OR crawl = ? AND kind != 'preview')",
        (to_bytes(crawl),),
    ).fetchone()
    if row is None:
        return None
    mode, settings, bundle, model = row
    kept = (recorded := json.loads(settings))["sort"]
    return InterruptedRun(
        mode=mode,
        strictness=Strictness.from_settings(recorded).requested,
        bundle=to_path(bundle),
        model=model,
        sidecars=kept.get("sidecars", False),
        duplicates=kept.get("duplicates", "keep"),
        unknown_share=kept.get("unknown_share") if kept.get("unknown", True) else 0.0,
        exclude=tuple(recorded.get("images", {}).get("exclude", ())),
        answers=recorded.get("given", {}).get("answers"),
    )


def earlier_models(catalog: Catalog, *, last: int) -> list[tuple[str, str]]:
    """The keys of each model that sorted or previewed and of its backbone, but for the `last` ones that sorted."""
    rows = catalog.connection.execute(
        "SELECT model, max(backbone) FROM runs WHERE kind IN ('sort', 'preview') AND backbone IS NOT NULL "
        "AND model NOT IN (SELECT model FROM runs WHERE kind = 'sort' AND backbone IS NOT NULL "
        "GROUP BY model ORDER BY max(id) DESC LIMIT ?) GROUP BY model",
        (last,),
    )
    return list(rows)


def crawl_of(catalog: Catalog, run: int) -> Path | None:
    """The crawl of a run; None if it is unknown, because the catalog was lost, or there was none."""
    row = catalog.connection.execute("SELECT crawl FROM runs WHERE id = ?", (run,)).fetchone()
    crawl = to_path(row[0]) if row is not None and isinstance(row[0], bytes) else Path()
    return crawl if crawl.is_absolute() and "\0" not in str(crawl) else None


def set_lost_crawls(catalog: Catalog, crawl: Path) -> None:
    """Record `crawl` for the runs whose own was lost with the catalog."""
    with catalog.transaction() as connection:
        connection.execute("UPDATE runs SET crawl = ? WHERE state = ?", (to_bytes(crawl), CRAWL_LOST))


def has_run_of_kind(catalog: Catalog, kind: str) -> bool:
    """Whether there was a run of this kind."""
    return catalog.connection.execute("SELECT 1 FROM runs WHERE kind = ? LIMIT 1", (kind,)).fetchone() is not None


def last_settings(catalog: Catalog, kind: str) -> dict[str, Any]:
    """The settings of the last run of this kind; empty when there was none."""
    row = catalog.connection.execute(
        "SELECT settings FROM runs WHERE kind = ? ORDER BY id DESC LIMIT 1", (kind,)
    ).fetchone()
    return {} if row is None else dict(json.loads(row[0]))


def settings_of(catalog: Catalog, run: int) -> dict[str, Any]:
    """The settings of a run, by section; empty where they were lost."""
    row = catalog.connection.execute("SELECT settings FROM runs WHERE id = ?", (run,)).fetchone()
    return {} if row is None else dict(json.loads(row[0] or "{}"))


def crawls_sorted_with(catalog: Catalog, model: str) -> list[Path]:
    """The crawls that were sorted with this model, by path."""
    rows = catalog.connection.execute(
        "SELECT DISTINCT crawl FROM runs WHERE kind = 'sort' AND model = ? ORDER BY crawl", (model,)
    )
    return [to_path(crawl) for (crawl,) in rows]


def images_drawn_to_label(catalog: Catalog) -> frozenset[ImageId]:
    """The images that label runs drew from their crawls and that have a decision."""
    rows = catalog.connection.execute(
        "SELECT DISTINCT files.picture FROM files JOIN decisions ON decisions.picture = files.picture "
        "WHERE files.failure_kind IS NULL AND files.crawl IN (SELECT crawl FROM runs WHERE kind = 'label')"
    )
    return frozenset(ImageId(image_id) for (image_id,) in rows)


def all_runs(catalog: Catalog) -> list[Run]:
    """Every run, oldest first."""
    rows = catalog.connection.execute(
        "SELECT id, kind, crawl, mode, bundle, started, finished, summary, settings, undoes FROM runs ORDER BY id"
    )
    return [
        Run(
            id=number,
            kind=kind,
            crawl=to_path(crawl),
            mode=mode,
            bundle=to_path(bundle),
            started=started,
            finished=finished,
            summary=json.loads(summary or "{}"),
            strictness=Strictness.from_settings(json.loads(settings or "{}")),
            undoes=undoes,
        )
        for number, kind, crawl, mode, bundle, started, finished, summary, settings, undoes in rows
    ]


class EndState(StrEnum):
    """How a run has ended."""

    DONE = "done"
    UNFINISHED = "not finished"
    FINISHED_BY = "finished by"
    """It was interrupted, and a later run finished its work."""
    UNDONE = "undone"
    PARTLY_UNDONE = "partly undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How a run has ended; `by` is the later run that finished its work, if any."""

    ended: EndState
    by: int | None = None

    def __str__(self) -> str:
        return str(self.message)

    @property
    def message(self) -> Message:
        """As a person reads it; the English is the value for JSON."""
        if self.by is None:
            return Message(self.ended)
        return Message("finished by #{run}", run=self.by)


def run_states(catalog: Catalog, runs: Sequence[Run]) -> dict[int, RunState]:
    """The state of each of all `runs`, oldest first, by its number."""
    undone = undone_runs(catalog)
    states: dict[int, RunState] = {}
    finisher: dict[tuple[object, ...], int] = {}
    for run in reversed(runs):
        same = (run.kind, run.crawl, run.undoes)
        by = None if run.finished else finisher.get(same)
        if by is None and run.kind == PREVIEW and not run.finished:
            by = finisher.get((SORT, run.crawl, run.undoes))  # a sort reads what a preview left
        ended = EndState.DONE if run.finished else EndState.UNFINISHED if by is None else EndState.FINISHED_BY
        if run.id in undone:
            ended, by = (EndState.UNDONE if undone[run.id] else EndState.PARTLY_UNDONE), None
        states[run.id] = RunState(ended=ended, by=by)
        if run.finished and run.id not in undone:
            finisher[same] = run.id
    return states


def undone_runs(catalog: Catalog) -> dict[int, bool]:
    """The runs that are currently undone: True if wholly, False if only in part."""
    rows = catalog.connection.execute("SELECT DISTINCT undoes FROM runs WHERE undoes IS NOT NULL").fetchall()
    found = {int(run): _is_wholly_undone(catalog, run) for (run,) in rows}
    return {run: wholly for run, wholly in found.items() if wholly is not None}


def _is_wholly_undone(catalog: Catalog, run: int) -> bool | None:
    """True if undone, False if only in part (also of the undo, or of its own undo); None if it stands."""
    rows = catalog.connection.execute(
        "SELECT id, finished IS NOT NULL, COALESCE(json_array_length(summary, '$.left'), 0) FROM runs "
        "WHERE undoes = ?1 AND id > ?1 AND (EXISTS (SELECT 1 FROM moves WHERE moves.run = runs.id AND state = 'done') "
        "OR json_array_length(summary, '$.left') = 0) ORDER BY id DESC",
        (run,),
    )
    for number, is_finished, left in rows.fetchall():
        made_again = _is_wholly_undone(catalog, number)
        if not made_again:
            return made_again is None and bool(is_finished) and not left
    return None
