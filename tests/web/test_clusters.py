"""Grids to be named: each comes with the list of all as of now, and with how many groups nobody has looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifier.catalog import ranking
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.ranking import Rank
from classifier.records import Action
from classifier.web.pending_moves import file_decided
from kit.reviewing import served, waiting_library

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

    from classifier.records import ImageId

LOOKS, EACH = 4, 3
META = {"categories": ["cat", "dog"], "temperature": 1.0, "verdicts": 0}


def sample(folder: Path, *, each: int = EACH) -> tuple[Path, list[ImageId]]:
    """Four groups, of which nothing is known."""
    library, ids = waiting_library(folder, [(Action.REVIEW, "", 0.0)] * (LOOKS * each), is_sample=True)
    learn(library, ids, taken=0, each=each)
    return library, ids


def learn(library: Path, ids: list[ImageId], *, taken: int, each: int = EACH) -> None:
    """A new outlook by which the last groups, so many, are taken for dogs."""
    first = (LOOKS - taken) * each
    guess = logits_as_bytes(np.array([[0.0, 3.0]], dtype=np.float32))[0]
    ranks = [
        Rank(n, picture, "review", "dog" if n >= first else "", 0.9 if n >= first else 0.0, n // each, guess)
        for n, picture in enumerate(ids)
    ]
    ranking.write(library, ranks, meta=META)


def say(client: TestClient, ids: list[ImageId], said: str, category: str | None = None) -> dict[str, Any]:
    answers = [{"picture": one, "said": said, "category": category} for one in ids]
    return dict(client.post("/api/say", json={"answers": answers}).json()["state"])


def newest(client: TestClient, number: int) -> None:
    """Wait until the page has taken over the outlook of this number."""
    while client.get("/api/state").json()["outlook"]["number"] < number:
        pass


def test_an_emptied_grid_comes_with_the_present_list_of_grids(tmp_path: Path) -> None:
    library, ids = sample(tmp_path)
    with served(library) as client:
        before = client.get("/api/grids").json()
        assert [0, 1, 2, 3] == [one["look"] for one in before["grids"]]
        learn(library, ids, taken=3)
        newest(client, 2)
        answer = client.get("/api/grid", params={"look": "2"}).json()
    assert [] == answer["pictures"]
    assert [("dog", 9), (None, 3)] == [(one["category"], one["count"]) for one in answer["grids"]]


def test_large_groups_that_nobody_saw_come_before_what_is_predicted(tmp_path: Path) -> None:
    library, ids = sample(tmp_path, each=9)
    with served(library) as client:
        client.post("/api/categories", json={"make": "cat"})
        say(client, ids[:1], "right", "cat")
        learn(library, ids, taken=1, each=9)
        newest(client, 2)
        grids = client.get("/api/grids").json()["grids"]
    assert [1, 2, "dog", 0] == [one["category"] or one["look"] for one in grids]


def test_an_answered_group_counts_as_named_also_once_it_is_filed(tmp_path: Path) -> None:
    library, ids = sample(tmp_path)
    with served(library) as client:
        client.post("/api/categories", json={"make": "cat"})
        say(client, ids[:1], "right", "cat")
        say(client, ids[3:4], "none of these")
        say(client, ids[6:7], "skipped")
        expected = {"all": 4, "named": 3, "untouched": [3]}
        assert expected == client.get("/api/grids").json()["groups"]
        assert expected == client.get("/api/grid", params={"look": "0"}).json()["groups"]
        file_decided(library)
        client.post("/api/back", json={})
        assert {"all": 4, "named": 2, "untouched": [2, 3]} == client.get("/api/grids").json()["groups"]


def test_only_the_images_that_the_page_names_are_answered(tmp_path: Path) -> None:
    library, ids = sample(tmp_path)
    with served(library) as client:
        client.post("/api/categories", json={"make": "cat"})
        state = say(client, ids[:2], "right", "cat")
        left = client.get("/api/grid", params={"look": "0"}).json()["pictures"]
    assert ([ids[2]], 2) == ([row["picture"] for row in left], state["to_file"])


@pytest.mark.parametrize("is_filed", [False, True])
def test_waiting_images_exclude_answered_skipped_and_filed_ones(tmp_path: Path, is_filed: bool) -> None:
    library, ids = sample(tmp_path)
    with served(library) as client:
        client.post("/api/categories", json={"make": "cat"})
        say(client, ids[:2], "right", "cat")
        say(client, ids[2:3], "skipped")
        if is_filed:
            client.post("/api/file", json={})
        learn(library, ids, taken=2)
        newest(client, 2)
        state = client.get("/api/state").json()
        shown = sum(one["count"] for one in client.get("/api/grids").json()["grids"])
    assert 9 == shown
    assert (9, 1) == (sum(state["waiting"]["review"].values()), state["skipped"])


def test_a_reason_older_than_its_guesses_is_marked(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, [(Action.REVIEW, "cat", 0.5)] * 2 + [(Action.FILE, "dog", 0.9)])
    with served(library) as client:
        before = client.get("/api/queue").json()["pictures"]
        assert [False, False] == [row["learned_since"] for row in before]
        ranks = [Rank(0, ids[0], "review", "dog", 0.9, 0, logits_as_bytes(np.array([[0.0, 3.0]], dtype=np.float32))[0])]
        ranking.write(library, ranks, meta=META)
        newest(client, 1)
        rows = {row["picture"]: row for row in client.get("/api/queue").json()["pictures"]}
    assert (True, "dog") == (rows[ids[0]]["learned_since"], rows[ids[0]]["guesses"][0][0])
    assert (False, []) == (rows[ids[1]]["learned_since"], rows[ids[1]]["guesses"])
