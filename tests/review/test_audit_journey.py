"""The audit in a real browser, by keys: drawn, judged, taken back, and what follows told."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from classifier.catalogue import audits
from classifier.catalogue.store import read_catalogue
from kit.audits import Kind, filed_library
from kit.serving import server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]


def test_an_audit_is_drawn_judged_and_taken_back_by_keys(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9, 0.95, 0.99, 0.97]))
    said: list[str] = []
    with server(library) as served, playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if served.address[:20] not in request.url else None)
        page.goto(served.address)
        page.get_by_text("Audit", exact=True).click()
        page.locator("input").fill("4")
        page.get_by_text("Draw a new sample").click()
        page.get_by_text("chibi: right?").wait_for()
        for number, (letter, wrong) in enumerate([("Enter", 0), (" ", 1), ("Backspace", 0), (" ", 1), ("Enter", 1)]):
            page.keyboard.press(letter)
            asked = [1, 2, 1, 2, 3][number]
            page.get_by_text(f"95% confidence; {wrong} of {asked}").wait_for()
        assert page.locator(".side").is_visible()
        page.keyboard.press("Enter")
        page.get_by_text("Put the 1 judged wrong into _review").click()
        page.get_by_text("1 pictures went to _review").wait_for()
        chromium.close()

    assert [] == said
    with read_catalogue(library) as catalogue:
        audit = audits.last(catalogue)
    assert audit is not None
    assert (4, 2) == (len(audit.drawn), audit.run)
