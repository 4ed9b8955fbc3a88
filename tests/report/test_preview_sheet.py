"""The contact sheet of a preview is one file that works offline, and never replaces a file of the person's."""

from __future__ import annotations

import base64
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from classifier.filing.verify import verify
from classifier.report.preview_sheet import SHEET, write_preview_sheet
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from classifier.sort.preview import preview
from kit.browser import CHROMIUM, Traffic, browser
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import make_tree

SETTINGS = Settings(runtime=RuntimeSettings(workers=0))


def _blend(share: float) -> tuple[int, int, int]:
    red, green, blue = (
        round((1 - share) * own + share * other) for own, other in zip(COLORS["blue"], COLORS["red"], strict=True)
    )
    return red, green, blue


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Previewed: red, and blue that is less and less so; and one file that is no picture."""
    folder = tmp_path_factory.mktemp("sheet")
    blends = {f"{share:02}.png": encoded(plain(_blend(share / 100)), "PNG") for share in range(0, 50, 3)}
    red = {"<b>red.png": encoded(varied(COLORS["red"], seed=1, size=(600, 400)), "PNG")}
    crawl = make_tree(folder / "my crawl", blends | red | {"page.jpg": b"<html>"})
    bundle = color_bundle(folder / "model").folder
    preview(crawl, library=folder / "sorted", bundle=bundle, settings=SETTINGS)
    return folder / "sorted"


@pytest.fixture(scope="module")
def page(library: Path) -> str:
    path = write_preview_sheet(library)
    assert path == library / SHEET
    return path.read_text(encoding="utf-8")


def data(page: str) -> dict[str, Any]:
    found = re.search('data-preview="([^"]*)"', page)
    assert found is not None
    return json.loads(unescape(found[1]))  # type: ignore[no-any-return]


def test_the_sheet_asks_for_nothing_and_escapes_names(page: str) -> None:
    assert "default-src 'none'" in unescape(page)
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    assert "<b>red.png" not in page
    assert "&lt;b&gt;red.png" in page


def test_samples_are_small_jpegs_made_anew(page: str) -> None:
    images = [Image.open(io.BytesIO(base64.b64decode(one))) for one in re.findall('image/jpeg;base64,([^"]*)', page)]

    assert 13 == len(images)  # twelve blue ones and the red one
    assert {"JPEG"} == {image.format for image in images}
    assert 160 == max(max(image.size) for image in images)


def test_each_setting_names_the_command_that_sorts_so(page: str, library: Path) -> None:
    known = data(page)
    asked = known["steps"][known["asked"]]

    assert f"--out {library}" in asked["command"]
    assert "--threshold" not in asked["command"]
    assert all(
        step["command"].endswith(f"--threshold {step['threshold']:g}") for step in known["steps"] if step != asked
    )


def test_a_later_sheet_replaces_ours_and_never_another_file(library: Path) -> None:
    said = SavingProgress()
    write_preview_sheet(library)
    assert library / SHEET == write_preview_sheet(library)
    assert [] == verify(library).yours

    (library / SHEET).write_text("my own notes")
    assert write_preview_sheet(library, said) is None
    assert "my own notes" == (library / SHEET).read_text()
    assert any("is not as illsort wrote it" in message for message in said.messages)
    (library / SHEET).unlink()


def test_a_library_without_a_preview_has_no_sheet(tmp_path: Path, library: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": encoded(varied(COLORS["red"], seed=1), "PNG")})
    sort(crawl, library=tmp_path / "sorted", bundle=library.parent / "model", settings=SETTINGS)

    assert write_preview_sheet(tmp_path / "sorted") is None
    assert not (tmp_path / "sorted" / SHEET).exists()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_the_slider_shows_what_each_threshold_files(tmp_path: Path, page: str) -> None:
    path = tmp_path / "sheet.html"
    path.write_text(page, encoding="utf-8")
    traffic, known = Traffic(), data(page)
    with browser(traffic, locale="en-US") as shown:
        shown.goto(path.as_uri())
        for index in (0, len(known["steps"]) - 1, known["asked"]):
            step = known["steps"][index]
            shown.evaluate(
                "(n) => { const s = document.getElementById('setting'); s.value = n;"
                " s.dispatchEvent(new Event('input')); }",
                index,
            )
            assert str(step["filed"]) == shown.text_content("[data-number=filed]")
            assert step["command"] == shown.text_content("#command")
            cells = shown.eval_on_selector_all(
                "#categories tr[data-all]", "(rows) => rows.map(r => r.cells[2].textContent)"
            )
            assert [str(count) for count in step["by_category"]] == cells
            framed = shown.eval_on_selector_all("figure.waits", "(all) => all.map(one => +one.dataset.confidence)")
            assert all(confidence < step["threshold"] for confidence in framed)
        waiting = "getComputedStyle(document.querySelector('.setting .zh')).display"
        assert "none" == shown.evaluate(waiting)
        shown.click("#language")
        assert "none" != shown.evaluate(waiting)
    assert [] == traffic.console
