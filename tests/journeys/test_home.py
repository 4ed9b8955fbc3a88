"""The whole job by the home page alone, while its server is killed and opened again."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.jobs.folder import JobFolder
from classifier.jobs.records import Outcome
from classifier.jobs.runner import has_unfinished
from kit.browser import CHROMIUM, Traffic, all_in_sight, browser, serving, type_keys
from kit.labeling import KINDS, SHOWN, drawn_crawl, name_all, shows_others
from kit.tree import all_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send SIGKILL to one process"),
    pytest.mark.slow,
]
LONG_MS = 180_000
SETTINGS = """
[train]
recipe = "head"
folds = 1
[runtime]
workers = 0
"""


class Opened:
    """`illsort open`, killed with the block or by `kill`, and the page in a browser."""

    def __init__(self, page: Page, project: Path | None) -> None:
        self._page = page
        self._words = ["open", *([] if project is None else [str(project)]), "--no-learning"]
        self._stack = ExitStack()

    def __enter__(self) -> Page:
        """Open the page."""
        served = self._stack.enter_context(serving(*self._words, stop=signal.SIGKILL))
        self._page.goto(served.address)
        return self._page

    def __exit__(self, *_: object) -> None:
        """Leave the page, and kill the server."""
        self._page.goto("about:blank")
        self._stack.close()


def add_settings(file: Path) -> None:
    """What makes the job short."""
    text = file.read_text(encoding="utf-8").replace("[labels]", "[labels]\nnear_duplicate_bits = 0")
    file.write_text(text.replace("[model]", "[model]\nimage_size = 96") + SETTINGS, encoding="utf-8")


def shows(page: Page, text: str) -> None:
    """Wait until a step says it."""
    page.wait_for_selector(f".step:has-text('{text}')", timeout=LONG_MS)


def make_project(page: Page, crawl: Path, project: Path) -> None:
    """Answer the first questions, the crawl by the picker."""
    page.click("#have-nothing")
    page.click("#pick-crawl")
    page.fill("#picker-path", str(crawl.parent))
    page.keyboard.press("Enter")
    page.click(f".picker .list button:has-text('{crawl.name}')")
    page.wait_for_selector(".picker :text('40 pictures directly in it')")
    page.click("#picker-choose")
    page.fill("#path-project", str(project))
    assert str(project / "labels") == page.input_value("#path-labels")
    page.click("#create")
    shows(page, "40 pictures")


def test_the_whole_job_by_the_page_though_its_server_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):  # no project was opened before
        monkeypatch.setenv(name, str(tmp_path / "state"))
    crawl, project, traffic = drawn_crawl(tmp_path), tmp_path / "project", Traffic()
    before = all_files(crawl)
    jobs = JobFolder(project)
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with Opened(page, None):
            make_project(page, crawl, project)
            add_settings(project / "illsort.toml")
            page.click("#start-label")
            page.wait_for_selector("progress")
        with Opened(page, project):  # it has gone on
            page.wait_for_selector("#start-label", timeout=LONG_MS)
            page.click("#open-label:enabled")
            name_all(page)
            type_keys(page, "f", "Enter")
            page.wait_for_selector("dialog code:text-is('illsort train')")
            page.click("dialog .go-train")
            page.wait_for_selector("#start-train:focus")
            page.keyboard.press("Enter")
            page.wait_for_selector("#stop-train")
            page.click("#start-preview:enabled")
            page.wait_for_selector("#stop-preview")
        with Opened(page, project):
            shows(page, "held-out labeled pictures are predicted right")
            shows(page, "would be filed")
            page.click("#start-sort:enabled")
            page.wait_for_selector("#stop-sort")
            page.wait_for_selector("#start-sort:enabled", timeout=LONG_MS)
            page.click("#open-review")
            page.wait_for_selector(".stage img, .message")
            type_keys(page, "g")
            while page.wait_for_selector(".cell img, .message") and page.locator(".message").count() == 0:
                before_it = page.evaluate(SHOWN)
                all_in_sight(page)
                type_keys(page, "Enter")
                shows_others(page, before_it)
            page.click(".home-link")
            shows(page, "Spot check")

    assert not has_unfinished(jobs)
    assert ["label", "train", "preview", "sort"] == [job.step for job in jobs.jobs()]
    assert {Outcome.DONE} == {job.outcome for job in jobs.jobs()}
    assert {1} == {job.attempts for job in jobs.jobs()}
    assert set(KINDS.values()) == {name.partition("/")[0] for name in all_files(project / "labels")}
    assert set(KINDS.values()) <= {name.partition("/")[0] for name in all_files(project / "sorted")}
    assert before == all_files(crawl)
    assert [] == traffic.console
