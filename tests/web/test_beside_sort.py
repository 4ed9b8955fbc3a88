"""A person decides in a real browser while `illsort sort` is at work in the same library: neither loses anything."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog
from kit.browser import CHROMIUM, Traffic, browser, quiet, until, wait_for_image
from kit.reviewing import SURE, blended, unsure_library
from kit.serving import server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")

KNOWN, NEW = 60, 300
SHOWN = "([before]) => document.querySelector('.single')?.dataset.imageId !== before"
WAIT = """([expected]) => import("/static/http.js").then((http) => http.get("/api/state")).then(
    ({ waiting }) => Object.values(waiting.review).reduce((sum, count) => sum + count, 0) === expected)"""


def begun(folder: Path, bundle: Path) -> subprocess.Popen[str]:
    """A sort of the crawl into the same library, as a process of its own."""
    words = ["sort", folder / "crawl", "--out", folder / "sorted", "--model", bundle, "--threshold", SURE, "--json"]
    settings = ["--workers", "0", "--batch-size", "4", "--set", "sort.unknown=false"]
    command = [sys.executable, "-m", "classifier", *map(str, words), *settings]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_answers_during_a_sort_are_kept_and_its_new_images_wait(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, KNOWN)
    for number in range(KNOWN, KNOWN + NEW):
        (tmp_path / "crawl" / f"{number:03}.png").write_bytes(blended(number))
    traffic, said = Traffic(), list[str]()
    with browser(traffic) as page, server(library) as served:
        page.goto(served.address)
        page.wait_for_selector(".stage img")
        with begun(tmp_path, bundle) as sort:
            while sort.poll() is None and len(said) < KNOWN - 10:
                said.append(page.evaluate("document.querySelector('.single').dataset.imageId"))
                wait_for_image(page)
                page.keyboard.press("1")
                page.wait_for_function(SHOWN, arg=[said[-1]])
                page.wait_for_timeout(100)
            told = json.loads(sort.communicate()[0])
        until(page, WAIT, [KNOWN + NEW - len(said)])
        page.reload()
        page.wait_for_selector(".stage img")
        quiet(page, traffic)

    assert 10 < len(said) == len(set(said))
    assert KNOWN + NEW == told["pictures"] == told["review"] + told["filed"]
    with read_catalog(library) as catalog:
        latest = annotation_log.latest(catalog)
    assert set(said) == set(latest)
    assert [] == traffic.console
