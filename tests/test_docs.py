"""The pages for users: links lead somewhere, each page has its Chinese twin, the README stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("guide.md", "how-it-decides.md", "FAQ.md", "scale.md")),
]
TWINS = [page.with_suffix(".zh-CN.md") for page in PAGES]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CHINESE_THEN_ASCII = re.compile(r"[\u4e00-\u9fff][,;:?!]|[,;:?!][\u4e00-\u9fff]")
_LONGEST_README = 150


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, *TWINS, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        name, _, fragment = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), link
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_chinese_page_has_the_same_headings_and_commands(page: Path) -> None:
    twin = page.with_suffix(".zh-CN.md").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"^(#+) ", text, re.MULTILINE) == re.findall(r"^(#+) ", twin, re.MULTILINE)
    assert re.findall(r"^    (illsort .+)$", text, re.MULTILINE) == re.findall(
        r"^    (illsort .+)$", twin, re.MULTILINE
    )


@pytest.mark.parametrize("page", TWINS, ids=lambda page: page.name)
def test_chinese_pages_use_full_width_punctuation_and_one_you(page: Path) -> None:
    text = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", "", page.read_text(encoding="utf-8"))

    assert [] == _CHINESE_THEN_ASCII.findall(text)
    assert "\u60a8" not in text


@pytest.mark.parametrize("page", [PAGES[1], TWINS[1]], ids=lambda page: page.name)
def test_the_guide_lists_every_recipe(page: Path) -> None:
    recipes = {path.name for path in (ROOT / "configs").glob("*.toml")} - {"default.toml"}

    assert recipes <= set(
        re.findall(r"^\| \[.+?\]\(\.\./configs/(.+?)\)", page.read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize("page", [PAGES[0], TWINS[0]], ids=lambda page: page.name)
def test_the_readme_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) < _LONGEST_README


def test_no_page_has_the_marks_of_a_merge() -> None:
    pages = [page for page in ROOT.rglob("*.md") if not {".venv", ".git"} & set(page.parts)]
    marked = [
        page for page in pages if re.search(r"^(<{7}|>{7}|={7})( |$)", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert [] == marked
