"""What waits, page by page: each picture once, in the order that was asked for, and without sorting the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.queue import Order, QueueFilter
from classifier.records import Action, AnnotationKind
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.reviewing import waiting_library

MANY = [
    *((Action.REVIEW, "chibi", 0.9 - number / 100) for number in range(7)),
    *((Action.REVIEW, "page", 0.5) for _ in range(5)),
    (Action.UNKNOWN, "page", 0.4),
    (Action.FILE, "chibi", 0.99),
]


def in_pages(session: ReviewSession, wanted: QueueFilter, size: int) -> list[tuple[str, float]]:
    found, after = [], None
    while rows := session.page(wanted, after=after, limit=size):
        found += [(row.category, row.confidence) for row in rows]
        after = rows[-1].cursor
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("order", [Order.CONFIDENCE, Order.CATEGORY, Order.NEWEST])
def test_each_image_comes_once_in_any_order_and_page_size(tmp_path: Path, order: Order, size: int) -> None:
    library, _ = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        shown = in_pages(ReviewSession(catalog), QueueFilter(order=order), size)

    waiting = sorted((category, confidence) for action, category, confidence in MANY if action is Action.REVIEW)
    by_surety = sorted(waiting, key=lambda one: one[1])
    assert (waiting if order is Order.CATEGORY else by_surety) == shown


def test_the_queue_is_filtered_by_action_and_category(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)

        assert 7 * ["chibi"] == [category for category, _ in in_pages(session, QueueFilter(category="chibi"), 3)]
        assert [("page", 0.4)] == in_pages(session, QueueFilter(action=Action.UNKNOWN), 3)
        assert {"review": {"chibi": 7, "page": 5}, "unknown": {"page": 1}} == session.state()["waiting"]


def test_answered_images_leave_the_queue_and_skipped_ones_wait_apart(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record(
            [
                Answer(image_id=ids[0], kind=AnnotationKind.RIGHT, category="chibi"),
                Answer(image_id=ids[1], kind=AnnotationKind.NONE),
            ]
        )
        session.record([Answer(image_id=ids[2], kind=AnnotationKind.SKIPPED)])
        session.record([Answer(image_id=ids[3], kind=AnnotationKind.WRONG, category="chibi")])

        left, skipped, grid = (
            {row.image_id for row in session.page(wanted, after=None, limit=50)}
            for wanted in (QueueFilter(), QueueFilter(skipped=True), QueueFilter(category="chibi", grid=True))
        )
        assert set(ids[3:12]) == left
        assert {ids[2]} == skipped
        assert set(ids[4:7]) == grid
        assert ({"chibi": 4, "page": 5}, 1, 2) == tuple_of(session)


@pytest.mark.parametrize("order", [Order.CONFIDENCE, Order.CATEGORY, Order.NEWEST, Order.PATH, Order.RANKING])
def test_skipped_images_of_every_queue_wait_together(tmp_path: Path, order: Order) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        unknown = session.page(QueueFilter(action=Action.UNKNOWN), after=None, limit=1)[0].image_id
        session.record([Answer(image_id=one, kind=AnnotationKind.SKIPPED) for one in (ids[2], ids[9], unknown)])

        assert [("chibi", MANY[2][2]), ("page", 0.4), ("page", MANY[9][2])] == sorted(
            in_pages(session, QueueFilter(order=order, skipped=True), 2)
        )
        assert 2 == len(in_pages(session, QueueFilter(order=order, skipped=True, category="page"), 1))


def tuple_of(session: ReviewSession) -> tuple[dict[str, int], int, int]:
    state = session.state()
    return state["waiting"]["review"], state["skipped"], state["to_file"]


@pytest.mark.parametrize("order", [Order.CONFIDENCE, Order.CATEGORY, Order.NEWEST])
@pytest.mark.parametrize("category", [None, "chibi"])
def test_a_page_is_read_without_sorting_the_library(tmp_path: Path, order: Order, category: str | None) -> None:
    library, _ = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        plan = plan_of(catalog, session, QueueFilter(order=order, category=category))

    assert [] == [step for step in plan if "TEMP B-TREE" in step]
    assert [] == [step for step in plan if step.startswith("SCAN")]


def plan_of(catalog: Catalog, session: ReviewSession, wanted: QueueFilter) -> list[str]:
    """How SQLite goes about the query that is behind a page which is not the first."""
    asked: list[str] = []
    after = session.page(wanted, after=None, limit=2)[-1].cursor
    catalog.connection.set_trace_callback(asked.append)
    session.page(wanted, after=after, limit=2)
    catalog.connection.set_trace_callback(None)
    query = next(text for text in asked if "FROM decisions AS d" in text)
    return [row[3] for row in catalog.connection.execute(f"EXPLAIN QUERY PLAN {query}")]
