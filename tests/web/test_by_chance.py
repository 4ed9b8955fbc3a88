"""The page asks about pictures drawn by chance, and counts only the next one of that order as such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.catalog.by_chance import asked_by_chance
from classifier.catalog.connection import open_catalog
from kit.chance import library_of
from kit.reviewing import served

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


def drawn(client: httpx.Client, limit: int = 3) -> list[str]:
    answer = client.get("/api/by-chance", params={"limit": limit}).raise_for_status().json()
    assert answer["next"] is None
    return [one["picture"] for one in answer["pictures"]]


def say(client: httpx.Client, picture: str, said: str = "none of these", way: str = "/api/by-chance/say") -> Any:
    answers = [{"picture": picture, "said": said, "category": None}]
    return client.post(way, json={"answers": answers}).raise_for_status().json()["state"]


def asked(library: Path) -> list[str]:
    with open_catalog(library) as catalog:
        return sorted(asked_by_chance(catalog))


def test_filed_and_waiting_pictures_are_drawn_in_one_order(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with served(library, by_chance=0.25) as client:
        assert client.get("/api/state").json()["by_chance"] == 0.25
        assert ids[:3] == drawn(client)
        say(client, ids[0])
        say(client, ids[1], "skipped")
        assert ids[2:5] == drawn(client)
    assert ids[:2] == asked(library)


def test_another_than_the_next_one_is_stored_and_counts_as_no_draw(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with served(library) as client:
        assert say(client, ids[4])["steps"] == 1
        say(client, ids[0], way="/api/say")
        assert ids[1:4] == drawn(client)
    assert [] == asked(library)


def test_an_answer_that_is_sent_twice_is_stored_once(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with served(library) as client:
        say(client, ids[0])
        assert say(client, ids[0])["steps"] == 1
    assert ids[:1] == asked(library)


def test_what_is_taken_back_is_asked_again(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with served(library) as client:
        say(client, ids[0])
        client.post("/api/back", json={}).raise_for_status()
        assert ids[:3] == drawn(client)


def test_several_answers_at_once_are_no_draw(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with served(library) as client:
        answers = [{"picture": one, "said": "none of these", "category": None} for one in ids[:2]]
        assert client.post("/api/by-chance/say", json={"answers": answers}).status_code == 400
