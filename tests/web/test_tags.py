"""The queue of one rating or tag, by the tagger's own head on kept embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifier.catalog.connection import read_catalog
from classifier.model.bundle_files import TAGS
from kit.bundles import CATEGORIES, color_bundle
from kit.reviewing import blended, served, sort_again, unsure_library, waiting_library

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

COUNT = 24
ORDERS = ["surety", "category", "newest", "path", "learned"]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tagged")
    for number in range(COUNT):
        path = folder / "crawl" / "ab"[number % 2] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blended(number))
    sort_again(folder, color_bundle(folder / "model", tagged=True).folder)
    return folder / "sorted"


def queue(client: TestClient, **query: Any) -> list[str]:
    """The images of the queue, in its order, by pages of five."""
    found, after = list[str](), {}
    while True:
        answer = client.get("/api/queue", params={"limit": 5, **query, **after}).raise_for_status().json()
        found += [one["picture"] for one in answer["pictures"]]
        if answer["next"] is None:
            return found
        after = {"after": str(answer["next"]).replace("'", '"')}


def logits(library: Path) -> dict[str, dict[str, float]]:
    """What the color of each picture speaks for: the tags have the same head."""
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture, logits FROM predictions").fetchall()
    return {picture: dict(zip(CATEGORIES, np.frombuffer(of, "<f4").tolist(), strict=True)) for picture, of in rows}


@pytest.mark.parametrize("order", ORDERS)
def test_each_order_shows_what_has_the_tag_and_nothing_else(library: Path, order: str) -> None:
    likely = {picture for picture, of in logits(library).items() if of["red"] >= np.log(0.35 / 0.65)}
    with served(library) as client:
        everything, tagged = queue(client, order=order), queue(client, order=order, tag="red")

    assert 0 < len(tagged) < len(everything) == COUNT
    assert [picture for picture in everything if picture in likely] == tagged


def test_a_rating_is_the_likeliest_one(library: Path) -> None:
    explicit = {picture for picture, of in logits(library).items() if of["red"] > of["blue"]}
    with served(library) as client:
        found = {rating: set(queue(client, rating=rating)) for rating in ("general", "explicit")}
        red, both = (set(queue(client, rating=rating, tag="red")) for rating in ("", "general"))

    assert (explicit, COUNT) == (found["explicit"], len(found["general"] | found["explicit"]))
    assert red - explicit == both


@pytest.mark.parametrize("order", ORDERS)
def test_a_tag_is_searched_for_within_a_folder(library: Path, order: str) -> None:
    with served(library) as client:
        (number, *_), _ = client.get("/api/folders").json()["folders"]
        tagged, inside = set(queue(client, tag="red")), queue(client, order=order, folder=number)
        both = queue(client, order=order, folder=number, tag="red")
        again = queue(client, order=order, tag="red")

    assert 0 < len(both) < len(inside) == COUNT // 2
    assert [picture for picture in inside if picture in tagged] == both
    assert tagged == set(again)


def test_the_tags_are_listed_with_the_characters_first(library: Path) -> None:
    with served(library) as client:
        listed = client.get("/api/tags").json()

    assert {"ratings": ["general", "explicit"], "tags": ["blue", "green", "red"]} == listed


def test_answered_pictures_leave_the_queue_of_a_tag_too(library: Path) -> None:
    with served(library) as client:
        first, *rest = queue(client, tag="red")
        client.post("/api/say", json={"answers": [{"picture": first, "said": "skipped"}]}).raise_for_status()
        assert rest == queue(client, tag="red")
        assert [first] == queue(client, tag="red", skipped=True)
        client.post("/api/back", json={}).raise_for_status()


@pytest.mark.parametrize(
    "query", [{"tag": "cat"}, {"rating": "red"}, {"rating": "safe"}, {"tag": "\ud800".encode("utf-8", "replace")}]
)
def test_a_tag_that_there_is_not_is_refused(library: Path, query: dict[str, str]) -> None:
    with served(library) as client:
        assert 400 == client.get("/api/queue", params=query).status_code


def test_without_a_tagger_there_are_no_tags(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [])
    with served(library) as client:
        assert {"ratings": [], "tags": []} == client.get("/api/tags").json()
        assert 400 == client.get("/api/queue", params={"tag": "red"}).status_code


def test_tags_that_are_not_those_the_model_was_written_with_are_not_used(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "model", tagged=True).folder
    library = unsure_library(tmp_path, bundle, 1)
    (bundle / TAGS).write_bytes(b"x")
    with served(library) as client:
        assert {"ratings": [], "tags": []} == client.get("/api/tags").json()
