"""Small pictures are made before they are asked for, in the page's order; only the newest plan counts."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.queue import QueueFilter
from classifier.records import Action
from classifier.web.session import ReviewSession
from classifier.web.thumbnail_service import GRID, Prefetcher, likely_requests
from kit.reviewing import served, unsure_library, waiting_library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.queue import CursorValue, QueueItem

MANY = [
    *((Action.REVIEW, "page", 0.3 + number / 1000) for number in range(5 * GRID)),
    *((Action.REVIEW, "chibi", 0.5) for _ in range(3)),
]


@dataclass
class Asked:
    """A session that remembers which pages were asked for."""

    session: ReviewSession
    pages: list[tuple[str | None, int]] = field(default_factory=list)

    def page(self, wanted: QueueFilter, after: Sequence[CursorValue] | None, limit: int) -> list[QueueItem]:
        """As the session gives it."""
        rows = self.session.page(wanted, after=after, limit=limit)
        self.pages.append((wanted.category, len(rows)))
        return rows


def test_single_view_prefetches_the_first_grid_of_each_category(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        asked = Asked(session := ReviewSession(catalog))
        session.state()
        made = list(likely_requests(asked.page, QueueFilter(), None, session.waiting(Action.REVIEW)))

    assert [("page", GRID), ("chibi", 3)] == asked.pages
    assert GRID + 3 == len({row.image_id for row in made})


def test_a_grid_prefetches_its_next_pages_first(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, MANY)
    wanted = QueueFilter(category="page", grid=True)
    with open_catalog(library) as catalog:
        asked = Asked(session := ReviewSession(catalog))
        first = session.page(wanted, after=None, limit=GRID)
        made = list(likely_requests(asked.page, wanted, first[-1].cursor, ["chibi"]))

    assert [*[("page", GRID)] * 3, ("chibi", 3)] == asked.pages
    assert set() == {row.image_id for row in first} & {row.image_id for row in made}


def test_a_newer_plan_replaces_the_older_one(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, MANY[:3])
    began, go_on, done = threading.Event(), threading.Event(), threading.Event()
    made: list[str] = []

    def make(row: QueueItem) -> None:
        made.append(row.image_id)
        began.set()
        go_on.wait()

    with open_catalog(library) as catalog:
        rows = ReviewSession(catalog).page(QueueFilter(), after=None, limit=3)
    ahead = Prefetcher(make, idle=lambda: done.set() if len(made) > 1 else None)
    ahead.expect(iter(rows[:2]))
    began.wait()
    ahead.expect(iter(rows[2:]))
    go_on.set()
    done.wait()
    ahead.close()

    assert [ids[0], ids[2]] == made


@pytest.mark.parametrize(
    ("answered", "now", "rests"),
    [
        ((0.0,), 0.02, 0.08),  # what is looked at after an answer comes first
        ((0.0,), 0.2, 0.0),
        ((0.0, 0.3), 0.45, 0.0),  # between two answers there is time for some
        ((0.0, 0.3), 0.5, 0.4),  # the next answer is due
        ((0.0, 0.3), 0.95, 0.0),  # it has not come
        ((0.0, 4.0), 7.0, 0.0),  # so slow a beat is none
    ],
)
def test_prefetching_pauses_when_the_next_answer_is_due(
    monkeypatch: pytest.MonkeyPatch, answered: Sequence[float], now: float, rests: float
) -> None:
    made = Prefetcher(lambda _: None, idle=lambda: None)
    clock = iter([100 + one for one in (*answered, now)])
    monkeypatch.setattr("classifier.web.thumbnail_service.time", SimpleNamespace(monotonic=lambda: next(clock)))
    for _ in answered:
        made.heard()

    assert rests == pytest.approx(max(0.0, made.rest()))
    made.close()


def test_single_view_prefetches_the_thumbnails_of_the_grid(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 5)
    with served(library) as client:
        client.get("/api/state")
        ids = {row["picture"] for row in client.get("/api/queue").json()["pictures"]}
        until = time.monotonic() + 60
        while len(kept := list((library / ".illsort" / "thumbnails").rglob("*.jpg"))) < len(ids):
            assert time.monotonic() < until, f"only {len(kept)} were made"
            time.sleep(0.05)

    assert ids == {path.stem for path in kept}
