"""The page's audit: drawn, judged, taken back, and what follows from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.audit.session import open_session
from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog
from classifier.catalog.stats import library_stats
from classifier.filing.undo import undo
from classifier.local_time import local_date
from classifier.records import AnnotationKind
from classifier.web.learner_process import LearnerStatus
from kit.audits import Kind, filed_library
from kit.reviewing import served
from kit.tree import all_files

if TYPE_CHECKING:
    from starlette.testclient import TestClient


@pytest.fixture
def library(tmp_path: Path) -> Path:
    kinds = [Kind(category=name, confidences=[0.9, 0.95, 0.99, 0.97]) for name in ("chibi", "page")]
    return filed_library(tmp_path, *kinds, sort={"max_error": 0.4})


def post(client: TestClient, path: str, **sent: Any) -> dict[str, Any]:
    return dict(client.post(f"/api/audit{path}", json=sent).raise_for_status().json()["audit"])


def say(client: TestClient, told: dict[str, Any], said: str, category: str | None = None) -> dict[str, Any]:
    picture = told["pictures"][0]["picture"]
    return post(client, "/say", answers=[{"picture": picture, "said": said, "category": category}])


def test_an_answer_from_another_page_is_seen(library: Path) -> None:
    with served(library) as client:
        none = client.get("/api/audit").json()["audit"]
        assert (0, None) == (none["drawn"], none["earlier"])
        told = post(client, "/begin", count=5)
        told = say(client, told, "right", told["pictures"][0]["category"])
        second = told["pictures"][0]["picture"]
        with open_session(library) as session:
            assert session.state.current is not None
            assert (second, 1) == (session.state.current.image_id, session.state.asked)
            session.answer(AnnotationKind.RIGHT)
        told = dict(client.get("/api/audit").json()["audit"])

    assert (5, 2, 0, False) == tuple(told[key] for key in ("drawn", "asked", "wrong", "finished"))
    assert 3 == len(told["pictures"])
    assert told["at_most"] is None  # two answers say nothing of all


def test_the_page_samples_only_what_status_counts_as_filed(library: Path) -> None:
    with served(library) as client:
        told = client.get("/api/audit").json()["audit"]

    assert (8, 8) == (told["usual"], told["there"])
    assert 8 == sum(library_stats(library).filed.values())


def test_an_audit_of_an_earlier_sorting_is_named(library: Path) -> None:
    with open_session(library) as session:
        day = local_date(session.state.audit.at)
    undo(library)
    with served(library) as client:
        told = client.get("/api/audit").json()["audit"]

    assert (0, day) == (told["drawn"], told["earlier"])


def test_an_image_of_another_category_is_wrong_and_can_be_filed_there(library: Path) -> None:
    with served(library) as client:
        told = post(client, "/begin", count=3)
        row = told["pictures"][0]
        other = {"chibi": "page", "page": "chibi"}[row["category"]]
        told = say(client, told, "right", other)
        state = client.get("/api/state").json()
        assert (1, 1, 1) == (told["wrong"], state["to_file"], state["steps"])
        for _ in range(2):
            told = say(client, told, "right", told["pictures"][0]["category"])
        assert (True, 1, 0) == (told["finished"], told["wrong"], told["misfiled"])
        post(client, "/back", steps=3)
        post(client, "/back", steps=2)
        back = post(client, "/back", steps=1)
        again = post(client, "/back", steps=1)
        state = client.get("/api/state").json()

    assert row["picture"] == back["pictures"][0]["picture"]
    assert (0, 0, back) == (state["to_file"], state["steps"], again)
    with read_catalog(library) as catalog:
        assert 0 == annotation_log.count(catalog)


def test_right_is_right_though_the_category_was_renamed_meanwhile(library: Path) -> None:
    with served(library) as client:
        told = post(client, "/begin", count=8)
        for old in ("chibi", "page"):
            client.post("/api/categories", json={"rename": old, "to": f"{old} anew"}).raise_for_status()
        while told["pictures"]:
            told = say(client, told, "right", told["pictures"][0]["category"])

    assert (8, 0, True) == tuple(told[key] for key in ("asked", "wrong", "finished"))


def test_an_answer_that_is_sent_twice_counts_once(library: Path) -> None:
    with served(library) as client:
        told = post(client, "/begin", count=3)
        assert [1, 1] == [say(client, told, "wrong", told["pictures"][0]["category"])["asked"] for _ in range(2)]


def test_a_skip_that_is_sent_twice_counts_once(library: Path) -> None:
    with served(library) as client:
        told = post(client, "/begin", count=1)
        skip = {"picture": told["pictures"][0]["picture"], "said": "skipped", "category": None}
        once, twice = (post(client, "/say", answers=[skip], steps=0) for _ in range(2))
        again = post(client, "/say", answers=[skip], steps=1)

    assert (False, once, True) == (once["finished"], twice, again["finished"])


def test_a_missed_target_is_reported_with_a_threshold_that_keeps_it(library: Path) -> None:
    with served(library) as client:
        told = post(client, "/begin", count=8)
        while told["pictures"]:
            is_bad = told["pictures"][0]["confidence"] < 0.96
            told = say(client, told, "wrong" if is_bad else "right", told["pictures"][0]["category"])
        assert (True, False, "40.0%", 4) == tuple(told[key] for key in ("finished", "kept", "target", "misfiled"))
        assert [("chibi", 4, 4, 2), ("page", 4, 4, 2)] == [
            tuple(one[key] for key in ("name", "filed", "asked", "wrong")) for one in told["categories"]
        ]
        assert {"threshold": "0.95", "kept": 6, "filed": 8} == told["offer"]
        filed = client.post("/api/audit/file", json={}).raise_for_status().json()
        refused = client.post("/api/audit/file", json={"by_threshold": True})

    assert (4, 0, 409) == (filed["moved"], filed["audit"]["drawn"], refused.status_code)
    names = [name for name in all_files(library) if not name.startswith((".illsort", "_broken"))]
    assert {"_review": 4, "chibi": 2, "page": 2} == Counter(name.split("/")[0] for name in names)


def test_another_error_rate_than_that_of_the_last_sort_can_be_set(library: Path) -> None:
    with served(library, max_error=0.7) as client:
        told = post(client, "/begin", count=8)
        while told["pictures"]:
            told = say(client, told, "wrong" if told["asked"] % 2 else "right", told["pictures"][0]["category"])

    assert ("70.0%", True, None) == (told["target"], told["kept"], told["offer"])


def test_a_missing_image_is_skipped_and_counts_as_wrong(library: Path) -> None:
    with served(library) as client:
        told = post(client, "/begin", count=8)
        gone = told["pictures"][0]
        (library / gone["category"] / gone["name"]).unlink()
        told = dict(client.get("/api/audit").json()["audit"])

    assert 1 == told["skipped"]
    assert gone["picture"] != told["pictures"][0]["picture"]


@pytest.mark.parametrize("sent", [{"count": -1}, {"count": "5"}, {"count": 10**9}])
def test_only_a_number_of_images_is_accepted_as_a_sample_size(library: Path, sent: dict[str, Any]) -> None:
    with served(library) as client:
        assert 400 == client.post("/api/audit/begin", json=sent).status_code


def test_audit_answers_are_learned_from_too(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr(LearnerStatus, "add_answers", lambda _, words: heard.append(words))
    with served(library) as client:
        told = post(client, "/begin", count=5)
        say(client, told, "right", told["pictures"][0]["category"])
        post(client, "/back", steps=1)

    assert [1, 1] == heard


def test_an_audit_until_a_rate_is_shown_says_how_many_more_it_takes(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.9] * 60), sort={"max_error": 0.2})
    with served(library) as client:
        rate = client.get("/api/audit").json()["audit"]["rate"]
        told = post(client, "/begin", until=rate)
        drawn = told["drawn"]
        left = []
        while not told["finished"]:
            told = say(client, told, "right", "chibi")
            left.append(told["left_at_this_rate"])

    assert (0.2, 60, "20.0%") == (rate, drawn, told["until"])
    assert (True, True, len(left)) == (told["shown"], told["kept"], told["asked"])
    assert [*range(len(left) - 1, 0, -1), None] == left


def test_a_stricter_threshold_ends_an_audit_that_goes_on(tmp_path: Path) -> None:
    kinds = Kind(category="chibi", confidences=[0.99] * 200 + [0.5] * 20)
    library = filed_library(tmp_path, kinds)
    with served(library) as client:
        told = post(client, "/begin", until=0.1)
        while not told["finished"] and told["offer"] is None:
            is_low = int(told["pictures"][0]["name"].split()[1].split(".")[0]) >= 200
            told = say(client, told, "wrong" if is_low else "right", "chibi")
        filed = client.post("/api/audit/file", json={"by_threshold": True}).raise_for_status().json()

    assert (False, "0.99") == (told["finished"], told["offer"]["threshold"])
    assert 20 == filed["moved"]
    assert {"chibi": 200} == library_stats(library).filed
