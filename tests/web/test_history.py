"""Backspace takes back the last step whatever the clock shows: set back, standing still, or right."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import NAME, open_catalog
from classifier.catalog.filesystem import state_folder
from classifier.records import Action, AnnotationKind
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.reviewing import waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 11, 28, tzinfo=UTC)
MANY = [(Action.REVIEW, name, 0.5) for name in ("cat", "dog", "owl") for _ in range(4)]
CLOCKS = {
    "right": lambda: (START + timedelta(seconds=number) for number in count()),
    "set back": lambda: (START - timedelta(days=number) for number in count()),
    "standing still": lambda: repeat(START),
    "set back every third time": lambda: (START + timedelta(hours=number % 3) for number in count()),
}


def set_clock(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    times: Iterator[datetime] = CLOCKS[name]()
    monkeypatch.setattr("classifier.web.session.now", lambda: next(times).isoformat(timespec="microseconds"))


def act(session: ReviewSession, ids: list[Any], chance: random.Random) -> None:
    """Something that a person may do: an answer of one or several pictures, a category made or renamed."""
    names = [one["name"] for one in session.state()["categories"]]
    if chance.random() < 0.2:
        session.make_category(f"new {chance.random()}")
    elif chance.random() < 0.3:
        session.rename_category(chance.choice(names), f"called {chance.random()}")
    else:
        pictures = chance.sample(ids, chance.randint(1, 3))
        said = chance.choice([AnnotationKind.RIGHT, AnnotationKind.NONE, AnnotationKind.SKIPPED, AnnotationKind.WRONG])
        category = chance.choice(names) if said in {AnnotationKind.RIGHT, AnnotationKind.WRONG} else None
        session.record([Answer(image_id=picture, kind=said, category=category) for picture in pictures])


def shown(session: ReviewSession) -> dict[str, Any]:
    return {key: value for key, value in session.state().items() if key != "outlook"}


@pytest.mark.parametrize("clock", CLOCKS)
def test_undo_goes_through_the_same_states_backwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    set_clock(monkeypatch, clock)
    chance, before = random.Random(0), list[dict[str, Any]]()
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        for _ in range(12):
            states = shown(session)
            act(session, ids, chance)
            if shown(session)["steps"] > states["steps"]:
                before.append(states)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        for state in reversed(before):
            session.undo()
            made = [one for one in shown(session)["categories"] if one["name"].startswith("new")]
            kept = [one for one in state["categories"] if one["name"].startswith("new")]
            assert kept == made[: len(kept)]  # what was made is no step and stays
            assert without_made(state) == without_made(shown(session))
        assert (0, {}) == (session.state()["steps"], annotation_log.latest(catalog))


def without_made(state: dict[str, Any]) -> dict[str, Any]:
    return state | {"categories": [one["name"] for one in state["categories"] if not one["name"].startswith("new")]}


def test_a_category_created_with_an_answer_survives_its_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    set_clock(monkeypatch, "standing still")
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.make_category("bird")
        session.record([Answer(image_id=ids[0], kind=AnnotationKind.RIGHT, category="bird")])
        session.undo()
    with open_catalog(library) as catalog:
        assert "bird" in {one["name"] for one in ReviewSession(catalog).state()["categories"]}


def test_steps_of_an_older_catalog_keep_their_order(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    with open_catalog(library):
        pass
    with closing(sqlite3.connect(state_folder(library) / NAME, isolation_level=None)) as connection:
        older(connection)
        said = [(ids[0], "2026-11-28T12:00"), (ids[1], "2026-11-28T12:00"), (ids[2], "2026-11-01T12:00")]
        connection.executemany(
            "INSERT INTO verdicts (picture, said, category, origin, at) VALUES (?, 'right', 'cat', 'review', ?)", said
        )
        names = [("cat", "cat", "2026-11-28T11:00"), ("lion", "lion", "2026-11-29"), ("owl", "lion", "2026-11-29")]
        connection.executemany("INSERT INTO categories (name, became, at) VALUES (?, ?, ?)", names)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        taken = [[row.image_id for row in session.undo()] for _ in range(4)]
        assert [[], [ids[2]], ids[:2], []] == taken
        assert {"cat", "dog", "owl"} == {one["name"] for one in session.state()["categories"]}


def older(connection: sqlite3.Connection) -> None:
    """The catalog as it was before steps had numbers."""
    connection.execute("DROP TABLE steps")
    for table in ("verdicts", "categories"):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN step")
    connection.execute("DELETE FROM migrations WHERE name = 'm010_review_steps'")
