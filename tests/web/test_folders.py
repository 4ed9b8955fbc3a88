"""The folders of the crawl: told with what waits in each, and the queue of one of them alone."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog import ranking
from classifier.catalog.connection import open_catalog
from classifier.catalog.queue import Order, QueueFilter
from classifier.records import Action, AnnotationKind
from classifier.web.folders import Folders
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.browser import CHROMIUM, Traffic, browser, quiet, wait_for_image
from kit.reviewing import blended, served, sort_again
from kit.serving import server

if TYPE_CHECKING:
    from pathlib import Path

GONE = "([was]) => document.querySelector('.message') || document.querySelector('.single').dataset.imageId !== was"
HELD = {"pixiv/mika": 3, "pixiv/aoi/2023": 4, "pixiv/aoi": 1, "danbooru": 5, ".": 2}


def library(folder: Path, bundle: Path, held: dict[str, int] = HELD, *, mode: str = "link") -> Path:
    """A sorted crawl of nested folders, of which so many pictures wait."""
    number = 0
    for name, count in held.items():
        (folder / "crawl" / name).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            (folder / "crawl" / name / f"{number:03}.png").write_bytes(blended(number))
            number += 1
    sort_again(folder, bundle, mode=mode)
    return folder / "sorted"


def told(folders: Folders, *, chosen: int | None = None) -> list[tuple[str, int, int]]:
    found, _ = folders.look(Action.REVIEW, chosen=chosen)
    return [(one.name, one.depth, one.count) for one in found]


def number_of(folders: Folders, name: str, *, chosen: int | None = None) -> int:
    return next(one.number for one in folders.look(Action.REVIEW, chosen=chosen)[0] if one.name == name)


def test_top_folders_are_listed_with_the_count_of_what_waits_below_them(tmp_path: Path, bundle: Path) -> None:
    folders = Folders(library(tmp_path, bundle))

    assert [("danbooru", 1, 5), ("pixiv", 1, 8)] == told(folders)


def test_an_image_counts_once_in_each_folder_with_files_of_it(tmp_path: Path, bundle: Path) -> None:
    crawl = tmp_path / "crawl"
    for name, number in (("a/1.png", 1), ("a/2.png", 1), ("a/b/3.png", 1), ("a/b/4.png", 2), ("c/5.png", 1)):
        (crawl / name).parent.mkdir(parents=True, exist_ok=True)
        (crawl / name).write_bytes(blended(number))
    sort_again(tmp_path, bundle)
    folders = Folders(tmp_path / "sorted")

    assert [("a", 1, 2), ("b", 2, 2), ("c", 1, 1)] == told(folders, chosen=number_of(folders, "a"))


def test_skipped_images_have_folders_of_their_own(tmp_path: Path, bundle: Path) -> None:
    place = library(tmp_path, bundle, {"a": 3, "b": 2, "c": 1})
    folders = Folders(place)
    with open_catalog(place) as catalog:
        session = ReviewSession(catalog)
        for name in ("b", "c"):
            rows = session.page(QueueFilter(folder=folders.path_of(number_of(folders, name))), after=None, limit=1)
            session.record([Answer(image_id=row.image_id, kind=AnnotationKind.SKIPPED, category=None) for row in rows])
        skipped, _ = folders.look(None, chosen=None)

    assert [("a", 1, 3), ("b", 1, 1)] == told(folders)
    assert [("b", 1), ("c", 1)] == [(one.name, one.count) for one in skipped]
    with served(place) as client:
        assert ["b", "c"] == [name for _, name, *_ in client.get("/api/folders?tray=skipped").json()["folders"]]


def test_the_folders_around_the_chosen_one_are_listed_too(tmp_path: Path, bundle: Path) -> None:
    folders = Folders(library(tmp_path, bundle))
    pixiv = number_of(folders, "pixiv")
    around = [("danbooru", 1, 5), ("pixiv", 1, 8), ("aoi", 2, 5), ("mika", 2, 3)]

    assert around == told(folders, chosen=pixiv)
    aoi = number_of(folders, "aoi", chosen=pixiv)
    assert [*around[:3], ("2023", 3, 4), around[3]] == told(folders, chosen=aoi)
    assert os.fsencode((tmp_path / "crawl" / "pixiv" / "aoi").as_posix()) == folders.path_of(aoi)
    assert [None, None] == [folders.path_of(-1), folders.path_of(1000)]


def test_images_from_one_folder_give_no_list_of_folders(tmp_path: Path, bundle: Path) -> None:
    assert [] == told(Folders(library(tmp_path, bundle, {"a/b": 3})))
    assert [] == told(Folders(library(tmp_path / "none", bundle, {"a": 0})))


def test_an_answered_image_counts_in_no_folder_until_undone(tmp_path: Path, bundle: Path) -> None:
    place = library(tmp_path, bundle, {"a": 3, "b": 2})
    folders = Folders(place)
    with open_catalog(place) as catalog:
        session = ReviewSession(catalog)
        rows = session.page(QueueFilter(folder=folders.path_of(number_of(folders, "b"))), after=None, limit=9)
        session.record([Answer(image_id=row.image_id, kind=AnnotationKind.RIGHT, category="red") for row in rows])
        answered = told(folders)
        session.undo()

    assert [] == answered
    assert [("a", 1, 3), ("b", 1, 2)] == told(folders)


@pytest.fixture
def moved(tmp_path: Path, bundle: Path) -> Path:
    return library(tmp_path, bundle, mode="move")


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(("grid", "few"), [(False, 0), (True, 0), (False, 3000)])
def test_the_queue_of_a_folder_has_the_images_in_and_below_it(
    moved: Path, order: Order, grid: bool, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.catalog.queue_pages._FEW", few)
    folders = Folders(moved)
    pixiv, danbooru = (folders.path_of(number_of(folders, name)) for name in ("pixiv", "danbooru"))
    with open_catalog(moved) as catalog:
        session = ReviewSession(catalog)
        every = {row.image_id: row.path.name for row in session.page(QueueFilter(), after=None, limit=99)}

        def names(under: bytes | None) -> set[str]:
            found, after = [], None
            while rows := session.page(QueueFilter(order=order, grid=grid, folder=under), after=after, limit=2):
                found += [every[row.image_id] for row in rows]
                after = rows[-1].cursor
            assert len(found) == len(set(found))
            return {name[:3] for name in found}

        assert {f"{number:03}" for number in range(8)} == names(pixiv)
        assert {f"{number:03}" for number in range(8, 13)} == names(danbooru)
        assert {f"{number:03}" for number in range(15)} == names(None)


@pytest.mark.parametrize("few", [0, 3000])
def test_ranked_and_unranked_images_both_wait_in_their_folder(
    tmp_path: Path, bundle: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.catalog.queue_pages._FEW", few)
    place = library(tmp_path, bundle, {"a": 4, "b": 5})
    folders = Folders(place)
    under = folders.path_of(number_of(folders, "b"))
    with open_catalog(place) as catalog:
        rows = ReviewSession(catalog).page(QueueFilter(folder=under), after=None, limit=99)
        ranks = [
            (0, rows[3].image_id, "review", "red", 0.5, 0, b""),
            (1, rows[1].image_id, "review", "red", 0.6, 0, b""),
        ]
    ranking.write(place, ranks, meta={"categories": ["red"], "temperature": 1.0, "verdicts": 0})
    with open_catalog(place) as catalog:
        session = ReviewSession(catalog)
        learned = session.page(QueueFilter(order=Order.RANKING, folder=under), after=None, limit=99)
        rest = session.page(QueueFilter(order=Order.RANKING, folder=under), after=learned[2].cursor, limit=99)

    unranked = [row.image_id for row in rows if row.image_id not in {rows[3].image_id, rows[1].image_id}]
    assert [rows[3].image_id, rows[1].image_id, *unranked] == [row.image_id for row in learned]
    assert unranked[1:] == [row.image_id for row in rest]


def test_images_that_a_sort_adds_to_a_folder_wait_there_too(tmp_path: Path, bundle: Path) -> None:
    place = library(tmp_path, bundle, {"a": 3, "b": 2})
    folders = Folders(place)
    wanted = QueueFilter(folder=folders.path_of(number_of(folders, "b")))
    with open_catalog(place) as catalog:
        session = ReviewSession(catalog)
        before = len(session.page(wanted, after=None, limit=99))
        (tmp_path / "crawl" / "b" / "new.png").write_bytes(blended(77))
        sort_again(tmp_path, bundle)
        session.refresh()

        assert (2, 3) == (before, len(session.page(wanted, after=None, limit=99)))


@pytest.mark.parametrize("folder", ["7", "-1", "x", "../crawl", "", "\uff11"])
def test_an_unknown_folder_number_is_refused(tmp_path: Path, bundle: Path, folder: str) -> None:
    with served(library(tmp_path, bundle, {"a": 1, "b": 1})) as client:
        client.get("/api/folders")

        assert 400 == client.get("/api/queue", params={"folder": folder}).status_code


def test_the_page_gets_the_folders_of_a_queue(tmp_path: Path, bundle: Path) -> None:
    with served(library(tmp_path, bundle, {"a": 2, "b": 1})) as client:
        answer: dict[str, Any] = client.get("/api/folders").json()
        unknown = client.get("/api/folders", params={"tray": "unknown"}).json()

    assert {"folders": [[0, "a", 1, 2], [1, "b", 1, 1]], "more": 0} == answer
    assert {"folders": [], "more": 0} == unknown


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="only Linux keeps names of any bytes")
def test_a_folder_name_of_any_bytes_is_shown_escaped(tmp_path: Path, bundle: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    folders = Folders(library(tmp_path, bundle, {"a": 1, odd: 2}))

    assert [("a", 1, 1), ("caf\\xe9", 1, 2)] == told(folders)
    with open_catalog(tmp_path / "sorted") as catalog:
        wanted = QueueFilter(folder=folders.path_of(number_of(folders, "caf\\xe9")))
        assert 2 == len(ReviewSession(catalog).page(wanted, after=None, limit=9))


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_a_folder_is_chosen_cleared_and_left_in_the_browser(tmp_path: Path, bundle: Path) -> None:
    place, traffic = library(tmp_path, bundle), Traffic()
    lines = "[...document.querySelectorAll('#choose-folder option')].map((one) => one.textContent)"
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, server(place) as served_at:
        page.goto(served_at.address)
        page.wait_for_selector("#choose-folder")
        top = page.evaluate(lines)
        page.select_option("#choose-folder", label="pixiv (8)")
        page.wait_for_function(f"() => {lines}.length === 5")
        below = page.evaluate(lines)
        page.select_option("#choose-folder", label="\u2003mika (3)")
        for _ in range(3):
            page.wait_for_selector(".stage img")
            before = page.evaluate("document.querySelector('.single').dataset.imageId")
            wait_for_image(page)
            page.keyboard.press("1")
            page.wait_for_function(GONE, arg=[before])
        page.wait_for_selector(".message:has-text('Nothing of this folder waits here.')")
        says = page.inner_text(".message")
        page.click(".message button:has-text('All folders')")
        page.wait_for_selector(".stage img")
        quiet(page, traffic)

    assert ["All folders", "danbooru (5)", "pixiv (8)"] == top
    assert ["All folders", "danbooru (5)", "pixiv (8)", "\u2003aoi (5)", "\u2003mika (3)"] == below
    assert "Nothing of this folder waits here." in says
    assert [] == traffic.console
