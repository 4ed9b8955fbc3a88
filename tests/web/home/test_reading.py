"""The label page while its sample is still read: what it shows, and that it goes on to the groups by itself."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.active import encoder, worker
from classifier.active.sample import take_sample
from classifier.errors import LibraryInUse
from classifier.inference.pipeline import infer
from classifier.settings import ModelSettings, RuntimeSettings, Settings
from kit.browser import CHROMIUM, Traffic, browser, serving, type_keys, wait_for_image
from kit.home import asking, project
from kit.interrupt import Stop
from kit.jobs import running_job

if TYPE_CHECKING:
    from starlette.testclient import TestClient

SETTINGS = Settings(model=ModelSettings(image_size=64), runtime=RuntimeSettings(workers=0))


def read_on(folder: Path) -> None:
    """Read the rest, once the page, which owns the library for a moment as it opens, has left it."""
    for _ in range(100):
        with suppress(LibraryInUse):
            take_sample(folder / "crawl", library=folder / "labels", settings=SETTINGS)
            return
        time.sleep(0.1)
    raise AssertionError("the page keeps the library")


@pytest.fixture
def half_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose sample of five pictures was killed when four were read."""
    folder = project(tmp_path)

    def dying(*given: Any, **options: Any) -> Any:
        for number, result in enumerate(infer(*given, **options)):
            if number == 4:
                raise Stop
            yield result

    with monkeypatch.context() as patched:
        patched.setattr(encoder, "infer", dying)
        patched.setattr(encoder, "_BATCH", 2)
        with pytest.raises(Stop):
            read_on(folder)
    return folder


def reading(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/label/api/reading").raise_for_status().json())


def test_pictures_of_a_sample_are_shown_before_they_are_placed(half_read: Path) -> None:
    with asking(half_read) as client:
        shown = reading(client)
        first, changed = shown["pictures"][:2]
        assert 200 == client.get(f"/label/picture/{first}/small").status_code
        for picture in (half_read / "crawl").iterdir():
            picture.write_bytes(picture.read_bytes() + b" ")
        assert 404 == client.get(f"/label/picture/{changed}/small").status_code

    assert (None, False, 4) == (shown["job"], shown["grouped"], len(shown["pictures"]))


def test_a_sample_that_was_not_read_whole_is_gone_on_with_and_a_whole_one_is_not(half_read: Path) -> None:
    with asking(half_read) as client:
        assert not client.get("/api/home").json()["project"]["labels"]["whole"]
        read_on(half_read)
        assert client.get("/api/home").json()["project"]["labels"]["whole"]
        assert {"job": None, "grouped": True, "pictures": []} == reading(client)
        assert 5 == client.get("/label/api/state").json()["waiting"]["review"][""]


def test_a_learner_waits_for_the_groups_of_the_sample(half_read: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_LOOK_S", 0.02)
    waiting = threading.Thread(target=worker._wait_for_groups, args=(half_read / "labels",), daemon=True)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    read_on(half_read)
    waiting.join(30)
    assert not waiting.is_alive()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_the_label_page_shows_what_is_read_and_then_the_groups(half_read: Path) -> None:
    traffic = Traffic()
    with browser(traffic, viewport={"width": 390, "height": 800}) as page:
        page.set_default_timeout(20_000)
        with serving("open", str(half_read), "--no-learning") as served:
            with running_job(half_read, "label", name="looking", done=4, total=5):
                page.goto(served.address)
                page.click("#open-label")
                page.wait_for_selector(".reading .numbers:has-text('4 of 5')")
                loaded = "[...document.querySelectorAll('.read-image img')].filter((one) => one.naturalWidth)"
                page.wait_for_function(f"() => {loaded}.length === 4")
                assert 390 == page.evaluate("document.documentElement.scrollWidth")
                read_on(half_read)
            page.wait_for_selector(".labeling .name-row")
            make = (
                "(name) => import('/label/static/http.js').then((http) => http.send('/api/categories', { make: name }))"
            )
            for number in range(9):
                page.evaluate(make, f"category {number}")
            page.reload()
            page.click(".folded .more:has-text('more')")
            page.wait_for_selector(".folded.open .more:has-text('Fewer')")
            cut = (
                "[...document.querySelectorAll('.folded .buttons')].some((one) => one.scrollHeight > one.clientHeight)"
            )
            assert not page.evaluate(cut)
            page.goto("about:blank")
    assert [] == traffic.console


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_a_label_page_that_was_opened_while_reading_asks_about_what_is_drawn(half_read: Path) -> None:
    with browser(Traffic()) as page:
        page.set_default_timeout(20_000)
        with serving("open", str(half_read), "--no-learning") as served:
            with running_job(half_read, "label", name="looking", done=4, total=5):
                page.goto(served.address)
                page.click("#open-label")
                page.wait_for_selector(".reading .read-image")
                read_on(half_read)
            page.wait_for_selector(".labeling .name-row")
            type_keys(page, "g")
            for number in range(3):  # three in ten answers are about what is drawn
                wait_for_image(page)
                assert 0 == page.locator(".drawn").count(), number
                before = page.get_attribute(".single", "data-image-id")
                type_keys(page, "u")
                page.wait_for_function("(id) => document.querySelector('.single')?.dataset.imageId !== id", arg=before)
            page.wait_for_selector(".drawn")
            page.goto("about:blank")
