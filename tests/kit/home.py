"""The home page over a project that a test makes, asked as the opened page asks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from classifier.project import create_project
from classifier.web.home.app import Home
from classifier.web.home.rooms import PATHS
from classifier.web.security import PageSession, SecurityMiddleware
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import OWN, PORT, TOKEN, open_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = {"labels.folder": "labels", "model.folder": "model", "sort.crawl": "crawl", "sort.library": "sorted"}


def project(folder: Path) -> Path:
    """A project with five pictures in its crawl and a label short of two categories."""
    draw(folder / "crawl", 5)
    draw(folder / "labels" / "red", 3)
    create_project(folder, {name: folder / place for name, place in PROJECT.items()})
    return folder


def draw(folder: Path, count: int) -> None:
    """Draw pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(encoded(varied(COLORS["red"], seed=number), "PNG"))


@contextmanager
def asking(folder: Path | None, *, is_open: bool = True) -> Iterator[TestClient]:
    """What the page can ask, of the project in `folder`; with `is_open` False the page was not opened."""
    home = Home(folder)
    app = SecurityMiddleware(home.app, session=PageSession(TOKEN), host="127.0.0.1", port=PORT, rooms=PATHS)
    with TestClient(app, base_url=OWN, headers={"Origin": OWN}) as client:
        if is_open:
            open_page(client)
        yield client
