"""In a real browser: a picture at its own size, tiles of any size, ranges of tiles, and errors that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.records import Action
from kit.browser import CHROMIUM, Traffic, browser, quiet, wait_for_image
from kit.pictures import encoded, varied
from kit.reviewing import waiting_library
from kit.serving import server

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")

WIDTH, HEIGHT = 1900, 1400
WIDE = {"viewport": {"width": 1280, "height": 720}, "locale": "en-US"}
COUNT = 8


def large(number: int) -> bytes:
    return encoded(varied((200, 40 + number, 90), seed=number, size=(WIDTH, HEIGHT)), "PNG")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    waiting = [(Action.REVIEW, "cat", 0.5 + n / 1000) for n in range(COUNT)]
    return waiting_library(tmp_path_factory.mktemp("close"), waiting, content=large)[0]


def scrolled(page: Page) -> list[float]:
    return page.evaluate("() => { const s = document.querySelector('.stage'); return [s.scrollLeft, s.scrollTop]; }")  # type: ignore[no-any-return]


def test_z_shows_each_pixel_and_dragging_moves_the_picture(library: Path) -> None:
    traffic = Traffic()
    with server(library) as served, browser(traffic, **WIDE) as page:
        page.goto(served.address)
        wait_for_image(page)
        page.keyboard.press("z")
        page.wait_for_selector(".actual.loaded")
        shown = page.evaluate("() => { const i = document.querySelector('.actual'); return [i.width, i.height]; }")
        assert [WIDTH, HEIGHT] == shown
        assert not page.locator(".side").is_visible()
        left, top = scrolled(page)
        assert abs(left - (WIDTH - 1280) / 2) < 40  # the middle
        page.mouse.move(640, 400)
        page.mouse.down()
        page.mouse.move(540, 350, steps=4)
        page.mouse.up()
        assert [left + 100, top + 50] == scrolled(page)
        page.keyboard.press("ArrowLeft")
        assert left > scrolled(page)[0]
        page.keyboard.press("Escape")
        assert page.locator(".side").is_visible()
        page.mouse.click(30, 400)  # near the left edge of the stage
        page.wait_for_selector(".actual.loaded")
        assert scrolled(page)[0] < 100
        quiet(page, traffic)
    assert [] == traffic.console


def test_tiles_keep_their_size_and_shift_marks_all_between(library: Path) -> None:
    traffic = Traffic()
    width = "() => document.querySelector('.cell').getBoundingClientRect().width"
    with server(library) as served, browser(traffic, **WIDE) as page:
        page.goto(served.address)
        wait_for_image(page)
        page.keyboard.press("g")
        page.wait_for_selector(".cell img")
        before = page.evaluate(width)
        page.keyboard.press("+")
        page.get_by_role("button", name="larger tiles").click()
        larger = page.evaluate(width)
        assert larger > 1.4 * before
        page.locator(".cell").nth(1).click()
        page.locator(".cell").nth(5).click(modifiers=["Shift"])
        marked = page.evaluate("() => [...document.querySelectorAll('.cell')].map((c) => c.matches('.marked'))")
        assert [False, *[True] * 5, False, False] == marked
        page.reload()
        wait_for_image(page)
        page.keyboard.press("g")
        page.wait_for_selector(".cell img")
        assert larger == page.evaluate(width)
        quiet(page, traffic)
    assert [] == traffic.console


def test_the_categories_say_what_is_counted_and_errors_stand_above(library: Path) -> None:
    traffic = Traffic()
    over = """() => {
      const box = document.querySelector("#notification").getBoundingClientRect();
      return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)?.id;
    }"""
    with server(library) as served, browser(traffic, **WIDE) as page:
        page.goto(served.address)
        wait_for_image(page)
        page.keyboard.press("c")
        page.get_by_text("Click a category to rename it").wait_for()
        page.keyboard.press("n")
        page.locator("dialog input").fill("con")  # a name that Windows cannot have
        page.keyboard.press("Enter")
        page.locator("#notification.bad").wait_for()
        assert "notification" == page.evaluate(over)
        quiet(page, traffic)


def test_the_path_of_a_picture_can_be_copied(library: Path) -> None:
    with (
        server(library) as served,
        browser(Traffic(), **WIDE, permissions=["clipboard-read", "clipboard-write"]) as page,
    ):
        page.goto(served.address)
        wait_for_image(page)
        page.get_by_text("Copy path").click()
        page.get_by_text("Copied: ").wait_for()
        assert str(library / "_review" / "cat" / "000.png") == page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("size", [(1280, 720), (1300, 720), (390, 800)])
def test_the_toolbar_fits_and_choices_can_be_read(library: Path, size: tuple[int, int]) -> None:
    options = WIDE | {"viewport": {"width": size[0], "height": size[1]}}
    many = "() => document.querySelectorAll('#toolbar .number').forEach((one) => { one.textContent = '123,456'; })"
    with server(library) as served, browser(Traffic(), **options) as page:
        page.goto(served.address)
        wait_for_image(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if size[0] > 760:  # "Least confident first" in full
            page.wait_for_function("() => document.querySelector('#choose-order').getBoundingClientRect().width > 140")
        else:
            assert 0 == page.evaluate("[...document.querySelectorAll('kbd')].filter((one) => one.offsetWidth).length")
        page.evaluate(many)
        ends = page.eval_on_selector_all(
            "#toolbar button", "(all) => all.map((one) => one.getBoundingClientRect().right)"
        )
        assert max(ends) <= size[0]
        if size[0] > 760:
            assert 60 > page.evaluate("document.querySelector('#toolbar').getBoundingClientRect().height")
