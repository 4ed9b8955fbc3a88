"""Audits: random samples of what was filed, and their outcome."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.audit_numbers import Filing, count_earlier, number_of, sorted_since
from classifier.catalog.decisions import DECIDED, decision_from_row
from classifier.catalog.runs import undone_runs
from classifier.catalog.strictness import STRICTNESS_KEYS
from classifier.catalog.undo_queries import standing_moves
from classifier.catalog.values import to_path
from classifier.paths import to_json, to_text, unescaped
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog
    from classifier.records import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledImage:
    """An image in its category's folder, under this name."""

    image_id: ImageId
    name: str
    category: str
    confidence: float
    reason: Reason

    @property
    def path(self) -> Path:
        """Its path within the library."""
        return Path(self.category, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledImage:
    """One image of a sample, as it was filed at the time of the draw; shown in the order of `position`, from 0."""

    position: int
    image_id: ImageId
    category: str
    confidence: float
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A sample as drawn; `id` is 0 before it is stored, `at` is in UTC, ISO 8601.

    `filed` counts the images it was drawn from, by category; not `simple` if an earlier version drew by category.
    `steps` are thresholds from strict to loose with the number of images that each would keep, fixed before any
    answer. `marks` change when anything is filed. `run` and `threshold` say how its outcome was applied, if it was.
    `number` counts the audits with answers since the last sort that filed anything, this one included: the bounds must
    account for every audit of the same filing. With `until`, an error rate, it is answered in its order until that is
    shown, may be looked at after every answer, and counts twice; else all that was drawn is answered.
    With `source`, the URL of answers elsewhere, it is of the rows that their decisions file, named by `asked`, and the
    library holds what was drawn of them; an image may be drawn at several rows. Else it is of what the library files.
    """

    at: str
    seed: int
    simple: bool
    filed: dict[str, int]
    steps: tuple[tuple[float, int], ...]
    marks: tuple[int, int]
    drawn: tuple[SampledImage, ...]
    id: int = 0
    run: int | None = None
    threshold: float | None = None
    number: int = 1
    until: float | None = None
    source: str | None = None
    asked: str | None = None

    @property
    def population(self) -> int:
        """How many images, or rows of answers, it was drawn from."""
        return sum(self.filed.values())


_CODES: Final = {code.value: code for code in ReasonCode}  # a long order has thousands
_FILED = """
SELECT decisions.picture, places.path, category, confidence, reason_code, reason_params
FROM decisions JOIN places ON places.picture = decisions.picture WHERE decisions.action = ? ORDER BY decisions.picture
"""


def filed(catalog: Catalog) -> Iterator[FiledImage]:
    """Every image that was filed under a category and is recorded in its folder, by id."""
    for image_id, path, category, confidence, code, params in catalog.connection.execute(_FILED, (Action.FILE,)):
        folder, _, name = os.fsdecode(path).rpartition("/")
        if folder == category:
            reason = Reason(ReasonCode(code), params)
            yield FiledImage(
                image_id=ImageId(image_id), name=name, category=category, confidence=confidence, reason=reason
            )


def marks(catalog: Catalog) -> tuple[int, int]:
    """Two numbers that change whenever anything is filed, moved or decided differently."""
    row = catalog.connection.execute(
        "SELECT (SELECT coalesce(max(id), 0) FROM moves), (SELECT coalesce(max(run), 0) FROM decisions)"
    ).fetchone()
    return int(row[0]), int(row[1])


def save(catalog: Catalog, audit: Audit) -> Audit:
    """Store a new audit with its sample, all or nothing; returns it with its id."""
    kept = (audit.at, audit.seed, int(audit.simple), to_json(audit.filed))
    with catalog.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO audits (at, seed, simple, filed, steps, last_move, last_decided, until, source, asked) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *kept,
                to_json(audit.steps),
                *audit.marks,
                audit.until,
                audit.source and to_text(audit.source),
                audit.asked,
            ),
        )
        number = int(cursor.lastrowid or 0)
        connection.executemany(
            "INSERT INTO drawn (audit, position, picture, category, confidence, reason_code, reason_params) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (number, d.position, d.image_id, d.category, d.confidence, d.reason.code.value, d.reason.json)
                for d in audit.drawn
            ],
        )
    return replace(audit, id=number, number=number_of(catalog, number))


def last(catalog: Catalog) -> Audit | None:
    """The last audit; None before the first."""
    row = catalog.connection.execute(
        "SELECT id, at, seed, simple, filed, steps, last_move, last_decided, run, threshold, until, source, asked "
        "FROM audits ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    number, at, seed, simple, filed_, steps, last_move, last_decided, run, threshold, until, source, asked = row
    return Audit(
        id=number,
        at=at,
        seed=seed,
        simple=bool(simple),
        filed=json.loads(filed_),
        steps=tuple((float(step), int(kept)) for step, kept in json.loads(steps)),
        marks=(last_move, last_decided),
        drawn=tuple(_sample(catalog, number)),
        run=run,
        threshold=threshold,
        number=number_of(catalog, number),
        until=until,
        source=source and unescaped(source),
        asked=asked,
    )


def next_number(catalog: Catalog, *, source: str | None = None, asked: str | None = None) -> int:
    """The number that an audit drawn now would have, of the library or of decisions about a source."""
    filing = Filing(marks(catalog)[0], source and to_text(source), asked)
    return count_earlier(catalog, filing) + 1


def is_current(catalog: Catalog, audit: Audit) -> bool:
    """Whether what was drawn is still filed as it was: nothing was filed, moved or decided differently since.

    The pictures drawn of answers elsewhere are no filing of their own: what an audit or a review moves changes nothing.
    """
    if audit.source is None:
        return marks(catalog) == audit.marks
    return not sorted_since(catalog, audit.marks[0])


def set_until(catalog: Catalog, audit: int, until: float) -> None:
    """Record the error rate until which an audit goes on from now on."""
    with catalog.transaction() as connection:
        connection.execute("UPDATE audits SET until = ? WHERE id = ?", (until, audit))


def set_outcome(catalog: Catalog, audit: int, *, run: int, threshold: float | None) -> None:
    """Record the run that applies an audit's outcome, and the threshold that the person agreed to."""
    with catalog.transaction() as connection:
        connection.execute("UPDATE audits SET run = ?, threshold = ? WHERE id = ?", (run, threshold, audit))


def decided_in(catalog: Catalog, run: int) -> list[Decision]:
    """The decisions made by `run` that are still current, by image."""
    query = f"SELECT {DECIDED} FROM decisions WHERE run = ? ORDER BY picture"  # noqa: S608 - our own names
    return list(map(decision_from_row, catalog.connection.execute(query, (run,))))


def unfinished_run(catalog: Catalog) -> int | None:
    """The run that applies an audit's outcome and was interrupted."""
    row = catalog.connection.execute(
        "SELECT max(id) FROM runs WHERE kind = 'audit' AND finished IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM runs AS undo WHERE undo.undoes = runs.id)"
    ).fetchone()
    return None if row[0] is None else int(row[0])


def last_sort(catalog: Catalog) -> tuple[str, Path, dict[str, Any]] | None:
    """The model's key, the bundle and the settings of the last sort that was not undone; None before the first.

    If all were undone, it is the last one, without the threshold or error rate that it had.
    """
    rows = catalog.connection.execute(
        "SELECT id, model, bundle, settings FROM runs WHERE kind = 'sort' AND model != '' ORDER BY id DESC"
    ).fetchall()
    if not rows:
        return None
    undone = undone_runs(catalog)
    standing = next((row for row in rows if not undone.get(row[0])), None)
    _, model, bundle, settings = standing or rows[0]
    recorded = json.loads(settings)
    if standing is None:
        recorded |= {
            "sort": {key: value for key, value in recorded.get("sort", {}).items() if key not in STRICTNESS_KEYS}
        }
    return str(model), to_path(bundle), recorded


def agreed_threshold(catalog: Catalog, *, model: str) -> float | None:
    """The threshold agreed to after the last audit of what `model` filed; None if that run was undone."""
    row = catalog.connection.execute(
        "SELECT audits.threshold, audits.run FROM audits JOIN runs ON runs.id = audits.run "
        "WHERE audits.threshold IS NOT NULL AND runs.model = ? ORDER BY audits.id DESC LIMIT 1",
        (model,),
    ).fetchone()
    if row is None or next(standing_moves(catalog, int(row[1])), None) is None:
        return None
    return float(row[0])


def _sample(catalog: Catalog, audit: int) -> Iterator[SampledImage]:
    rows = catalog.connection.execute(
        "SELECT position, picture, category, confidence, reason_code, reason_params FROM drawn "
        "WHERE audit = ? ORDER BY position",
        (audit,),
    )
    for position, image_id, category, confidence, code, params in rows:
        yield SampledImage(
            position=position,
            image_id=ImageId(image_id),
            category=category,
            confidence=confidence,
            reason=Reason(_CODES[code], params),
        )
