"""Labeling by keys as a person does it, in a crawl of two kinds that its files' names tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.demo.draw import draw
from kit.browser import all_in_sight, type_keys

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

EACH = 20
KINDS = {"comic_page": "pages", "portrait": "faces"}
"""What is drawn, and what the person calls it."""


def drawn_crawl(folder: Path) -> Path:
    """`folder / "crawl"` with EACH pictures of each kind."""
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
    """Mark what is of the other kind."""
    titles: list[str] = page.evaluate("[...document.querySelectorAll('.cell')].map((cell) => cell.title)")
    for number, title in enumerate(titles):
        if not title.startswith(kind):
            page.keyboard.press(" ")
        if number < len(titles) - 1:
            page.keyboard.press("ArrowRight")


def name_all(page: Page, *, most: int = 40) -> None:
    """Name every grid as a person would: a name that is new is typed, one that is there has a key.

    Ends after `most` of them, where that is fewer than there are.
    """
    keys: dict[str, str] = {}
    for _ in range(most):
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
    assert most < EACH, "the grids never end"
