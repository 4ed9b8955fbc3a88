"""The audit in a real browser, by keys: drawn, judged, taken back, and what follows told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from classifier.catalog import audits
from classifier.catalog.connection import read_catalog
from kit.audits import Kind, filed_library
from kit.browser import CHROMIUM, Traffic, browser, serving, wait_for_image
from kit.reviewing import blended
from kit.serving import server

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]


def picture(_: str, number: int) -> bytes:
    return blended(number)


def test_an_audit_is_drawn_judged_and_undone_by_keys(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9, 0.95, 0.99, 0.97]), content=picture)
    traffic = Traffic()
    with server(library) as served, browser(traffic) as page:
        page.goto(served.address)
        page.get_by_text("Audit", exact=True).click()
        page.locator("input").fill("4")
        page.get_by_text("Begin an audit").click()
        page.get_by_text("chibi: right?").wait_for()
        for number, (letter, wrong) in enumerate([("Enter", 0), (" ", 1), ("Backspace", 0), (" ", 1), ("Enter", 1)]):
            wait_for_image(page)
            page.keyboard.press(letter)
            asked = [1, 2, 1, 2, 3][number]
            page.get_by_text(f"{wrong} of {asked} wrong so far").wait_for()
        assert page.locator(".side").is_visible()
        wait_for_image(page)
        page.keyboard.press("Enter")
        page.get_by_text("At most wrong").wait_for()
        assert ["chibi", "4", "4", "1"] == page.locator(".bounds td").all_inner_texts()[:4]
        page.get_by_text("Put the 1 judged wrong into _review").click()
        page.get_by_text("1 picture went to _review").wait_for()

    assert ([], {f"127.0.0.1:{served.port}"}) == (traffic.console, traffic.hosts)
    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
    assert audit is not None
    assert (4, 2) == (len(audit.drawn), audit.run)


def test_an_audit_goes_on_by_keys_until_the_rate_is_shown(tmp_path: Path) -> None:
    library = filed_library(
        tmp_path, Kind(category="chibi", confidences=[0.9] * 12), content=picture, sort={"max_error": 0.4}
    )
    traffic = Traffic()
    with server(library) as served, browser(traffic) as page:
        page.goto(served.address)
        page.get_by_text("Audit", exact=True).click()
        page.get_by_text("Audit until at most 40.0% is shown").click()
        for asked in range(1, 6):
            page.get_by_text("chibi: right?").wait_for()
            wait_for_image(page)
            page.keyboard.press("Enter")
            page.get_by_text(f"0 of {asked} wrong so far").wait_for()
        page.get_by_text("more at this rate until at most 40.0% is shown").wait_for()
        with read_catalog(library) as catalog:
            audit = audits.last(catalog)
        assert audit is not None
        while not page.get_by_text("Shown: at most 40.0%").is_visible():
            page.keyboard.press("Enter")
            page.wait_for_timeout(50)
        page.get_by_text("40.0% is kept.").wait_for()

    assert ([], (0.4, 12)) == (traffic.console, (audit.until, len(audit.drawn)))


def test_illsort_audit_opens_the_page_at_its_first_question(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9, 0.95, 0.99, 0.97]), content=picture)
    words = ["audit", str(library), "--count", "2", "--max-error", "0.3", "--no-learning"]
    with serving(*words) as served, browser(Traffic()) as page:
        page.goto(served.address)
        for _ in range(2):
            page.get_by_text("chibi: right?").wait_for()
            wait_for_image(page)
            page.keyboard.press("Enter")
        page.get_by_text("That 30.0% is kept is not shown").wait_for()
        page.reload()
        page.get_by_text("Of 4 filed pictures:").wait_for()

    assert "of 4 filed pictures at most 50.0% wrong, 95% confidence; 0 of 2\n" in served.stdout
    assert f"illsort audit {library} --new --count 4" in served.stderr
