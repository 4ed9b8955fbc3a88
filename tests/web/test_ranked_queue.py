"""The queue by what was learned: each picture once, whatever is ranked, and swapped between two pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.queue import Order, QueueFilter
from classifier.catalog.ranking import Rank, write
from classifier.records import Action, AnnotationKind, ImageId
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.reviewing import waiting_library

MANY = [
    *((Action.REVIEW, "chibi", 0.9 - number / 100) for number in range(7)),
    *((Action.REVIEW, "page", 0.5) for _ in range(5)),
    (Action.UNKNOWN, "page", 0.4),
    (Action.FILE, "chibi", 0.99),
]
META = {"categories": ["chibi", "page"], "temperature": 1.0}


def ranks(ids: list[ImageId], numbers: list[int], *, category: str = "page", action: str = "review") -> list[Rank]:
    """These pictures in this order; every second one looks like the other."""
    return [
        Rank(
            image_id=ids[number],
            action=action,
            position=place,
            category=category,
            confidence=place / 100,
            cluster_id=number % 2,
            logits=logits_as_bytes(np.array([[0.0, 3.0]], dtype=np.float32))[0],
        )
        for place, number in enumerate(numbers)
    ]


def in_pages(session: ReviewSession, wanted: QueueFilter, size: int) -> list[ImageId]:
    found, after = [], None
    while rows := session.page(wanted, after=after, limit=size):
        found += [row.image_id for row in rows]
        after = rows[-1].cursor
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_ranked_images_come_first_then_the_rest_by_confidence(tmp_path: Path, size: int) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    # What is ranked as waiting for review, but filed or unknown since, is where it is.
    write(library, ranks(ids, [8, 2, 12, 0, 13, 10]), meta=META)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)

        rest = [*sorted([7, 9, 11], key=lambda number: ids[number]), 6, 5, 4, 3, 1]
        assert [ids[n] for n in [8, 2, 0, 10, *rest]] == in_pages(session, QueueFilter(order=Order.RANKING), size)
        assert [ids[12]] == in_pages(session, QueueFilter(order=Order.RANKING, action=Action.UNKNOWN), size)
        assert [ids[n] for n in [8, 2, 0, 10, *rest[:3]]] == in_pages(
            session, QueueFilter(order=Order.RANKING, category="page"), size
        )


@pytest.mark.parametrize("size", [1, 2, 100])
def test_similar_images_come_together_and_a_cluster_can_be_shown_alone(tmp_path: Path, size: int) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    write(library, ranks(ids, [3, 8, 5, 2, 1, 0, 4, 6]), meta=META)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        together = in_pages(session, QueueFilter(order=Order.CLUSTER, category="page", grid=True), size)

        assert [ids[n] for n in [8, 2, 0, 4, 6, 3, 5, 1]] == together[:8]
        assert [ids[n] for n in [3, 5, 1]] == in_pages(session, QueueFilter(order=Order.RANKING, cluster=1), size)


@pytest.mark.parametrize("order", [Order.RANKING, Order.CLUSTER])
def test_without_a_ranking_the_least_confident_come_first(tmp_path: Path, order: Order) -> None:
    library, _ = waiting_library(tmp_path, MANY)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)

        assert in_pages(session, QueueFilter(), 5) == in_pages(session, QueueFilter(order=order), 5)
        assert in_pages(session, QueueFilter(category="page"), 2) == in_pages(
            session, QueueFilter(order=order, category="page"), 2
        )


def test_a_new_ranking_between_two_pages_starts_from_the_beginning(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    write(library, ranks(ids, [0, 1, 2]), meta=META)
    wanted = QueueFilter(order=Order.RANKING)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.record([Answer(image_id=ids[0], kind=AnnotationKind.RIGHT, category="chibi")])
        after = session.page(wanted, after=None, limit=1)[-1].cursor
        write(library, ranks(ids, [5, 0, 4], category="chibi"), meta=META)
        session.use_newest_ranking()

        assert [ids[5], ids[4]] == [row.image_id for row in session.page(wanted, after=after, limit=2)]
        assert {"chibi": 6, "page": 5} == session.state()["waiting"]["review"]
        session.undo()
        assert {"chibi": 7, "page": 5} == session.state()["waiting"]["review"]


def test_suggestions_come_from_the_newest_ranking(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    write(library, ranks(ids, [0]), meta=META)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        row = session.page(QueueFilter(order=Order.RANKING), after=None, limit=1)[0]

        assert ("chibi", "page", 0.0) == (row.category, row.best, row.best_confidence)
        assert ["page", "chibi"] == list(session.probabilities_of(row))


@pytest.mark.parametrize("order", [Order.RANKING, Order.CLUSTER])
@pytest.mark.parametrize("category", [None, "page"])
@pytest.mark.parametrize("look", [None, 1])
def test_a_page_is_read_without_sorting_ranked_or_unranked_images(
    tmp_path: Path, order: Order, category: str | None, look: int | None
) -> None:
    library, ids = waiting_library(tmp_path, MANY)
    write(library, ranks(ids, [0, 1, 2, 3]), meta=META)
    wanted = QueueFilter(order=order, category=category, cluster=look)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        after = session.page(wanted, after=None, limit=1)[-1].cursor
        steps = [step for query in queries(catalog, session, wanted, after) for step in plan(catalog, query)]

    assert [] == [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")]


def queries(
    catalog: Catalog, session: ReviewSession, wanted: QueueFilter, after: tuple[float | int | str, ...]
) -> list[str]:
    asked: list[str] = []
    session.page(wanted, after=after, limit=10)
    catalog.connection.set_trace_callback(asked.append)
    session.page(wanted, after=after, limit=10)
    catalog.connection.set_trace_callback(None)
    return [query for query in asked if query.lstrip().startswith("SELECT")]


def plan(catalog: Catalog, query: str) -> list[str]:
    return [row[3] for row in catalog.connection.execute(f"EXPLAIN QUERY PLAN {query}")]
