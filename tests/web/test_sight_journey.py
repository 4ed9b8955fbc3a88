"""In a real browser: Enter confirms what stood in sight and nothing else; nothing is called done while more waits."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import annotation_log, ranking
from classifier.catalog.connection import read_catalog
from classifier.catalog.ranking import Rank
from classifier.records import Action, AnnotationKind, ImageId
from kit.browser import (
    CHROMIUM,
    Traffic,
    all_in_sight,
    all_saved,
    browser,
    held_back,
    quiet,
    type_keys,
    until,
    wait_for_image,
)
from kit.reviewing import blended, waiting_library
from kit.serving import server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

COUNT = 46
LOOKS, EACH = 10, 4
VISIBLE = """(share) => {
  const head = document.querySelector(".grid-head").getBoundingClientRect();
  return [...document.querySelectorAll(".cell")].filter((cell) => {
    const { top, bottom, height } = cell.getBoundingClientRect();
    return Math.min(bottom, innerHeight) - Math.max(top, head.bottom) >= share * height;
  }).map((cell) => cell.dataset.imageId);
}"""
SHOWN = "() => [...document.querySelectorAll('.cell')].map((cell) => cell.dataset.imageId)"
OTHERS = f"(before) => ({SHOWN})().join() !== before.join()"
ONE_GRID = "async () => (await (await import('/static/api.js')).fetchGrids()).grids.length <= 1"
STEADY = """() => {
  const label = document.querySelector(".cell") && document.querySelector(".primary:not(.file)")?.textContent;
  const before = document.body.dataset.before;
  document.body.dataset.before = label;
  return label && label === before && /[1-9]/.test(label);
}"""
FILED = "(number) => document.querySelector('.file span').textContent === `File ${number}`"


def grid_library(folder: Path, count: int = COUNT) -> tuple[Path, list[ImageId]]:
    """So many real pictures that are all taken for a cat."""
    return waiting_library(folder, [(Action.REVIEW, "cat", 0.5 + n / 1000) for n in range(count)], content=blended)


def said(library: Path) -> set[ImageId]:
    with read_catalog(library) as catalog:
        return set(annotation_log.latest(catalog))


def still(page: Page) -> None:
    """Wait until the number that Enter would confirm does not grow any more."""
    page.evaluate("() => { delete document.body.dataset.before; }")
    page.wait_for_function(STEADY, polling=400)


def confirm(page: Page, library: Path, *, tap: bool = False) -> set[ImageId]:
    """Confirm the grid; what was confirmed by it, which is what is mostly in sight."""
    before = said(library)
    still(page)
    shown, whole, partly = page.evaluate(SHOWN), set(page.evaluate(VISIBLE, 0.98)), set(page.evaluate(VISIBLE, 0.6))
    if tap:
        page.locator(".grid .primary").tap()
    else:
        page.keyboard.press("Enter")
    page.wait_for_function(OTHERS, arg=shown)
    all_saved(page)
    now = said(library) - before
    assert whole <= now <= partly
    return now


@pytest.mark.parametrize(
    "options",
    [{"viewport": {"width": 1280, "height": 620}}, {"viewport": {"width": 390, "height": 700}, "has_touch": True}],
    ids=["desktop", "phone"],
)
def test_enter_confirms_what_was_in_view_and_the_rest_comes_next(tmp_path: Path, options: dict[str, object]) -> None:
    library, ids = grid_library(tmp_path)
    traffic, is_phone = Traffic(), "has_touch" in options
    with server(library) as served, browser(traffic, **options) as page:
        page.goto(served.address)
        page.wait_for_selector(".stage img")
        page.get_by_role("button", name="Grid").click()
        page.wait_for_selector(".cell img")
        first = confirm(page, library, tap=is_phone)
        assert 0 < len(first) < COUNT
        rest = [picture for picture in ids if picture not in first]
        page.wait_for_function("(first) => document.querySelector('.cell').dataset.imageId === first", arg=rest[0])
        assert rest == page.evaluate(SHOWN)

        if not is_phone:  # in a larger window more is in sight
            page.set_viewport_size({"width": 1920, "height": 1080})
            all_in_sight(page)
            page.keyboard.press("Enter")
        while page.locator(".cell").count():  # what was scrolled to is seen too
            page.evaluate("() => document.querySelector('.grid').scrollTo(0, 100000)")
            still(page)
            before = page.evaluate(SHOWN)
            page.keyboard.press("Enter")
            page.wait_for_function(OTHERS, arg=before)
        page.get_by_text("Nothing waits here.").wait_for()
        page.wait_for_function(FILED, arg=COUNT)
        quiet(page, traffic)
    assert set(ids) == said(library)
    assert [] == traffic.console


def refused(page: Page, picture: ImageId, why: str) -> None:
    """Press keys that say something of the large picture; each is told why it cannot."""
    page.wait_for_selector(f".single[data-image-id='{picture}']")
    for key in ("Enter", "1", "u"):
        page.evaluate("() => { document.querySelector('#notification').hidden = true; }")
        page.locator("#notification").wait_for(state="hidden")
        type_keys(page, key)
        page.locator("#notification", has_text=why).wait_for()


def test_an_image_that_does_not_load_is_not_confirmed(tmp_path: Path) -> None:
    library, ids = grid_library(tmp_path, 8)
    traffic, slow, lost = Traffic(), ids[0], ids[3]
    with server(library) as served, browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.route(f"**/picture/{lost}/*", lambda route: route.abort())
        page.route(f"**/picture/{slow}/*", lambda _: None)  # it never comes
        page.goto(served.address)
        refused(page, slow, "still loading")
        type_keys(page, "g")
        page.get_by_text("Confirm 6", exact=True).wait_for()
        type_keys(page, "Enter")
        page.get_by_text("1 picture cannot be shown").wait_for()
        page.wait_for_function("(slow) => document.querySelector('.cell').dataset.imageId === slow", arg=slow)
        assert [slow] == page.evaluate(SHOWN)
        page.wait_for_function(FILED, arg=6)
        assert page.locator(".grid .primary").is_disabled()
        type_keys(page, "Enter")
        page.get_by_text("No picture was in view long enough").wait_for()
        type_keys(page, " ", "Enter")  # what a person marks is theirs to know
        page.get_by_text("more wait here.").wait_for()
        type_keys(page, "g")
        page.wait_for_selector(f".single[data-image-id='{slow}']")
        type_keys(page, "s")
        refused(page, lost, "cannot be shown")
    assert set(ids) - {lost, slow} == {one for one in said(library) if one != slow}
    assert lost not in said(library)


def label_library(folder: Path) -> tuple[Path, list[ImageId]]:
    """Ten groups that look alike, of which nothing is known."""
    waiting = [(Action.REVIEW, "", 0.0)] * (LOOKS * EACH)
    library, ids = waiting_library(folder, waiting, content=blended, is_sample=True)
    ranking.write(library, ranks(ids, ""), meta={"categories": [], "temperature": 1.0, "verdicts": 0})
    return library, ids


def ranks(ids: Sequence[ImageId], category: str) -> list[Rank]:
    """The groups in their order, taken for a category with confidence where there is one."""
    sure = 0.9 if category else 0.0
    return [Rank(n, picture, "review", category, sure, n // EACH, None) for n, picture in enumerate(ids)]


def name_group(page: Page, *keys: str) -> None:
    """Call the group so and confirm it, once it was in sight; then wait for another."""
    all_in_sight(page)
    before = page.evaluate(SHOWN)
    type_keys(page, *keys)
    page.wait_for_selector(".name-row .primary:not([disabled])")
    type_keys(page, "Enter")
    page.wait_for_function(OTHERS, arg=before)


def test_grids_emptied_by_learning_are_passed(
    tmp_path: Path,
) -> None:
    library, ids = label_library(tmp_path)
    traffic = Traffic()
    with server(library) as served, browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.goto(served.address)
        page.wait_for_selector(".cell img")
        name_group(page, "n", *"cat", "Enter")
        name_group(page, "n", *"dog", "Enter")
        name_group(page, "1")
        assert "3 of 10 groups named; 7 not looked at yet." in page.inner_text(".grid-head")
        assert "Enough to train" not in page.inner_text(".grid-head")

        meta = {"categories": ["cat", "dog"], "temperature": 1.0, "verdicts": 12}
        ranking.write(library, ranks(ids, "dog"), meta=meta)
        until(page, ONE_GRID)
        for _ in range(2):  # by the earlier list, the next ones are groups 4 and 5
            type_keys(page, "PageDown")
            page.get_by_text("Taken for dog").wait_for()
            assert page.locator(".cell").count() == EACH * (LOOKS - 3)
        all_in_sight(page)
        type_keys(page, "Enter")
        page.get_by_text("Nothing waits here.").wait_for()
        quiet(page, traffic)
    assert set(ids) == said(library)
    assert [] == traffic.console


def test_a_name_that_a_tagger_proposes_takes_three_keys(tmp_path: Path) -> None:
    library, ids = label_library(tmp_path)
    meta = {
        "categories": [],
        "temperature": 1.0,
        "verdicts": 0,
        ranking.CLUSTER_NAMES: {"0": ["hatsune miku", "chibi"]},
    }
    ranking.write(library, ranks(ids, ""), meta=meta)
    traffic = Traffic()
    with server(library) as served, browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.goto(served.address)
        page.wait_for_selector(".cell img")
        assert "By its tags: hatsune miku, chibi." in page.inner_text(".grid-head")
        name_group(page, "n", "Enter")
        assert "By its tags" not in page.inner_text(".grid-head")  # nothing is proposed for the second grid
        quiet(page, traffic)
    with read_catalog(library) as catalog:
        latest = annotation_log.latest(catalog)
    assert dict.fromkeys(ids[:EACH], "hatsune miku") == {key: one.category for key, one in latest.items()}
    assert [] == traffic.console


FIELD = "document.querySelector('.name-field input')"
IN_FIELD = f"() => document.activeElement === {FIELD}"
"""Whether the cursor is in the name of the grid."""


def test_n_edits_the_name_of_every_grid_and_typed_letters_are_no_commands(
    tmp_path: Path,
) -> None:
    library, ids = label_library(tmp_path)
    traffic = Traffic()
    with server(library) as served, browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.goto(served.address)
        page.wait_for_selector(".cell img")
        name_group(page, "n", *"scene", "Enter")
        type_keys(page, "1")  # the name is there already, and another is typed over it
        page.get_by_text("are scene").wait_for()
        type_keys(page, "n", *"icon", "Enter")
        page.get_by_text("are icon").wait_for()
        name_group(page)
        quiet(page, traffic)
        before = page.evaluate(SHOWN)
        with held_back(page, "**/api/grid?*"):
            type_keys(page, "PageDown", "n", "u")  # the grid comes while its name is typed
        page.wait_for_function(OTHERS, arg=before)
        all_in_sight(page)
        type_keys(page, "i")
        assert "ui" == page.evaluate(f"{FIELD}.value")
        type_keys(page, "Escape")

        meta = {"categories": ["icon", "scene"], "temperature": 1.0, "verdicts": 8}
        ranking.write(library, ranks(ids, "scene"), meta=meta)
        until(page, ONE_GRID)
        type_keys(page, "PageDown")
        page.get_by_text("Taken for scene").wait_for()
        all_in_sight(page)
        type_keys(page, "n")
        assert page.evaluate(IN_FIELD)
        type_keys(page, *"ui", "Enter")
        page.get_by_text("are ui").wait_for()
        assert 2 * EACH == len(said(library))
        type_keys(page, "Enter")
        page.get_by_text("Nothing waits here.").wait_for()
        quiet(page, traffic)
    with read_catalog(library) as catalog:
        held_to_be = annotation_log.latest(catalog)
    assert {AnnotationKind.RIGHT} == {one.kind for one in held_to_be.values()}
    assert {"scene": EACH, "icon": EACH, "ui": EACH * (LOOKS - 2)} == Counter(
        one.category for one in held_to_be.values()
    )
    assert [] == traffic.console


def test_a_key_means_the_same_in_every_view(tmp_path: Path) -> None:
    library, ids = waiting_library(
        tmp_path,
        [(Action.FILE, "cat", 0.9), (Action.FILE, "cat", 0.8), (Action.FILE, "cat", 0.7), (Action.REVIEW, "cat", 0.4)],
        content=blended,
    )
    traffic = Traffic()
    with server(library) as served, browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        page.goto(served.address)
        page.get_by_text("Audit", exact=True).click()
        page.get_by_text("Begin an audit").click()
        page.get_by_text("cat: right?").wait_for()
        type_keys(page, "g")
        page.get_by_text("Audit: one by one only").wait_for()
        assert page.get_by_role("button", name="Grid").is_disabled()
        for key, outcome in (
            ("y", "0 of 1 wrong so far"),
            ("n", "1 of 2 wrong so far"),
            ("Backspace", "0 of 1 wrong so far"),
            ("u", "1 of 2 wrong so far"),
            ("y", "95% confidence; 1 of 3"),
        ):
            wait_for_image(page)
            type_keys(page, key)
            page.get_by_text(outcome).wait_for()
        type_keys(page, "?")
        assert "none of these categories" in page.inner_text("dialog")
        type_keys(page, "Escape")
        page.get_by_role("button", name="Waiting").click()
        page.wait_for_selector(".side .primary")
        assert "New category for this one" in page.inner_text(".side")
        type_keys(page, "n")
        page.get_by_text("the picture that is shown is put into it").wait_for()
        wait_for_image(page)
        type_keys(page, *"bird", "Enter")
        page.get_by_text("Nothing waits here.").wait_for()
        quiet(page, traffic)
    with read_catalog(library) as catalog:
        held = annotation_log.latest(catalog)
    assert (AnnotationKind.RIGHT, "bird") == (held[ids[3]].kind, held[ids[3]].category)
    assert [AnnotationKind.NONE, AnnotationKind.RIGHT, AnnotationKind.RIGHT] == sorted(
        held[one].kind for one in ids[:3]
    )
    assert [] == traffic.console
