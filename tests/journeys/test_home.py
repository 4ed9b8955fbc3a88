"""The whole job by the home page alone, while the browser is closed and the server killed in each step."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog
from classifier.jobs.folder import JobFolder
from classifier.jobs.records import Outcome
from classifier.jobs.runner import has_unfinished
from kit.browser import CHROMIUM, Traffic, all_in_sight, browser, serving, type_keys, wait_for_image
from kit.labeling import EACH, KINDS, SHOWN, drawn_crawl, name_all, shows_others
from kit.tree import all_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send SIGKILL to one process"),
    pytest.mark.slow,
]
LONG_MS = 180_000
COUNT = EACH * len(KINDS)
SETTINGS = """
[train]
recipe = "head"
folds = 1
[review]
by_chance = 0
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
    text = file.read_text(encoding="utf-8")
    waiting = "threshold = 0.999999\nunknown = false\nneighbors = false"  # all of it waits for a person
    text = text.replace("[sort]", f"[sort]\n{waiting}")
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


def start(page: Page, step: str) -> None:
    """Start a step, and wait until it runs."""
    page.click(f"#start-{step}:enabled")
    page.wait_for_selector(f"#stop-{step}")


def accept(page: Page, count: int) -> None:
    """Accept so many suggestions one by one, until the server has them."""
    for number in range(1, count + 1):
        wait_for_image(page)
        page.keyboard.press("Enter")
        page.wait_for_selector(f".file:has-text('{number}')")


def accept_all(page: Page) -> None:
    """Confirm grid after grid, and file what was decided."""
    type_keys(page, "g")
    while page.wait_for_selector(".cell img, .message") and page.locator(".message").count() == 0:
        before = page.evaluate(SHOWN)
        all_in_sight(page)
        type_keys(page, "Enter")
        shows_others(page, before)
    type_keys(page, "f", "Enter")
    page.wait_for_selector("#notification.good:has-text('were filed')")


def said(library: Path, origin: str) -> list[str]:
    """The pictures that a person spoke of there, in that order."""
    with read_catalog(library) as catalog:
        return [annotation.image_id for annotation in annotation_log.of_origin(catalog, origin)]


def label_all(page: Page, crawl: Path, project: Path) -> None:
    """From nothing to labels that are trained on."""
    with Opened(page, None):
        make_project(page, crawl, project)
        add_settings(project / "illsort.toml")
        start(page, "look")
    with Opened(page, project):
        page.wait_for_selector("#start-look:enabled", timeout=LONG_MS)
        start(page, "label")
    with Opened(page, project):
        shows(page, "wait for a name")
        page.click("#open-label")
        name_all(page, most=1)
        page.wait_for_selector(".file:enabled")
    with Opened(page, project):
        page.click("#open-label")
        name_all(page)
        type_keys(page, "f", "Enter")
        page.wait_for_selector("dialog code:text-is('illsort train')")
        page.click("dialog .go-train")
        page.wait_for_selector("#start-train:focus")
        page.keyboard.press("Enter")
        page.wait_for_selector("#stop-train")


def train_and_sort(page: Page, project: Path) -> None:
    """Once it is trained: preview, and sort."""
    with Opened(page, project):
        shows(page, "are predicted right")
        start(page, "preview")
    with Opened(page, project):
        shows(page, "would be filed")
        start(page, "sort")


def review_and_check(page: Page, project: Path) -> None:
    """Once it is sorted: decide all, and judge a sample."""
    with Opened(page, project):
        shows(page, f"{COUNT} wait for you")
        page.wait_for_selector("#start-sort:enabled", timeout=LONG_MS)
        page.click("#open-review")
        accept(page, 3)
    with Opened(page, project):
        page.click("#open-review")
        page.wait_for_selector(".file:has-text('3')")
        accept_all(page)
    with Opened(page, project):
        shows(page, f"{COUNT} filed")
        page.click("#open-audit")
        page.locator("input").fill("4")
        page.get_by_text("Begin an audit").click()
        page.get_by_text("1 of 4", exact=True).wait_for()
    with Opened(page, project):
        page.click("#open-audit")
        page.get_by_text("1 of 4", exact=True).wait_for()
        wait_for_image(page)
        page.keyboard.press("Enter")
        page.get_by_text("At most wrong").wait_for()  # the other three were confirmed in the review
        page.click(".home-link")
        shows(page, "4 of 4 judged")


def test_the_whole_job_though_browser_and_server_end_in_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):  # no project was opened before
        monkeypatch.setenv(name, str(tmp_path / "state"))
    crawl, project, traffic = drawn_crawl(tmp_path), tmp_path / "project", Traffic()
    before = all_files(crawl)
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(20_000)
        label_all(page, crawl, project)
        train_and_sort(page, project)
        review_and_check(page, project)

    assert not has_unfinished(JobFolder(project))
    jobs = JobFolder(project).jobs()
    assert ["look", "label", "train", "preview", "sort"] == [job.step for job in jobs]
    assert {Outcome.DONE} == {job.outcome for job in jobs[1:]}
    assert jobs[0].is_good  # it may find something missing on this machine
    assert {1} == {job.attempts for job in jobs}
    for library, origin, count in (("labels", "review", COUNT), ("sorted", "review", COUNT), ("sorted", "audit", 4)):
        images = said(project / library, origin)
        assert count == len(images) == len(set(images))
    assert set(KINDS.values()) == {name.partition("/")[0] for name in all_files(project / "labels")}
    filed = [name.partition("/")[0] for name in all_files(project / "sorted") if not name.startswith("_preview")]
    assert set(KINDS.values()) == set(filed)
    assert COUNT == len(filed)
    assert before == all_files(crawl)
    assert [] == traffic.console
