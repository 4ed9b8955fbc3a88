"""Pictures drawn by chance among the others, as a person meets them in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.by_chance import asked_by_chance
from classifier.catalog.connection import open_catalog
from classifier.images.hashing import hash_bytes
from classifier.labels.random_draw import read_draws
from classifier.records import Action
from kit.browser import CHROMIUM, Traffic, all_in_sight, all_saved, browser, serving, type_keys, wait_for_image
from kit.chance import MANY, library_of
from kit.labeling import KINDS, drawn_crawl, kind_of_most, mark_strangers
from kit.reviewing import blended

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

NOTE = "Drawn by chance: it measures the model."


def shown(page: Page) -> str:
    wait_for_image(page)
    return str(page.evaluate("document.querySelector('.single').dataset.imageId"))


def is_drawn(page: Page) -> bool:
    return page.locator(".drawn").count() > 0


def press(page: Page, key: str) -> str:
    """Press a key when its picture is shown; returns that one, once another is there."""
    before = shown(page)
    type_keys(page, key)
    page.wait_for_function("(id) => document.querySelector('.single')?.dataset.imageId !== id", arg=before)
    return before


def test_every_other_question_of_review_is_drawn_by_chance(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path, MANY, content=blended)
    traffic = Traffic()
    with browser(traffic) as page, serving("review", str(library), "--no-learning", by_chance=0.5) as served:
        page.goto(served.address)
        asked = []
        for _ in range(6):
            shown(page)
            mine = is_drawn(page)
            asked.append((mine, press(page, "u")))
        assert [False, True] * 3 == [mine for mine, _ in asked]
        all_saved(page)
        type_keys(page, "Backspace")
        page.wait_for_function("(id) => document.querySelector('.single')?.dataset.imageId === id", arg=asked[-1][1])
        assert is_drawn(page)
        press(page, "u")
        all_saved(page)
        page.goto("about:blank")
    drawn = [picture for mine, picture in asked if mine]
    named = [picture for mine, picture in asked if not mine]
    assert drawn == [one for one in ids if one not in named][: len(drawn)]
    with open_catalog(library) as catalog:
        assert set(drawn) == asked_by_chance(catalog)
    assert [] == traffic.console
    assert "about 50% of what the page asks is drawn by chance" in served.stderr


def test_a_grid_that_answers_all_that_was_fetched_ahead_ends_no_drawing(tmp_path: Path) -> None:
    order = sorted(range(24), key=lambda number: hash_bytes(blended(number)))
    waiting = [(Action.FILE, "cat", 0.9)] * 24
    for number in order[:12]:
        waiting[number] = (Action.REVIEW, "dog", 0.4)
    for number in order[12:18]:
        waiting[number] = (Action.REVIEW, "cat", 0.4)
    library, ids = library_of(tmp_path, waiting, content=blended)
    traffic = Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with serving("review", str(library), "--no-learning", by_chance=0.1) as served:
            page.goto(served.address)
            shown(page)
            type_keys(page, "g")
            for count in (12, 6):
                page.wait_for_function(f"() => document.querySelectorAll('.cell').length === {count}")
                all_in_sight(page)
                type_keys(page, "Enter")
                all_saved(page)
            page.wait_for_selector(".drawn")
            assert ids[18] == shown(page)
            page.goto("about:blank")
    assert [] == traffic.console


def test_a_refused_answer_brings_no_drawing_nearer(tmp_path: Path) -> None:
    library, _ = library_of(tmp_path, MANY, content=blended)
    with browser(Traffic()) as page, serving("review", str(library), "--no-learning", by_chance=0.25) as served:
        page.goto(served.address)
        shown(page)
        page.route("**/api/say", lambda route: route.fulfill(status=400, json={"error": "no"}))
        type_keys(page, "u")
        page.wait_for_selector("text=Not saved: no")
        page.unroute("**/api/say")
        asked = []
        for _ in range(4):
            shown(page)
            asked.append((is_drawn(page), press(page, "u")))
        all_saved(page)
        page.goto("about:blank")
    assert [False, False, False, True] == [mine for mine, _ in asked]
    with open_catalog(library) as catalog:
        assert {asked[-1][1]} == asked_by_chance(catalog)


def test_a_grid_is_followed_by_what_is_drawn_and_then_by_the_next_grid(tmp_path: Path) -> None:
    crawl, labels, traffic = drawn_crawl(tmp_path), tmp_path / "labels", Traffic()
    sample = ["label", str(crawl), "--labels", str(labels), "--set", "model.image_size=96"]
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with serving(*sample, "--set", "runtime.workers=0", by_chance=0.1) as served:
            page.goto(served.address)
            page.wait_for_selector(".cell img")
            kind = kind_of_most(page)
            type_keys(page, "n", *KINDS[kind], "Enter")
            page.wait_for_selector(f".name-row .primary:has-text('{KINDS[kind]}')")
            mark_strangers(page, kind)
            all_in_sight(page)
            type_keys(page, "Enter")
            page.wait_for_selector(f".details:has-text('{NOTE}')")
            first = press(page, "u")
            page.wait_for_selector(".drawn, .cell img")
            all_saved(page)
            if not is_drawn(page):
                type_keys(page, "Backspace")
                page.wait_for_selector(f".cell[data-image-id='{first}'], .single[data-image-id='{first}']")
            page.goto("about:blank")
    assert [] == traffic.console
    (draw,) = read_draws(labels)
    assert draw.asked
    assert draw.asked <= draw.sample(draw.named)
    assert "--max-error" in served.stderr
