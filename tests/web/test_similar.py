"""What the browser is told of what lies near: labeled pictures by id, and what waits and nearly repeats a picture."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from classifier.images.hashing import hash_bytes
from classifier.model.bundle_files import EMBEDDINGS
from kit.bundles import color_bundle
from kit.nearby import OTHERS, REPEATS, Nearby, label, nearby, size_of
from kit.pictures import busy, encoded
from kit.reviewing import blended, served, sort_again
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from classifier.records import ImageId


@pytest.fixture
def made(tmp_path: Path) -> Nearby:
    return nearby(tmp_path)


@pytest.fixture
def client(made: Nearby) -> Iterator[TestClient]:
    with served(made.library) as client:
        yield client


def near(client: TestClient, picture: ImageId) -> dict[str, Any]:
    """What is told once everything that waits is known."""
    while (told := client.get(f"/api/near/{picture}").json())["alike"] is None:
        time.sleep(0.02)
    return dict(told)


def alike(client: TestClient, picture: ImageId) -> set[str]:
    return {row["picture"] for row in near(client, picture)["alike"]}


def say(client: TestClient, said: str, *pictures: ImageId) -> Any:
    category = "red" if said in {"right", "wrong"} else None
    answers = [{"picture": picture, "said": said, "category": category} for picture in pictures]
    return client.post("/api/say", json={"answers": answers}).json()["state"]


def test_the_nearest_labeled_image_comes_first_wherever_it_is(made: Nearby, client: TestClient) -> None:
    first = near(client, made.repeats[0])["labelled"][0]
    shown = client.get(f"/picture/{first['picture']}/small")

    assert ("blue", pytest.approx(1, abs=1e-3), True) == (first["category"], first["cosine"], first["there"])
    assert (200, 120) == size_of(shown.content)
    assert shown.content != made.labels[0].read_bytes()


def test_a_missing_or_changed_labeled_image_is_listed_without_image(made: Nearby, client: TestClient) -> None:
    made.labels[0].write_bytes(encoded(busy(99, (200, 120)), "PNG"))
    made.labels[1].unlink()
    told = near(client, made.repeats[0])["labelled"]

    assert {"blue": False, "green": False, "red": True} == {one["category"]: one["there"] for one in told}
    assert 404 == client.get(f"/picture/{told[0]['picture']}/small").status_code


def test_a_bundle_cannot_make_the_page_show_another_file(made: Nearby) -> None:
    secret = made.library.parent / "secret.png"
    secret.write_bytes(encoded(busy(98, (200, 120)), "PNG"))
    away = made.library / ".." / "secret.png"
    pipe = made.library.parent / "crawl"
    label(made, (secret, away, pipe), contents=(b"one", b"two", b"three"))
    with served(made.library) as client:
        told = near(client, made.repeats[0])["labelled"]

        assert [False] * 3 == [one["there"] for one in told]
        assert {404} == {client.get(f"/picture/{one['picture']}/large").status_code for one in told}


def test_no_path_is_sent_to_the_browser(made: Nearby, client: TestClient) -> None:
    assert made.library.parent.name not in client.get(f"/api/near/{made.repeats[0]}").text


@pytest.mark.parametrize("picture", ["../../etc/passwd", "%2e%2e%2fx", "A" * 64, "0" * 63, "0" * 65, f"{'0' * 63}%0a"])
def test_a_malformed_id_finds_nothing(client: TestClient, picture: str) -> None:
    assert 404 == client.get(f"/api/near/{picture}").status_code


def test_an_unknown_image_has_no_similar_ones(client: TestClient) -> None:
    assert {"labelled": [], "alike": [], "pages": []} == client.get(f"/api/near/{'0' * 64}").json()


def test_the_other_pages_of_a_post_are_sent_in_their_order(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "model").folder
    names = ("55_p10.png", "55_p2.png", "55_p0.png", "550_p1.png", "56_p0.png", "55.png")
    pages = {name: blended(number) for number, name in enumerate(names)}
    make_tree(tmp_path / "crawl", pages | {"other": {"55_p3.png": blended(6)}})
    sort_again(tmp_path, bundle)
    first, second, tenth, *others = (
        hash_bytes(pages[name]) for name in ("55_p0.png", "55_p2.png", "55_p10.png", *names[3:])
    )

    with served(tmp_path / "sorted") as client:
        assert [second, tenth] == [row["picture"] for row in near(client, first)["pages"]]
        assert all([] == near(client, other)["pages"] for other in others)
        say(client, "right", second)
        assert [first] == [row["picture"] for row in near(client, tenth)["pages"]]


def test_near_duplicates_are_sent_as_the_queue_sends_them(made: Nearby, client: TestClient) -> None:
    told = near(client, made.repeats[0])["alike"]
    queue = {row["picture"]: row for row in client.get("/api/queue").json()["pictures"]}

    assert set(made.repeats[1:]) == {row["picture"] for row in told}
    assert [queue[row["picture"]] for row in told] == told
    assert set() == alike(client, made.others[0])


def test_an_answer_to_near_duplicates_is_one_step(made: Nearby, client: TestClient) -> None:
    before = all_files(made.library / "_review")
    state = say(client, "right", *made.repeats)
    back = client.post("/api/back", json={}).json()

    assert (1, REPEATS, OTHERS) == (state["steps"], state["to_file"], sum(state["waiting"]["review"].values()))
    assert list(made.repeats) == [row["picture"] for row in back["pictures"]]
    assert (0, 0) == (back["state"]["steps"], back["state"]["to_file"])
    assert before == all_files(made.library / "_review")


def test_answered_and_skipped_near_duplicates_are_left_out(made: Nearby, client: TestClient) -> None:
    own, right, wrong, skipped = made.repeats
    say(client, "right", right)
    say(client, "wrong", wrong)
    say(client, "skipped", skipped)

    assert {wrong} == alike(client, own)
    assert {own, wrong} == alike(client, skipped)
    say(client, "skipped", wrong)
    assert {own, wrong} == alike(client, skipped)
    client.post("/api/file", json={})
    assert set() == alike(client, own)


def test_the_page_knows_which_similar_images_there_can_be(made: Nearby) -> None:
    with served(made.library) as client:
        assert {"labelled": True, "alike": True} == client.get("/api/near").json()
    (made.bundle / EMBEDDINGS).unlink()
    with served(made.library) as client:
        assert {"labelled": False, "alike": True} == client.get("/api/near").json()
        assert [] == near(client, made.repeats[0])["labelled"]
        assert set(made.repeats[1:]) == alike(client, made.repeats[0])


def test_without_a_model_copies_are_known_and_without_what_is_kept_nothing(made: Nearby) -> None:
    (made.bundle / "illsort.json").unlink()
    with served(made.library) as client:
        assert {"labelled": False, "alike": True} == client.get("/api/near").json()
        assert set(made.repeats[1:]) == alike(client, made.repeats[0])
        assert [] == near(client, made.repeats[0])["labelled"]
    for path in (made.library / ".illsort" / "embeddings").rglob("*.rows"):
        path.unlink()
    with served(made.library) as client:
        assert {"labelled": [], "alike": [], "pages": []} == near(client, made.repeats[0])
