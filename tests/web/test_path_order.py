"""The queue as the files lie in the crawl: each picture once, at its first path, page by page and without sorting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import queue_pages
from classifier.catalog.connection import open_catalog
from classifier.catalog.queue import Order, QueueFilter
from classifier.records import Action, AnnotationKind, ImageId
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.browser import CHROMIUM, Traffic, browser, quiet
from kit.reviewing import blended, sort_again, waiting_library
from kit.serving import server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Page

    from classifier.catalog.connection import Catalog

KINDS = [*7 * [(Action.REVIEW, "chibi", 0.5)], (Action.REVIEW, "page", 0.4), (Action.UNKNOWN, "page", 0.4)]
LIES = {0: ["/z/a"], 1: ["/a/b/2"], 2: ["/a/c"], 3: ["/m", "/a/b/1"], 4: ["/a/b/1.x"], 5: [], 7: ["/b"], 8: ["/a/a"]}
"""Where each of KINDS lies; 6, like 5, has no file in the crawl any more."""
IN_ORDER = [3, 4, 1, 2, 7, 0]
GONE = "([was]) => document.querySelector('.message') || document.querySelector('.side h1').textContent !== was"
FEW = pytest.mark.parametrize("few", [0, 3000])


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, list[ImageId]]:
    library, ids = waiting_library(tmp_path, KINDS)
    with open_catalog(library) as catalog, catalog.transaction() as connection:
        lies = [(path.encode(), ids[number]) for number, paths in LIES.items() for path in paths]
        connection.executemany("INSERT INTO files (path, picture) VALUES (?, ?)", lies)
    return library, ids


def in_pages(session: ReviewSession, size: int, wanted: QueueFilter) -> list[ImageId]:
    found, after = [], None
    while rows := session.page(wanted, after=after, limit=size):
        found += [row.image_id for row in rows]
        after = rows[-1].cursor
    return found


def lost(ids: Sequence[ImageId]) -> list[ImageId]:
    """What lies nowhere any more, in its order."""
    return sorted([ids[5], ids[6]])


@FEW
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_each_image_comes_once_by_its_first_path_without_a_path_last(
    made: tuple[Path, list[ImageId]], size: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_pages, "_FEW", few)
    library, ids = made
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)

        assert [*(ids[n] for n in IN_ORDER), *lost(ids)] == in_pages(session, size, QueueFilter(order=Order.PATH))
        assert [ids[8]] == in_pages(session, size, QueueFilter(order=Order.PATH, action=Action.UNKNOWN))
        chibi = [ids[n] for n in IN_ORDER if n != 7]
        assert [*chibi, *lost(ids)] == in_pages(
            session, size, QueueFilter(order=Order.PATH, category="chibi", grid=True)
        )


@FEW
def test_in_a_folder_images_are_ordered_by_their_first_path_in_it(
    made: tuple[Path, list[ImageId]], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_pages, "_FEW", few)
    library, ids = made
    with open_catalog(library) as catalog, catalog.transaction() as connection:
        connection.execute("INSERT INTO files (path, picture) VALUES (?, ?)", (b"/a/b/3", ids[7]))
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)

        assert [ids[n] for n in (3, 4, 1, 7)] == in_pages(session, 2, QueueFilter(order=Order.PATH, folder=b"/a/b"))
        assert [ids[n] for n in (3, 4, 1, 7, 2)] == in_pages(session, 2, QueueFilter(order=Order.PATH, folder=b"/a"))


@FEW
def test_answered_images_leave_the_queue_and_skipped_ones_wait_apart(
    made: tuple[Path, list[ImageId]], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_pages, "_FEW", few)
    library, ids = made
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        after = session.page(QueueFilter(order=Order.PATH), after=None, limit=2)[-1].cursor
        session.record([Answer(image_id=ids[4], kind=AnnotationKind.RIGHT, category="chibi")])
        session.record(
            [Answer(image_id=ids[0], kind=AnnotationKind.SKIPPED), Answer(image_id=ids[2], kind=AnnotationKind.SKIPPED)]
        )

        # What was last on the page before was answered, and still tells where to go on.
        assert [ids[1], ids[7]] == [
            row.image_id for row in session.page(QueueFilter(order=Order.PATH), after=after, limit=2)
        ]
        assert [ids[2], ids[0]] == in_pages(session, 1, QueueFilter(order=Order.PATH, skipped=True))


def test_a_cursor_whose_file_is_gone_continues_from_the_beginning(made: tuple[Path, list[ImageId]]) -> None:
    library, ids = made
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        after = session.page(QueueFilter(order=Order.PATH), after=None, limit=2)[-1].cursor
        catalog.connection.execute("UPDATE files SET picture = NULL WHERE picture = ?", (ids[4],))

        assert [ids[3]] == [row.image_id for row in session.page(QueueFilter(order=Order.PATH), after=after, limit=1)]


def test_a_cursor_contains_no_path(made: tuple[Path, list[ImageId]]) -> None:
    library, ids = made
    with open_catalog(library) as catalog:
        rows = ReviewSession(catalog).page(QueueFilter(order=Order.PATH), after=None, limit=7)

    assert [*((0, 0, ids[n]) for n in IN_ORDER), (1, 0.5, lost(ids)[0])] == [row.cursor for row in rows]


@pytest.mark.parametrize("category", [None, "chibi"])
@pytest.mark.parametrize("under", [None, b"/a"])
def test_a_page_of_a_long_queue_is_read_without_sorting(
    made: tuple[Path, list[ImageId]], category: str | None, under: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_pages, "_FEW", 0)
    wanted = QueueFilter(order=Order.PATH, category=category, folder=under)
    with open_catalog(made[0]) as catalog:
        session = ReviewSession(catalog)
        after = session.page(wanted, after=None, limit=1)[-1].cursor
        plans = [step for query in queries(catalog, session, wanted, after) for step in plan(catalog, query)]

    assert [] == [step for step in plans if "TEMP B-TREE" in step]
    assert any("SEARCH f USING INDEX" in step and "(path>? AND path<?)" in step for step in plans)


def queries(
    catalog: Catalog, session: ReviewSession, wanted: QueueFilter, after: Sequence[float | int | str]
) -> list[str]:
    asked: list[str] = []
    catalog.connection.set_trace_callback(asked.append)
    session.page(wanted, after=after, limit=100)
    catalog.connection.set_trace_callback(None)
    return [query for query in asked if "ORDER BY" in query]


def plan(catalog: Catalog, query: str) -> list[str]:
    return [row[3] for row in catalog.connection.execute(f"EXPLAIN QUERY PLAN {query}")]


def named(page: Page) -> str:
    """The file's name of the picture that is shown."""
    return page.locator(".side h1").inner_text()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_the_path_order_is_chosen_by_key_and_by_list_in_both_views(tmp_path: Path, bundle: Path) -> None:
    names = {"b": 0, "c": 3, "a/deep": 6, "a": 9, "d": 12}  # all of one kind, for the grid
    for folder, number in names.items():
        (tmp_path / "crawl" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "crawl" / folder / f"{number}.png").write_bytes(blended(number))
    sort_again(tmp_path, bundle)
    traffic, lie = Traffic(), ["9.png", "6.png", "0.png", "3.png", "12.png"]
    cells = "[...document.querySelectorAll('.cell img')].map((one) => one.alt)"
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, server(tmp_path / "sorted") as served:
        page.goto(served.address)
        page.wait_for_selector(".stage img")
        for order in ("category", "folder"):
            page.keyboard.press("o")
            page.wait_for_function("([of]) => document.querySelector('#choose-order').value === of", arg=[order])
        page.get_by_text("By folder").last.wait_for()
        found = []
        for _ in lie:
            page.wait_for_selector(".stage img")
            found.append(named(page))
            page.keyboard.press("s")
            page.wait_for_function(GONE, arg=[found[-1]])
        page.wait_for_selector(".message")
        page.keyboard.press("Backspace")
        page.keyboard.press("Backspace")
        page.get_by_role("button", name="中文").click()
        page.keyboard.press("g")
        page.wait_for_selector(".cell img")
        page.select_option("#choose-order", "confidence")
        page.wait_for_selector(".cell img")
        page.select_option("#choose-order", label="按文件夹")
        page.wait_for_function(f"() => {cells}.length === 2")
        shown = page.evaluate(cells)
        quiet(page, traffic)

    assert (lie, lie[3:], []) == (found, shown, traffic.console)
