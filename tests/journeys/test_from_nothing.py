"""From a folder of pictures without a single label to a sorted library, by keys alone: label, train, sort, review."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.demo.draw import draw
from classifier.filing.undo import undo
from classifier.settings import LabelSettings, ModelSettings, RuntimeSettings, Settings, TrainSettings
from classifier.sort.pipeline import sort
from classifier.training.pipeline import train_model
from kit.browser import CHROMIUM, Traffic, all_in_sight, browser, serving, type_keys
from kit.tree import all_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

SIZE = 96
EACH = 20
KINDS = {"comic_page": "pages", "portrait": "faces"}
"""What is drawn, and what the person calls it."""


def drawn_crawl(folder: Path) -> Path:
    crawl = folder / "crawl"
    crawl.mkdir()
    for kind in KINDS:
        for number in range(EACH):
            picture = draw(kind, number).convert("RGB")
            picture.save(crawl / f"{kind} {number}.png")
    return crawl


SHOWN = "[...document.querySelectorAll('.cell')].map((cell) => cell.dataset.imageId).join()"


def shows_others(page: Page, before: str) -> None:
    """Wait for another grid, or for the end."""
    page.wait_for_function(
        f"(before) => document.querySelector('.message, .cell img') && {SHOWN} !== before", arg=before
    )


def kind_of_most(page: Page) -> str:
    """What the person sees in the grid, by the names of its pictures."""
    titles: list[str] = page.evaluate("[...document.querySelectorAll('.cell')].map((cell) => cell.title)")
    kinds = [title.split()[0] for title in titles]
    return max(KINDS, key=kinds.count)


def mark_strangers(page: Page, kind: str) -> None:
    titles: list[str] = page.evaluate("[...document.querySelectorAll('.cell')].map((cell) => cell.title)")
    for number, title in enumerate(titles):
        if not title.startswith(kind):
            page.keyboard.press(" ")
        if number < len(titles) - 1:
            page.keyboard.press("ArrowRight")


def name_all(page: Page) -> None:
    """Name every grid as a person would: a name that is new is typed, one that is there has a key."""
    keys: dict[str, str] = {}
    for _ in range(40):
        page.wait_for_selector(".cell img, .message")
        if page.locator(".message").count():
            return
        before = page.evaluate(SHOWN)
        kind = kind_of_most(page)
        if kind in keys:
            type_keys(page, keys[kind])
        else:
            type_keys(page, "n", *KINDS[kind], "Enter")
            keys[kind] = str(len(keys) + 1)
        page.wait_for_selector(f".name-row .primary:has-text('{KINDS[kind]}')")
        mark_strangers(page, kind)
        all_in_sight(page)
        type_keys(page, "Enter")
        shows_others(page, before)
    raise AssertionError("the grids never end")


def test_from_nothing_to_a_sorted_library_by_keys_alone(tmp_path: Path) -> None:
    crawl, labels, library, traffic = drawn_crawl(tmp_path), tmp_path / "labels", tmp_path / "sorted", Traffic()
    before = all_files(crawl)
    sample = ["label", str(crawl), "--labels", str(labels), "--set", f"model.image_size={SIZE}"]
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with serving(*sample, "--set", "runtime.workers=0", "--set", "labels.near_duplicate_bits=0") as served:
            page.goto(served.address)
            name_all(page)
            type_keys(page, "f", "Enter")
            page.wait_for_selector(f"dialog code:has-text('--labels {labels}')")
            page.goto("about:blank")
        assert f"train with: illsort train --labels {labels}" in served.stderr
        filed = set(all_files(labels))
        assert {name.replace("/", " ").split()[0] for name in filed} == set(KINDS.values())
        assert all(name.startswith(f"{KINDS[Path(name).name.split()[0]]}/") for name in filed)

        settings = Settings(
            labels=LabelSettings(folder=labels, near_duplicate_bits=0),
            model=ModelSettings(folder=tmp_path / "model", image_size=SIZE),
            train=TrainSettings(recipe="head", folds=1),
            runtime=RuntimeSettings(workers=0),
        )
        bundle = train_model(settings).bundle
        assert ("faces", "pages") == bundle.manifest.categories
        sort(crawl, library=library, bundle=bundle.folder, settings=settings, threshold=0.999_999)
        sorted_before = set(all_files(library))

        with serving("review", str(library)) as served:
            page.goto(served.address)
            page.wait_for_selector(".stage img")
            type_keys(page, "g")
            while page.locator(".message").count() == 0:
                page.wait_for_selector(".cell img, .message")
                before_it = page.evaluate(SHOWN)
                all_in_sight(page)
                type_keys(page, "Enter")
                shows_others(page, before_it)
            type_keys(page, "f", "Enter")
            page.wait_for_selector("#notification.good")
            page.goto("about:blank")
    assert {"faces", "pages"} == {name.partition("/")[0] for name in all_files(library)} - {"_unknown"}
    undo(library)
    assert sorted_before == set(all_files(library))
    assert before == all_files(crawl)
    assert [] == traffic.console
