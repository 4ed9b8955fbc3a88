"""Doubtful labels in a real browser, by keys: a planted one is put right, taken back, put right again, and learned."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from classifier.labels.from_annotations import read_feedback
from classifier.labels.load import read_labels
from classifier.model.bundle_files import EVALUATION
from classifier.records import Example
from kit.browser import CHROMIUM, Traffic, browser, quiet, wait_for_image
from kit.doubts import Doubted, doubted
from kit.reviewing import unsure_library
from kit.serving import server

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Route

    from classifier.records import ImageId

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]


def asked(page: Page, picture: ImageId) -> None:
    """Wait until this picture is asked about, and seen."""
    page.locator(f".label-issues[data-image-id='{picture}']").wait_for()
    page.wait_for_function("() => document.querySelector('.label-issues .stage img')?.naturalWidth > 0")


def key_of(page: Page, category: str) -> str:
    """The key that the page shows for a category."""
    return page.locator(".label-issues .buttons button", has_text=category).locator("kbd").inner_text()


def learned(made: Doubted) -> dict[ImageId, str]:
    """The category that training reads of each doubted picture; nothing where it is of none."""
    labels = {label.path: label for label in read_labels(folder=made.labels, csv_file=None)}
    feedback = read_feedback(made.library)
    found = {
        picture: feedback.apply(Example(label=labels[path], image_id=picture))
        for path, picture in zip(made.wrong, made.image_ids, strict=True)
    }
    return {picture: example.label.category for picture, example in found.items() if example and example.label.category}


def test_a_wrong_label_is_corrected_by_one_key_and_the_step_is_undone(tmp_path: Path) -> None:
    made = doubted(tmp_path)
    first, second, third = made.image_ids
    labeled, likely = made.wrong[0].parent.name, made.colors[0]
    traffic = Traffic()
    with server(made.library) as served, browser(traffic) as page:
        page.goto(served.address)
        page.get_by_role("button", name="Doubtful labels").click()
        asked(page, first)
        page.get_by_text(f"Labeled {labeled}; the model takes it for {likely}").wait_for()
        page.get_by_text(f"98.0% likely to be {likely}, by a model that did not learn this label").wait_for()
        wait_for_image(page)
        page.keyboard.press(key_of(page, likely))
        asked(page, second)
        quiet(page, traffic)
        assert likely == learned(made)[first]
        page.keyboard.press("Backspace")
        asked(page, first)
        assert labeled == learned(made)[first]
        wait_for_image(page)
        page.keyboard.press(key_of(page, likely))
        asked(page, second)
        wait_for_image(page)
        page.keyboard.press("Enter")
        asked(page, third)
        wait_for_image(page)
        page.keyboard.press("u")
        page.get_by_text("No doubtful label is left.").wait_for()
        page.get_by_text("--library ").wait_for()
        quiet(page, traffic)
        page.reload()
        page.get_by_role("button", name="Doubtful labels").click()
        page.get_by_text("No doubtful label is left.").wait_for()
        quiet(page, traffic)

    assert {first: likely, second: made.wrong[1].parent.name} == learned(made)
    assert ([], {f"127.0.0.1:{served.port}"}) == (traffic.console, traffic.hosts)
    assert all(path.is_file() for path in made.wrong)


def test_skipped_issues_are_passed_over_by_fast_keys_and_come_again(tmp_path: Path) -> None:
    made = doubted(tmp_path)
    traffic = Traffic()
    with (
        server(made.library) as served,
        browser(traffic, viewport={"width": 390, "height": 800}, locale="zh-CN") as page,
    ):
        page.goto(served.address)
        page.get_by_role("button", name="可疑标注 3").click()
        asked(page, made.image_ids[0])
        quiet(page, traffic)
        page.evaluate("""() => {
          for (const key of ["s", "s", "Enter"]) document.dispatchEvent(new KeyboardEvent("keydown", { key }));
        }""")
        page.get_by_text("跳过了 2 张").wait_for()
        assert 390 == page.evaluate("document.documentElement.scrollWidth")
        page.get_by_role("button", name="English").click()
        assert 390 == page.evaluate("document.documentElement.scrollWidth")
        page.get_by_role("button", name="中文").click()
        page.get_by_role("button", name="再看一遍").click()
        asked(page, made.image_ids[0])
        page.keyboard.press("Backspace")
        asked(page, made.image_ids[2])
        quiet(page, traffic)
    assert [] == traffic.console


def number(page: Page, count: int) -> None:
    """Wait until the tray says that so many are left."""
    page.get_by_role("button", name=f"Doubtful labels {count}").wait_for()


def test_an_answer_in_another_queue_changes_the_number_of_issues(tmp_path: Path) -> None:
    made = doubted(tmp_path, crawled=1, waiting=0)
    traffic = Traffic()
    with server(made.library) as served, browser(traffic) as page:
        page.goto(served.address)
        number(page, 3)
        page.locator(f".single[data-image-id='{made.image_ids[0]}']").wait_for()
        wait_for_image(page)
        page.keyboard.press("1")
        number(page, 2)
        page.keyboard.press("Backspace")
        number(page, 3)
        quiet(page, traffic)
    assert [] == traffic.console


def test_after_sorting_again_the_label_issues_need_no_reload(tmp_path: Path) -> None:
    made = doubted(tmp_path, waiting=0)
    traffic, outcome = Traffic(), {"number": 0}

    def learning(route: Route) -> None:
        """As if what learns had filed."""
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"learning": {"at": "ready", "outcome": outcome.copy()}})

    def doubt_less() -> None:
        found = json.loads((made.bundle / EVALUATION).read_text(encoding="utf-8"))
        found["doubts"]["labels"].pop(0)
        (made.bundle / EVALUATION).write_text(json.dumps(found), encoding="utf-8")
        filed = {"filed": 1, "strictness": {"guaranteed": None, "max_error": None}}
        outcome.update(number=outcome["number"] + 1, filed=filed)

    with server(made.library) as served, browser(traffic) as page:
        page.route("**/api/state*", learning)
        page.goto(served.address)
        number(page, 3)
        doubt_less()
        number(page, 2)
        page.get_by_role("button", name="Doubtful labels").click()
        asked(page, made.image_ids[1])
        doubt_less()
        asked(page, made.image_ids[2])
        page.unroute_all(behavior="wait")
        quiet(page, traffic)
    assert [] == traffic.console


def test_without_label_issues_the_page_has_no_such_queue(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 2)
    traffic = Traffic()
    with server(library) as served, browser(traffic) as page:
        page.goto(served.address)
        quiet(page, traffic)
        page.get_by_role("button", name="Audit").wait_for()
        assert 0 == page.get_by_role("button", name="Doubtful labels").count()
