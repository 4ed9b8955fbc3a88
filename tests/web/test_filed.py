"""What is filed can be looked through by category and in two orders, and moved like anything that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog.connection import read_catalog
from classifier.catalog.decisions import decisions_of
from classifier.catalog.manual_moves import manually_placed
from classifier.catalog.stats import library_stats
from classifier.filing.destination import folder_for
from classifier.filing.reconcile import reconcile_if_free
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images.hashing import hash_bytes
from classifier.records import Action, Decision, ImageId
from kit.nearby import OTHERS, REPEATS, Nearby, nearby
from kit.pictures import busy, encoded
from kit.reasons import ANY
from kit.reviewing import served, waiting_library
from kit.tree import all_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

FILED = [(Action.FILE, "chibi", 0.9), (Action.FILE, "page", 0.7), (Action.FILE, "chibi", 0.8)]
WAITING = [(Action.REVIEW, "page", 0.5), (Action.UNKNOWN, "", 0.4)]


def drawn(number: int) -> bytes:
    return encoded(busy(number, (48, 48)), "PNG")


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, list[ImageId]]:
    return waiting_library(tmp_path, [*FILED, *WAITING], content=drawn)


@pytest.fixture
def client(library: tuple[Path, list[ImageId]]) -> Iterator[TestClient]:
    with served(library[0]) as client:
        yield client


def filed(client: TestClient, **query: str) -> Any:
    return client.get("/api/filed", params={"order": "surety", **query}).raise_for_status().json()


def shown(client: TestClient, **query: str) -> list[str]:
    return [item["picture"] for item in filed(client, **query)["pictures"]]


def say(client: TestClient, picture: str, category: str) -> Any:
    answers = [{"picture": picture, "said": "right", "category": category}]
    return client.post("/api/say", json={"answers": answers}).raise_for_status().json()["state"]


def test_all_that_is_filed_is_shown_the_least_confident_first(
    library: tuple[Path, list[ImageId]], client: TestClient
) -> None:
    first, second, third, *_ = library[1]

    assert [second, third, first] == shown(client)
    assert [third, first] == shown(client, category="chibi")
    assert {"chibi": 2, "page": 1} == filed(client)["counts"]


def test_a_page_goes_on_where_the_one_before_ended(library: tuple[Path, list[ImageId]], client: TestClient) -> None:
    page = filed(client, limit="2")
    rest = filed(client, limit="2", after=str(page["next"]))

    assert (2, None) == (page["next"], rest["next"])
    assert set(library[1][:3]) == {item["picture"] for item in [*page["pictures"], *rest["pictures"]]}


def test_a_picture_is_moved_when_it_is_filed_and_says_where_until_then(
    library: tuple[Path, list[ImageId]], client: TestClient
) -> None:
    folder, (first, *_) = library
    before = all_files(folder / "chibi")
    state = say(client, first, "page")

    assert (1, before) == (state["to_file"], all_files(folder / "chibi"))
    assert {first: "page"} == {
        item["picture"]: item["becomes"] for item in filed(client)["pictures"] if item["becomes"]
    }

    assert 1 == client.post("/api/file", json={}).json()["moved"]
    assert (1, 2) == (len(all_files(folder / "chibi")), len(all_files(folder / "page")))
    assert {"chibi": 1, "page": 2} == filed(client)["counts"]
    assert {None} == {item["becomes"] for item in filed(client)["pictures"]}


def test_what_a_person_decided_comes_after_what_the_model_did(
    library: tuple[Path, list[ImageId]], client: TestClient
) -> None:
    _, second, third, *_ = library[1]
    say(client, second, "chibi")
    client.post("/api/file", json={})

    assert [third, library[1][0], second] == shown(client)


def test_back_before_filing_leaves_a_picture_where_it_is(
    library: tuple[Path, list[ImageId]], client: TestClient
) -> None:
    folder, (first, *_) = library
    before = all_files(folder)
    say(client, first, "page")
    (again,) = client.post("/api/back", json={}).json()["pictures"]

    assert (first, "file", "chibi", None) == (again["picture"], again["tray"], again["category"], again["becomes"])
    client.post("/api/file", json={})
    assert {name for name in before if not name.startswith(".illsort")} <= set(all_files(folder))


def test_back_after_filing_brings_a_picture_to_where_it_was_filed(
    library: tuple[Path, list[ImageId]], client: TestClient
) -> None:
    folder, (first, *_) = library
    say(client, first, "page")
    client.post("/api/file", json={})
    state = client.post("/api/back", json={}).json()["state"]

    assert 1 == state["to_file"]
    assert 1 == client.post("/api/file", json={}).json()["moved"]
    with read_catalog(folder) as catalog:
        decided = decisions_of(catalog, [first])[first]
    assert (Action.FILE, "chibi", 0.9) == (decided.action, decided.category, decided.confidence)
    assert (2, 1) == (len(all_files(folder / "chibi")), len(all_files(folder / "page")))


def test_two_answers_are_taken_back_one_after_the_other(
    library: tuple[Path, list[ImageId]], client: TestClient
) -> None:
    first = library[1][0]
    say(client, first, "page")
    answers = [{"picture": first, "said": "none of these"}]
    client.post("/api/say", json={"answers": answers}).raise_for_status()
    becomes = [item["becomes"] for item in filed(client)["pictures"] if item["picture"] == first]
    (again,) = client.post("/api/back", json={}).json()["pictures"]

    assert ([""], "page") == (becomes, again["becomes"])


def test_undo_of_the_run_brings_the_pictures_back(library: tuple[Path, list[ImageId]]) -> None:
    folder, (first, *_) = library
    before = {name: content for name, content in all_files(folder).items() if not name.startswith(".illsort")}
    with served(folder) as client:
        say(client, first, "page")
        run = client.post("/api/file", json={}).json()["run"]
    undo(folder, run=run)

    after = {name: content for name, content in all_files(folder).items() if not name.startswith(".illsort")}
    assert before == after
    assert [] == verify(folder).off
    with served(folder) as client:
        assert {"chibi": 2, "page": 1} == filed(client)["counts"]


def test_a_renamed_category_has_its_pictures_under_the_new_name(client: TestClient) -> None:
    client.post("/api/categories", json={"rename": "chibi", "to": "sd"}).raise_for_status()

    assert {"page": 1, "sd": 2} == filed(client)["counts"]
    assert 2 == len(shown(client, category="sd"))


def test_what_a_person_takes_out_of_all_categories_is_not_shown(library: tuple[Path, list[ImageId]]) -> None:
    folder, (first, *_) = library
    (folder / "chibi" / "000.png").rename(folder / "000.png")
    reconcile_if_free(folder)
    with served(folder) as client:
        assert {"chibi": 1, "page": 1} == filed(client)["counts"] == library_stats(folder).filed
        assert first not in shown(client)


@pytest.mark.parametrize("new", ["_review/_later", "chibi/_later", "chibi/sd/_later", "_later"])
def test_answers_move_what_is_in_a_folder_of_no_category_and_back(tmp_path: Path, new: str) -> None:
    in_parent = Decision(image_id=ImageId("1"), action=Action.REVIEW, category="page", confidence=0, reason=ANY)
    folder, ids = waiting_library(tmp_path, [(Action.FILE, "chibi/sd", 0.9), *FILED, *WAITING], content=drawn)
    waiting = folder / folder_for(in_parent)
    (folder / new).parent.mkdir(parents=True, exist_ok=True)
    waiting.rename(folder / new)
    reconcile_if_free(folder)
    before = all_files(folder)
    with served(folder) as client:
        for _ in range(2):
            say(client, ids[-2], "page")
            assert 1 == client.post("/api/file", json={}).raise_for_status().json()["moved"]
            assert "page/004.png" in all_files(folder)
            client.post("/api/back", json={}).raise_for_status()
            client.post("/api/file", json={}).raise_for_status()

    assert [] == verify(folder).off
    assert sorted(before.values()) == sorted(all_files(folder).values())


@pytest.mark.parametrize("inner", ["_later", "best"])
def test_what_a_person_put_aside_goes_back_there_and_stays_held(tmp_path: Path, inner: str) -> None:
    folder, (first, *_) = waiting_library(tmp_path, FILED, content=drawn)
    (folder / "chibi" / inner).mkdir()
    (folder / "chibi" / "000.png").rename(folder / "chibi" / inner / "000.png")
    reconcile_if_free(folder)
    before = all_files(folder).keys()
    with served(folder) as client:
        for is_filed in (True, False, True):
            say(client, first, "page")
            if is_filed:
                assert 1 == client.post("/api/file", json={}).raise_for_status().json()["moved"]
            client.post("/api/back", json={}).raise_for_status()
            client.post("/api/file", json={}).raise_for_status()
            assert before == all_files(folder).keys()
            assert 0 == client.get("/api/state").json()["to_file"]
            with read_catalog(folder) as catalog:
                assert {first: f"chibi/{inner}".encode()} == manually_placed(catalog)


@pytest.fixture
def made(tmp_path: Path) -> Nearby:
    return nearby(tmp_path)


def like(client: TestClient, picture: str) -> list[str]:
    found = client.get(f"/api/filed/like/{picture}").raise_for_status().json()
    return [item["picture"] for item in found["pictures"]]


def test_what_is_most_like_a_picture_is_found_in_the_whole_library(made: Nearby) -> None:
    own, other, *_ = made.repeats
    with served(made.library) as client:
        say(client, other, "red")
        client.post("/api/file", json={})
        found = like(client, own)

    assert own == found[0]
    assert set(made.repeats) == set(found[:REPEATS])
    assert {*made.repeats, *made.others} == set(found)
    assert REPEATS + OTHERS == len(found)


def test_nothing_is_like_a_picture_that_no_sort_has_read(made: Nearby) -> None:
    with served(made.library) as client:
        assert [] == like(client, "0" * 64)


def test_labels_that_are_not_in_the_library_are_not_among_what_is_alike(made: Nearby) -> None:
    with served(made.library) as client:
        found = like(client, hash_bytes(made.labels[0].read_bytes()))

    assert {*made.repeats, *made.others} == set(found)
