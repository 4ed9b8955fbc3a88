"""A category that a person ruled out for a picture is not offered again: the next best one is, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifier.active.learner import Learner
from classifier.catalog import annotation_log, ranking
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.ranking import Rank
from classifier.records import Action, Annotation, AnnotationKind, ImageId
from kit.bundles import color_bundle
from kit.reviewing import served, sort_again, unsure_library, waiting_library

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

META = {"categories": ["chibi", "page", "portrait"], "temperature": 1.0}


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, ImageId]:
    """Three pictures that are taken for chibi, then page, then portrait; and the first of them."""
    made, ids = waiting_library(
        tmp_path, [(Action.REVIEW, "chibi", 0.8)] * 3 + [(Action.FILE, name, 0.9) for name in META["categories"]]
    )
    learn(made, ids[:3])
    return made, ids[0]


def learn(library: Path, ids: list[ImageId]) -> None:
    logits = logits_as_bytes(np.array([[2.0, 1.0, 0.0]], dtype=np.float32))[0]
    ranks = [Rank(place, picture, "review", "chibi", 0.67, 0, logits) for place, picture in enumerate(ids)]
    ranking.write(library, ranks, meta=META)


def say(library: Path, picture: ImageId, said: AnnotationKind, category: str, origin: str) -> None:
    with open_catalog(library) as catalog:
        one = Annotation(image_id=picture, kind=said, category=category, origin=origin, at="2026-01-01", audit=1)
        annotation_log.add(catalog, one)


def offered(client: TestClient, picture: ImageId, **query: str) -> dict[str, Any] | None:
    rows = client.get("/api/queue", params=query).raise_for_status().json()["pictures"]
    return next((row for row in rows if row["picture"] == picture), None)


@pytest.mark.parametrize("order", ["surety", "category", "newest", "learned", "alike", "path"])
@pytest.mark.parametrize("origin", ["review", "audit", "labels"])
def test_the_next_best_category_is_offered_after_every_wrong(
    library: tuple[Path, ImageId], origin: str, order: str
) -> None:
    folder, picture = library
    expected = ["page", "portrait", ""]
    for ruled_out, left in zip(META["categories"], expected, strict=True):
        say(folder, picture, AnnotationKind.WRONG, ruled_out, origin)
        with served(folder) as client:
            row = offered(client, picture, order=order)
            assert row is not None
            assert (left, [one for one in expected[expected.index(left) :] if one]) == (
                row["category"],
                [name for name, _ in row["guesses"]],
            )
            assert offered(client, picture, order=order, category="chibi", grid="1") is None


def test_a_ruled_out_category_stays_so_after_a_refit_until_undone(
    library: tuple[Path, ImageId],
) -> None:
    folder, picture = library

    def shown(client: TestClient) -> str | None:
        row = offered(client, picture)
        return None if row is None else row["category"]

    with served(folder) as client:
        for category, left in (("chibi", "page"), ("page", "portrait")):
            answer = {"picture": picture, "said": "wrong", "category": category}
            client.post("/api/say", json={"answers": [answer]}).raise_for_status()
            assert left == shown(client)
        learn(folder, [picture])
        assert "portrait" == shown(client)
        client.post("/api/back", json={})
        assert "page" == shown(client)
        client.post("/api/back", json={})
        assert "chibi" == shown(client)


def test_a_category_that_was_confirmed_since_is_ruled_out_no_more(library: tuple[Path, ImageId]) -> None:
    folder, picture = library
    for said in (AnnotationKind.WRONG, AnnotationKind.RIGHT):
        say(folder, picture, said, "chibi", "review")
    say(folder, picture, AnnotationKind.WRONG, "page", "review")
    with served(folder) as client:
        row = offered(client, picture)
    assert row is not None
    assert ("chibi", ["page"]) == (row["category"], row["ruled_out"])


def test_a_renamed_category_stays_ruled_out_but_not_a_merged_one(
    library: tuple[Path, ImageId],
) -> None:
    folder, picture = library
    for name in ("chibi", "page"):
        say(folder, picture, AnnotationKind.WRONG, name, "review")
    with served(folder) as client:
        client.post("/api/categories", json={"rename": "chibi", "to": "small"}).raise_for_status()
        renamed = offered(client, picture)
        client.post("/api/categories", json={"rename": "page", "to": "portrait"}).raise_for_status()
        merged = offered(client, picture)
    assert renamed is not None
    assert merged is not None
    assert ("portrait", "portrait") == (renamed["category"], merged["category"])


def test_a_sort_and_a_refit_guess_the_next_best_too(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "model", labeled=True).folder
    library = unsure_library(tmp_path, bundle, 12)
    with served(library) as client:
        row = client.get("/api/queue").json()["pictures"][0]
    picture, ranked = ImageId(row["picture"]), [name for name, _ in row["guesses"]]
    for number, name in enumerate(ranked):
        say(library, picture, AnnotationKind.WRONG, name, "review")
        left = [*ranked[number + 1 :], ""]
        sort_again(tmp_path, bundle)
        with read_catalog(library) as catalog:
            query = "SELECT category, action, path FROM decisions JOIN places USING (picture) WHERE picture = ?"
            category, action, path = catalog.connection.execute(query, (picture,)).fetchone()
        assert (left[0], "review") == (category, action)
        assert bytes(path).startswith(f"_review/{left[0]}".encode())
        Learner(library).learn()
        with served(library) as client:
            row = offered(client, picture, order="learned")
        assert row is not None
        assert row["category"] in left
    assert "" == row["category"]
