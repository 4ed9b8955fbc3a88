"""Draws the pages of `illsort review` for docs/: drawn pictures, real pages, headless Chromium.

python scripts/draw_pages.py [--folder DIR] [docs/page]

Makes the demo in a temporary folder (or takes the one in DIR), sorts its crawl so cautiously that much waits, serves
the page and saves each view in light and dark. Needs playwright, a Chromium, and a font with Chinese glyphs, which are
boxes without one: fonts-noto-cjk on Debian and Ubuntu.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, Page, Route, sync_playwright

from classifier.cli.terminal import TerminalProgress
from classifier.demo.run import demo, drawn_kinds
from classifier.project import create_project
from classifier.settings import LabelSettings, ModelSettings, Settings, SortSettings, TrainSettings
from classifier.sort.pipeline import sort
from classifier.training.pipeline import train_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}
TALL = {"width": 1280, "height": 1250}
CAUTIOUS = 0.99
MISLABELED = {("landscape", 0): "portrait", ("pixel_sprite", 1): "item_icon"}
"""Labelled pictures that are put into another category's folder, for the page to ask about: kind and place there."""
LEARNED_SECONDS = 120
"""How long what learns beside the page may take until it has looked at the library."""
SHOWN = "() => document.querySelector('#view [data-image-id], #view .message')"
SEEN = "() => [...document.images].every((one) => one.complete)"
LEARNED = """async () => {
  const { learning } = await (await import("/static/http.js")).get("/api/state");
  return !["starting", "learning"].includes(learning.at);
}"""


def still(page: Page) -> None:
    """Until a picture or an end is shown, and every picture on the page is there."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(200)
    page.wait_for_function(SHOWN)
    page.wait_for_function(SEEN)
    page.wait_for_timeout(300)


def kind_of(cell: Locator) -> str | None:
    """What the picture of a cell was drawn as; None of two in one."""
    number, kinds = int((cell.get_attribute("title") or "").partition(".")[0]) - 10_000, drawn_kinds()
    return kinds[number][0] if 0 <= number < len(kinds) else None


def grid(page: Page) -> None:
    """Sixty of one category; those of another are marked."""
    page.keyboard.press("g")
    still(page)
    category = page.locator("#choose-category").input_value()
    for cell in page.locator(".cell").all():
        if kind_of(cell) != category:
            cell.click()
    page.locator(".grid").evaluate("(grid) => grid.scrollTo(0, 0)")


def naming(page: Page) -> None:
    """A grid of what looks alike, half named."""
    kind = next(kind for cell in page.locator(".cell").all() if (kind := kind_of(cell)) is not None)
    page.keyboard.press("n")
    page.keyboard.type(kind)
    page.keyboard.press("Enter")


def audit(page: Page) -> None:
    """A question about what was filed, of a sample that is drawn where there is none."""
    page.get_by_role("button", name="Audit").click()
    still(page)
    if page.get_by_role("button", name="Begin an audit").count():
        page.get_by_role("button", name="Begin an audit").click()
        still(page)
    for _ in range(3):
        page.keyboard.press("Enter")
        still(page)


def doubts(page: Page) -> None:
    """A label that training found likely wrong, because it was put into another category's folder."""
    page.get_by_role("button", name="Doubtful labels").click()


def filed(page: Page) -> None:
    """What is filed, the least confident first; two are marked."""
    page.get_by_role("button", name="Filed").click()
    still(page)
    page.keyboard.press("o")
    page.locator("#notification").wait_for(state="hidden")
    still(page)
    for _ in range(2):
        page.keyboard.press(" ")
        page.keyboard.press("ArrowRight")


VIEWS: dict[str, tuple[dict[str, int], Callable[[Page], None]]] = {
    "single": (WIDE, lambda _: None),
    "grid": (WIDE, grid),
    "keys": (WIDE, lambda page: page.keyboard.press("?")),
    "categories": (WIDE, lambda page: page.keyboard.press("c")),
    "doubts": (WIDE, doubts),
    "phone": (PHONE, lambda _: None),
}
AUDIT: dict[str, tuple[dict[str, int], Callable[[Page], None]]] = {"filed": (WIDE, filed), "audit": (WIDE, audit)}
LABELLING: dict[str, tuple[dict[str, int], Callable[[Page], None]]] = {"label": (WIDE, naming)}


def project(folder: Path, made: Path) -> Path:
    """A project over the demo, for the page of the whole job."""
    home = made / "illsort"
    home.mkdir()
    places = {"sort.crawl": "crawl", "labels.folder": "labels", "model.folder": "model", "sort.library": "sorted"}
    create_project(home, {name: folder.absolute() / place for name, place in places.items()})
    return home


def shoot_home(address: str, target: Path) -> None:
    """The page of the whole job, with a folder that is not this machine's."""

    def elsewhere(route: Route) -> None:
        answer = route.fetch()
        state = answer.json() | {"folder": "/home/me/illsort", "cd": "cd ~/illsort"}
        route.fulfill(response=answer, json=state)

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_context(viewport=TALL, color_scheme=scheme, locale="en-US").new_page()
            page.route("**/api/home*", elsewhere)
            page.goto(address)
            page.wait_for_selector(".steps")
            page.wait_for_timeout(3000)
            page.screenshot(path=target / f"home-{scheme}.jpg", type="jpeg", quality=85)
        browser.close()


@contextmanager
def served(*words: str) -> Iterator[str]:
    """The address at which the command serves its page."""
    command = [sys.executable, "-m", "classifier", *words, "--no-open", "--token", "opened in each view"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield next(line for line in process.stdout or () if "http://" in line).partition(": ")[2].strip()
        finally:
            process.terminate()


def shoot(address: str, target: Path, views: dict[str, tuple[dict[str, int], Callable[[Page], None]]]) -> None:
    """Each view in light and dark, as `<view>-<scheme>.jpg`."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        first = browser.new_page()
        first.goto(address)
        for _ in range(LEARNED_SECONDS):
            if first.evaluate(LEARNED):
                break
            first.wait_for_timeout(1000)
        for scheme in ("light", "dark"):
            for name, (size, reach) in views.items():
                context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-US")
                page = context.new_page()
                page.goto(address)
                still(page)
                reach(page)
                still(page)
                page.screenshot(path=target / f"{name}-{scheme}.jpg", type="jpeg", quality=85)
                context.close()
        browser.close()


def doubting(folder: Path, made: Path) -> Path:
    """A model of the demo's labels, some of which are wrong; each is held out once, so that these are found."""
    labels = made / "labels with mistakes"
    shutil.copytree(folder / "labels", labels)
    for (kind, number), wrong in MISLABELED.items():
        one = sorted((labels / kind).iterdir())[number]
        one.rename(labels / wrong / one.name)
    settings = Settings(
        labels=LabelSettings(folder=labels),
        model=ModelSettings(folder=made / "model"),
        train=TrainSettings(recipe="head", folds=3),
    )
    return train_model(settings, progress=TerminalProgress()).bundle.folder


def main() -> None:
    """Make the libraries and save the pictures of their pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", type=Path, default=Path("docs/page"))
    parser.add_argument("--folder", type=Path, help="a finished demo to take")
    args = parser.parse_args()
    args.target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="illsort-pages-") as temporary:
        folder = args.folder or Path(temporary) / "demo"
        if not folder.exists():
            demo(folder, progress=TerminalProgress())
        bundle = doubting(folder, Path(temporary))
        library = Path(temporary) / "pictures"
        cautious = Settings(sort=SortSettings(threshold=CAUTIOUS, unknown=False))
        sort(
            folder / "crawl",
            library=library,
            bundle=bundle,
            settings=cautious,
            threshold=CAUTIOUS,
            progress=TerminalProgress(),
        )
        with served("open", str(project(folder, Path(temporary)))) as address:
            shoot_home(address, args.target)
        with served("review", str(library)) as address:
            shoot(address, args.target, VIEWS)
        with served("review", str(folder / "sorted")) as address:
            shoot(address, args.target, AUDIT)
        with served("label", str(folder / "crawl"), "--labels", str(Path(temporary) / "labels")) as address:
            shoot(address, args.target, LABELLING)


if __name__ == "__main__":
    main()
