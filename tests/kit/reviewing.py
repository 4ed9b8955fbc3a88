"""A library in which much waits for a person, filed by the real sort with the bundle that answers by color."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from classifier.catalog import decisions, runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.files import add_image
from classifier.catalog.lock import hold_lock
from classifier.filing.executor import execute
from classifier.records import Action, Decision, ImageId, ImageInfo, Method
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.web.app import Review
from classifier.web.security import KEY_HEADER, PageSession, SecurityMiddleware
from kit.filing import move_of
from kit.pictures import COLORS, encoded, varied
from kit.reasons import ANY
from kit.tree import MARKUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import httpx

TOKEN = "a token for tests"  # noqa: S105 - of no use anywhere else
PORT = 8123
SURE = 0.999999
"""No blended picture is so sure that it is filed."""
OWN = f"http://127.0.0.1:{PORT}"


def blended(number: int) -> bytes:
    """A picture between two of the three colors, another one for each number."""
    names = ("red", "green", "blue")
    pair = zip(COLORS[names[number % 3]], COLORS[names[(number + 1) % 3]], strict=True)
    share = 0.35 + 0.01 * (number % 12)
    mixed = tuple(int((1 - share) * one + share * other) for one, other in pair)
    return encoded(varied((mixed[0], mixed[1], mixed[2]), seed=number, size=(320, 240)), "PNG")


def unsure_library(folder: Path, bundle: Path, count: int, *, mode: str = "link") -> Path:
    """`folder / "sorted"`, in which `count` blended pictures lie in `_review`."""
    crawl = folder / "crawl"
    crawl.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (crawl / f"{number:03} {MARKUP}.png").write_bytes(blended(number))
    sort_again(folder, bundle, mode=mode)
    return folder / "sorted"


def sort_again(folder: Path, bundle: Path, *, mode: str = "link") -> None:
    """Sort `folder / "crawl"` as before."""
    settings = Settings(
        sort=SortSettings.model_validate({"mode": mode, "unknown": False}),
        runtime=RuntimeSettings(workers=0),
    )
    sort(crawl := folder / "crawl", library=crawl.with_name("sorted"), bundle=bundle, settings=settings, threshold=SURE)


def waiting_library(
    folder: Path,
    waiting: Sequence[tuple[Action, str, float]],
    *,
    content: Callable[[int], bytes] = lambda number: str(number).encode(),
    is_sample: bool = False,
) -> tuple[Path, list[ImageId]]:
    """A library without a model in which these wait, of no real pictures; and their ids.

    `content` makes real ones by their number; with `is_sample` they were drawn by `illsort label`.
    """
    kind, model = ("label", "") if is_sample else ("sort", "m")
    library, crawl = folder / "sorted", folder / "crawl"
    crawl.mkdir(parents=True)
    with hold_lock(library), open_catalog(library) as catalog:
        run = runs.begin(catalog, kind=kind, crawl=crawl, mode="link", model=model, bundle=folder / "m", settings={})
        made, moves = [], []
        for number, (action, category, confidence) in enumerate(waiting):
            path = crawl / f"{number:03}.png"
            path.write_bytes(content(number))
            above = {Action.FILE: "", Action.REVIEW: "_review/", Action.DUPLICATE: "_duplicates/"}
            into = "_unknown" if action is Action.UNKNOWN else above[action] + category
            moves.append(move_of(path, method=Method.LINK, folder=into))
            picture = moves[-1].image_id
            add_image(catalog, ImageInfo(id=picture, size_bytes=1, width=4, height=3, truncated=False))
            made.append(Decision(image_id=picture, action=action, category=category, confidence=confidence, reason=ANY))
        decisions.save(catalog, made, run=run)
        execute(catalog, library=library, run=run, moves=moves)
        runs.finish(catalog, run, {})
    return library, [decision.image_id for decision in made]


@contextmanager
def served(library: Path, *, max_error: float | None = None, by_chance: float = 0) -> Iterator[TestClient]:
    """The page of `library` as a browser meets it that has opened the printed address."""
    guarded = SecurityMiddleware(
        Review(library, max_error=max_error, by_chance=by_chance).app,
        session=PageSession(TOKEN),
        host="127.0.0.1",
        port=PORT,
    )
    with TestClient(guarded, base_url=OWN, headers={"Origin": OWN}) as client:
        open_page(client)
        yield client


def open_page(client: httpx.Client, token: str = TOKEN) -> dict[str, str]:
    """Exchange the token of the printed address for the page's keys, as the page does; its key is sent from then on."""
    keys: dict[str, str] = client.post("/api/open", json={"token": token}).raise_for_status().json()
    client.headers[KEY_HEADER] = keys["page"]
    return keys
