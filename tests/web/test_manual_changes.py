"""The page asks once about what a person did in the file manager, and does as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.catalog.lock import hold_lock
from classifier.labels.from_annotations import read_feedback
from kit.reviewing import served, unsure_library

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = {"moved": 0, "added": 0}


@pytest.fixture
def library(tmp_path: Path, bundle: Path) -> Path:
    """Of what waits in review, a person moved one picture to a category."""
    library = unsure_library(tmp_path, bundle, 4)
    first = min((library / "_review").rglob("*.png"))
    (library / "blue").mkdir(exist_ok=True)
    first.rename(library / "blue" / "mine.png")
    return library


@pytest.mark.parametrize(("learn", "labels"), [(True, ["blue"]), (False, [])])
def test_the_page_asks_once_and_does_as_answered(library: Path, learn: bool, labels: list[str]) -> None:
    with served(library) as client:
        assert client.get("/api/manual-changes").json()["by_hand"] == NOTHING | {"moved": 1}

        state = (
            client.post("/api/manual-changes", json={"learn": learn} | NOTHING | {"moved": 1})
            .raise_for_status()
            .json()["state"]
        )

        assert state["by_hand"] == NOTHING
    assert [label.category for label in read_feedback(library).labels] == labels
    with served(library) as client:
        assert client.get("/api/manual-changes").json()["by_hand"] == NOTHING


def test_while_a_sort_files_there_the_answer_waits(library: Path) -> None:
    with served(library) as client:
        client.get("/api/manual-changes")
        with hold_lock(library):
            refused = client.post("/api/manual-changes", json={"learn": True, "moved": 1, "added": 0})

        assert refused.status_code == 409
        assert client.get("/api/state").json()["by_hand"] == NOTHING | {"moved": 1}


def test_what_the_person_did_not_see_is_not_learned(library: Path) -> None:
    with served(library) as client:
        client.get("/api/manual-changes")
        second = min((library / "_review").rglob("*.png"))
        second.rename(library / "blue" / "later.png")
        refused = client.post("/api/manual-changes", json={"learn": True, "moved": 1, "added": 0})

        assert refused.status_code == 409
        assert client.get("/api/state").json()["by_hand"] == NOTHING | {"moved": 2}
    assert read_feedback(library).labels == ()
