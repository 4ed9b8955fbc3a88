"""From a folder of pictures without a single label to a sorted library, by keys alone: label, train, sort, review."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from classifier.filing.undo import undo
from classifier.settings import LabelSettings, ModelSettings, RuntimeSettings, Settings, SortSettings, TrainSettings
from classifier.sort.pipeline import sort
from classifier.training.pipeline import train_model
from kit.browser import CHROMIUM, Traffic, all_in_sight, browser, serving, type_keys
from kit.labeling import KINDS, SHOWN, drawn_crawl, name_all, shows_others
from kit.tree import all_files

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

SIZE = 96


def test_from_nothing_to_a_sorted_library_by_keys_alone(tmp_path: Path) -> None:
    crawl, labels, library, traffic = drawn_crawl(tmp_path), tmp_path / "labels", tmp_path / "sorted", Traffic()
    before = all_files(crawl)
    sample = ["label", str(crawl), "--labels", str(labels), "--set", f"model.image_size={SIZE}"]
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with serving(*sample, "--set", "runtime.workers=0") as served:
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
            labels=LabelSettings(folder=labels),
            model=ModelSettings(folder=tmp_path / "model", image_size=SIZE),
            train=TrainSettings(recipe="head", folds=1),
            runtime=RuntimeSettings(workers=0),
            sort=SortSettings(neighbors=False),  # with them these drawings are so sure that none would wait
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
