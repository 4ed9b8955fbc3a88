"""The home page in a browser, over jobs that stand where a test puts them."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.jobs.folder import JobFolder
from kit.audits import Kind, filed_library
from kit.browser import CHROMIUM, Traffic, browser, serving, wait_for_image
from kit.home import draw, project
from kit.jobs import running_job
from kit.reviewing import blended

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]


def test_a_job_is_shown_stopped_and_shown_again_in_both_languages(tmp_path: Path) -> None:
    folder, traffic = JobFolder(project(tmp_path)), Traffic()
    draw(tmp_path / "labels" / "blue", 6)
    with browser(traffic, viewport={"width": 390, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with running_job(tmp_path) as job:
            with serving("open", str(tmp_path), "--no-learning") as served:
                page.goto(served.address)
                page.wait_for_selector(".numbers:has-text('30 of 40')")
                assert "75% · " in page.title()
                page.wait_for_selector(".running:has-text('looking at the crawl')")
                page.click("#stop-sort")
                page.wait_for_selector(".state:has-text('stopping')")
                assert 1 == folder.stops(job.number)
                page.click("#language")
                page.wait_for_selector(".numbers:has-text('整理')")
                assert 390 == page.evaluate("document.documentElement.scrollWidth")
                page.goto("about:blank")
            folder.log(job.number).write_text("illsort: the disk is full\n", encoding="utf-8")
            folder.end(job, 2)
        with serving("open", str(tmp_path), "--no-learning") as served:
            page.goto(served.address)
            page.wait_for_selector(".bad:has-text('the disk is full')")
            page.click("#log-sort")
            page.wait_for_selector(".log:has-text('illsort: the disk is full')")
            page.goto("about:blank")
    assert [] == traffic.console
    assert {served.address.split("/")[2]} <= traffic.hosts
    assert "Traceback" not in served.stderr


def test_the_first_questions_make_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "crawl", 4)
    draw(tmp_path / "mine" / "red", 6)
    traffic = Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, serving("open") as served:
        page.set_default_timeout(20_000)
        page.goto(served.address)
        page.click("#have-sorted")
        page.click("#create")
        page.wait_for_selector("#notification:has-text('Choose this folder first')")
        page.click("#pick-crawl")
        page.click(".picker .list button:has-text('crawl')")
        page.wait_for_selector(".picker :text('4 pictures directly in it')")
        page.click("#picker-choose")
        page.fill("#path-labels", str(tmp_path / "mine"))
        page.click("#create")
        page.wait_for_selector(".step:has-text('4 pictures')")
        assert page.locator("#start-sort").is_disabled()
        page.goto("about:blank")
    text = (tmp_path / "illsort" / "illsort.toml").read_text(encoding="utf-8")
    assert all(str(tmp_path / name) in text for name in ("crawl", "mine", "illsort/model", "illsort/sorted"))
    assert [] == traffic.console


def test_a_download_is_shown_in_megabytes(tmp_path: Path) -> None:
    project(tmp_path)
    draw(tmp_path / "labels" / "blue", 6)
    download = {"name": "downloading model.safetensors", "done": 120_000_000, "total": 378_000_000, "unit": "B"}
    with browser(Traffic(), viewport={"width": 390, "height": 800}) as page, running_job(tmp_path, "train", **download):
        page.set_default_timeout(20_000)
        with serving("open", str(tmp_path), "--no-learning") as served:
            page.goto(served.address)
            page.wait_for_selector(".numbers:has-text('120 MB of 378 MB')")
            assert 390 == page.evaluate("document.documentElement.scrollWidth")


def judge(page: Page, keys: dict[int, str]) -> None:
    """Press a key for each of these pictures, by number."""
    for number, key in keys.items():
        page.get_by_text(f"{number} of 4", exact=True).wait_for()
        wait_for_image(page)
        page.keyboard.press(key)


def test_the_spot_check_by_the_page_outlives_its_server(tmp_path: Path) -> None:
    kind = Kind(category="chibi", confidences=[0.9, 0.95, 0.99, 0.97])
    filed_library(tmp_path, kind, content=lambda _, number: blended(number))
    traffic = Traffic()
    with browser(traffic, viewport={"width": 390, "height": 800}) as page:
        page.set_default_timeout(20_000)
        words = ("open", str(project(tmp_path)), "--no-learning")
        with serving(*words, stop=signal.SIGKILL) as served:
            page.goto(served.address)
            page.click("#open-audit:enabled")
            page.get_by_text("Begin an audit").click()
            judge(page, {1: "Enter", 2: " "})
            page.get_by_text("3 of 4", exact=True).wait_for()
            page.goto("about:blank")
        with serving(*words) as served:
            page.goto(served.address)
            page.click("#open-audit:enabled")
            judge(page, {3: "Enter", 4: "Enter"})
            page.get_by_text("Put the 1 judged wrong into _review").click()
            page.get_by_text("1 picture went to _review").wait_for()
            page.click(".home-link")
            page.wait_for_selector(".step:has-text('4 of 4 judged'):has(#open-audit)")
            page.wait_for_selector(".step:has-text('something was filed or moved since')")
            page.wait_for_selector(".step:has-text('3 filed, 1 wait for you')")
            page.goto("about:blank")
    assert [] == traffic.console
