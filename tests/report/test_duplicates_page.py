"""The page of copies: groups with the best first, in one file that works offline and replaces nobody's file."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from classifier.duplicates.folder import Duplicates, find_duplicates
from classifier.errors import SettingsError
from classifier.report import duplicates_page as page_module
from classifier.report.duplicates_page import check_page_target, duplicates_page, write_duplicates_page
from classifier.settings import RuntimeSettings, Settings
from kit.browser import CHROMIUM, Traffic, browser
from kit.commands import illsort
from kit.copies import drawing
from kit.pictures import encoded
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

CRAWL = {
    "<b>big.png": encoded(drawing(1), "PNG"),
    "again.png": encoded(drawing(1), "PNG"),
    "small.jpg": encoded(drawing(1).resize((200, 260)), "JPEG", quality=85),
    "other.png": encoded(drawing(2, (200, 260)), "PNG"),
    "other.webp": encoded(drawing(2, (200, 260)), "WEBP", quality=80),
    "alone.png": encoded(drawing(3), "PNG"),
    "broken.png": b"\x89PNG\r\n\x1a\n???",
}


def found_in(crawl: Path) -> Duplicates:
    settings = Settings(runtime=RuntimeSettings(workers=0))
    return find_duplicates(crawl, library=None, settings=settings, progress=SavingProgress())


def page_of(crawl: Path) -> str:
    return duplicates_page(found_in(crawl), folder=crawl, max_megapixels=64, progress=SavingProgress())


def test_groups_stand_side_by_side_with_the_best_first(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    before = all_files(tmp_path)
    page = page_of(crawl)
    groups = re.findall('<section class="group">(.*?)</section>', page, re.DOTALL)
    pictures = re.findall('src="data:image/jpeg;base64,([^"]*)"', page)

    names = [re.findall('<div class="path">.*/(.*)</div>', group) for group in groups]
    assert [["&lt;b&gt;big.png", "again.png", "small.jpg"], ["other.webp", "other.png"]] == names
    assert 2 == page.count('<figure class="best">')
    assert 1 == page.count(">the same file<")
    assert "400 x 520" in groups[0]
    assert 4 == len(pictures)
    assert 240 == max(Image.open(io.BytesIO(base64.b64decode(pictures[0]))).size)
    assert before == all_files(tmp_path)


def test_a_page_of_many_groups_says_how_many_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    monkeypatch.setattr(page_module, "_MOST", 4)

    page = page_of(crawl)

    assert 1 == page.count('<section class="group">')
    assert "Groups that are not shown: 1." in page


def test_a_page_is_replaced_and_a_persons_file_is_not(tmp_path: Path) -> None:
    crawl, path = make_tree(tmp_path / "crawl", CRAWL), tmp_path / "copies.html"
    found, progress = found_in(crawl), SavingProgress()
    for _ in range(2):
        write_duplicates_page(found, path, folder=crawl, max_megapixels=64, progress=progress)
    path.write_text(path.read_text(encoding="utf-8") + "mine", encoding="utf-8")
    for refused in (path, crawl, tmp_path / "none" / "copies.html"):
        with pytest.raises(SettingsError, match=re.escape(str(refused))):
            check_page_target(refused)


def test_the_command_writes_the_page_and_lists_as_before(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    words = ["duplicates", str(crawl), "--set", "runtime.workers=0"]

    plain, with_page = illsort(*words), illsort(*words, "--html", tmp_path / "copies.html")
    refused = illsort(*words, "--html", crawl)

    assert [1, 1, 2] == [plain.returncode, with_page.returncode, refused.returncode]
    assert plain.stdout == with_page.stdout
    assert f"page: {tmp_path / 'copies.html'}" in with_page.stderr
    assert "copies of a better picture" in (tmp_path / "copies.html").read_text(encoding="utf-8")
    assert "name another file" in refused.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_a_browser_shows_the_page_without_asking_the_network(tmp_path: Path) -> None:
    crawl, path, traffic = make_tree(tmp_path / "crawl", CRAWL), tmp_path / "copies.html", Traffic()
    write_duplicates_page(found_in(crawl), path, folder=crawl, max_megapixels=64, progress=SavingProgress())
    with browser(traffic, viewport={"width": 390, "height": 800}) as page:
        page.goto(path.as_uri())
        page.wait_for_function("() => document.querySelector('.group img').naturalWidth > 0")
        assert 390 == page.evaluate("document.documentElement.scrollWidth")
        page.click("#language")
        assert page.get_by_text("最好的一张").first.is_visible()
    assert set() == {host for host in traffic.hosts if host}
