"""Doubtful labels on the page: what is said of one is what training reads in place of the label, and it stays said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.images.hashing import hash_bytes
from classifier.labels.dataset import read_examples
from classifier.labels.from_annotations import read_feedback
from classifier.labels.load import read_labels
from classifier.model.bundle_files import EMBEDDINGS, EVALUATION
from classifier.model.labeled_embeddings import load_labeled_embeddings
from classifier.progress import SilentProgress
from classifier.records import Annotation, AnnotationKind, ImageId
from classifier.web.pending_moves import file_decided
from kit.doubts import Doubted, doubted
from kit.labels import read_here
from kit.reviewing import served
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient


@pytest.fixture
def made(tmp_path: Path) -> Doubted:
    return doubted(tmp_path)


def doubts(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/api/doubts").raise_for_status().json()["doubts"])


def say(client: TestClient, picture: str, said: str, category: str | None = None) -> dict[str, Any]:
    answers = [{"picture": picture, "said": said, "category": category}]
    return dict(client.post("/api/doubts/say", json={"answers": answers}).raise_for_status().json()["doubts"])


def back(client: TestClient, **sent: int) -> dict[str, Any]:
    return dict(client.post("/api/doubts/back", json=sent).raise_for_status().json()["doubts"])


def pictures(told: dict[str, Any]) -> list[str]:
    return [row["picture"] for row in told["pictures"]]


def trained_on(made: Doubted, library: Path | None) -> dict[str, str]:
    """The category that a training learns for each labeled picture, by its file's name."""
    examples, _ = read_examples(
        read_labels(folder=made.labels, csv_file=None),
        read=read_here,
        progress=SilentProgress(),
        feedback=read_feedback(library),
    )
    return {one.label.path.name: one.label.category for one in examples if one.label.category}


def test_the_most_likely_issue_comes_first(made: Doubted) -> None:
    with served(made.library) as client:
        told = doubts(client)

    path = made.wrong[0]
    first = {"picture": made.image_ids[0], "name": path.name, "path": str(path), "confidence": 0.98}
    assert (3, 3, 0, list(made.image_ids)) == (told["of"], told["left"], told["steps"], pictures(told))
    assert first | {"category": path.parent.name, "likely": made.colors[0]} == told["pictures"][0]
    assert str(made.library) in told["option"]


def test_a_doubtful_label_is_compared_with_labels_that_are_not(made: Doubted) -> None:
    with served(made.library) as client:
        issue = doubts(client)["pictures"][0]
        compared = client.get(f"/api/doubts/{issue['picture']}").raise_for_status().json()
        other = client.get(f"/api/doubts/{'0' * 64}")

    assert (409, {"category", "likely"}) == (other.status_code, set(compared))
    for name, found in compared.items():
        folder = made.labels / issue[name]
        sound = {hash_bytes(path.read_bytes()) for path in folder.iterdir() if path.stem[:-2] == folder.name}
        assert sound == {one["picture"] for one in found}
        assert {(issue[name], True)} == {(one["category"], one["there"]) for one in found}


def test_training_uses_the_answer_in_place_of_the_wrong_label(made: Doubted) -> None:
    wrong = trained_on(made, made.library)
    before = all_files(made.labels), all_files(made.library / "_review")
    with served(made.library) as client:
        say(client, made.image_ids[0], "right", made.colors[0])
        say(client, made.image_ids[1], "none of these")
        say(client, made.image_ids[2], "right", made.wrong[2].parent.name)

    names = [path.name for path in made.wrong]
    assert {path.name: path.parent.name for path in made.wrong}.items() <= wrong.items()
    right = {name: category for name, category in wrong.items() if name != names[1]} | {names[0]: made.colors[0]}
    assert right == trained_on(made, made.library)
    assert before == (all_files(made.labels), all_files(made.library / "_review"))
    with read_catalog(made.library) as catalog:
        place = catalog.connection.execute("SELECT 1 FROM places WHERE picture = ?", (made.image_ids[0],)).fetchone()
    assert None is place


def test_an_answered_issue_does_not_come_back_after_a_restart(made: Doubted) -> None:
    with served(made.library) as client:
        say(client, made.image_ids[0], "right", made.colors[0])
        say(client, made.image_ids[2], "right", made.wrong[2].parent.name)
    with served(made.library) as client:
        told = doubts(client)

    assert ([made.image_ids[1]], 3, 1, 2) == (pictures(told), told["of"], told["left"], told["steps"])


def test_any_number_of_answers_are_undone_also_after_a_restart(made: Doubted) -> None:
    with served(made.library) as client:
        say(client, made.image_ids[0], "right", made.colors[0])
        say(client, made.image_ids[1], "skipped")
    with served(made.library) as client:
        assert list(made.image_ids[1:]) == pictures(back(client, steps=2))
        assert list(made.image_ids[1:]) == pictures(back(client, steps=2))
        assert list(made.image_ids) == pictures(back(client, steps=1))
        assert 0 == back(client)["steps"]

    assert trained_on(made, None) == trained_on(made, made.library)


def test_skipped_issues_come_after_the_others(made: Doubted) -> None:
    first, second, third = made.image_ids
    with served(made.library) as client:
        say(client, second, "skipped")
        assert [third, second, first] == pictures(say(client, first, "skipped"))
        assert [third, first] == pictures(say(client, second, "right", made.colors[1]))


def test_an_answer_that_is_sent_twice_counts_once(made: Doubted) -> None:
    with served(made.library) as client:
        for _ in range(2):
            told = say(client, made.image_ids[0], "right", made.colors[0])

    assert 1 == told["steps"]


@pytest.mark.parametrize(
    ("said", "category", "why"),
    [("right", "heron", "there is no category 'heron'"), ("wrong", "red", "say of which"), ("right", None, "None")],
)
def test_an_answer_that_makes_no_label_is_refused(made: Doubted, said: str, category: str | None, why: str) -> None:
    answers = [{"picture": made.image_ids[0], "said": said, "category": category}]
    with served(made.library) as client:
        refused = client.post("/api/doubts/say", json={"answers": answers})
        told = doubts(client)

    assert (409, 0, True) == (refused.status_code, told["steps"], why in refused.json()["error"])


def test_an_image_without_a_label_issue_is_refused(made: Doubted) -> None:
    with served(made.library) as client:
        answers = [{"picture": "0" * 64, "said": "right", "category": "red"}]
        assert 409 == client.post("/api/doubts/say", json={"answers": answers}).status_code
        assert 400 == client.post("/api/doubts/say", json={"answers": []}).status_code
        assert 400 == client.post("/api/doubts/back", json={"steps": "one"}).status_code


def test_an_answer_in_the_queue_resolves_the_label_issue(tmp_path: Path) -> None:
    made = doubted(tmp_path, crawled=1)
    with served(made.library) as client:
        answers = [{"picture": made.image_ids[0], "said": "right", "category": made.colors[0]}]
        client.post("/api/say", json={"answers": answers}).raise_for_status()
        assert list(made.image_ids[1:]) == pictures(doubts(client))


def test_an_image_in_the_library_is_filed_by_its_issue_answer(tmp_path: Path) -> None:
    made = doubted(tmp_path, crawled=1)
    picture, name, color = made.image_ids[0], made.wrong[0].name, made.colors[0]
    with served(made.library) as client:
        waiting = client.get("/api/state").json()["to_file"]
        say(client, picture, "right", made.wrong[0].parent.name)
        assert (0, 1) == (waiting, client.get("/api/state").json()["to_file"])
    filed = file_decided(made.library)
    assert filed is not None
    assert (made.library / made.wrong[0].parent.name / name).is_file()
    with served(made.library) as client:
        back(client)
        assert 1 == client.get("/api/state").json()["to_file"]
        say(client, picture, "right", color)
        assert 1 == client.get("/api/state").json()["to_file"]
    file_decided(made.library)

    assert (made.library / color / name).is_file()
    assert [made.library / color / name] == [one for one in made.library.rglob("*") if one.name == name]


def test_undo_leaves_a_newer_answer_of_the_queue_alone(tmp_path: Path) -> None:
    made = doubted(tmp_path, crawled=1)
    picture = made.image_ids[0]
    with served(made.library) as client:
        say(client, picture, "right", "blue")
        answers = [{"picture": picture, "said": "right", "category": "red"}]
        client.post("/api/say", json={"answers": answers}).raise_for_status()
        file_decided(made.library)
        back(client)
        assert 0 == client.get("/api/state").json()["to_file"]
    with read_catalog(made.library) as catalog:
        assert "red" == annotation_log.latest(catalog)[picture].category
        row = catalog.connection.execute("SELECT action FROM decisions WHERE picture = ?", (picture,)).fetchone()
    assert ("file",) == row


def test_an_issue_between_merged_categories_is_none(made: Doubted) -> None:
    with served(made.library) as client:
        old, new = made.wrong[0].parent.name, made.colors[0]
        client.post("/api/categories", json={"rename": old, "to": new}).raise_for_status()
        told = doubts(client)

    assert made.image_ids[0] not in pictures(told)
    assert all(old not in (row["category"], row["likely"]) for row in told["pictures"])
    assert len(told["pictures"]) == told["of"] == told["left"]


def test_ruling_out_a_third_category_resolves_no_issue(made: Doubted) -> None:
    with served(made.library) as client:
        likely = next(row["likely"] for row in doubts(client)["pictures"] if row["picture"] == made.image_ids[0])
    (third,) = {"red", "green", "blue"} - {made.wrong[0].parent.name, likely}
    for other, is_asked in ((third, True), (likely, False)):
        with open_catalog(made.library) as catalog:
            word = Annotation(
                image_id=made.image_ids[0], kind=AnnotationKind.WRONG, category=other, origin="audit", at="2026-11-24"
            )
            annotation_log.add(catalog, word)
        with served(made.library) as client:
            assert is_asked == (made.image_ids[0] in pictures(doubts(client)))


@pytest.mark.parametrize(
    "evaluation",
    ["", "[]", "{}", '{"doubts": null}', '{"doubts": {"labels": 3}}', '{"doubts": {"labels": [4, {"path": 1}, ODD]}}'],
)
def test_a_model_without_issues_has_none(made: Doubted, evaluation: str) -> None:
    odd = {"picture": "../x", "path": str(made.wrong[0]), "category": "red", "likely": "blue", "confidence": 0.5}
    (made.bundle / EVALUATION).write_text(evaluation.replace("ODD", json.dumps(odd)), encoding="utf-8")
    with served(made.library) as client:
        assert (0, []) == (doubts(client)["of"], pictures(doubts(client)))


def test_a_model_without_its_evaluation_has_no_issues(made: Doubted) -> None:
    (made.bundle / EVALUATION).unlink()
    with served(made.library) as client:
        assert 0 == doubts(client)["of"]


def test_a_model_trained_anew_has_issues_of_its_own(made: Doubted) -> None:
    with served(made.library) as client:
        assert 3 == doubts(client)["of"]
        found = json.loads((made.bundle / EVALUATION).read_text(encoding="utf-8"))
        del found["doubts"]["labels"][0]
        found["doubts"]["labels"][0]["confidence"] = float("nan")
        (made.bundle / EVALUATION).write_text(json.dumps(found), encoding="utf-8")

        assert [made.image_ids[2]] == pictures(doubts(client))


def test_a_label_whose_file_is_gone_is_no_issue_and_can_be_undone(made: Doubted) -> None:
    first, _, third = made.image_ids
    with served(made.library) as client:
        say(client, first, "right", "red")
        made.wrong[0].unlink()
        made.wrong[1].rename(made.wrong[1].with_name("elsewhere.png"))
        told = doubts(client)
        assert (1, 1, 1, [third]) == (told["of"], told["left"], told["steps"], pictures(told))
        told = back(client, steps=1)

    assert (1, 1, 0) == (told["of"], told["left"], told["steps"])


def test_an_answer_of_no_category_is_shown_and_undone_after_training(made: Doubted) -> None:
    """As after sorting again by what was learned: the model's labels are without it, its doubts are as they were."""
    with served(made.library) as client:
        say(client, made.image_ids[0], "none of these")
        kept = load_labeled_embeddings(made.bundle / EMBEDDINGS, categories=3)
        rows = np.array([one != made.image_ids[0] for one in kept.image_ids])
        ids, paths = (tuple(np.array(one)[rows].tolist()) for one in (kept.image_ids, kept.paths))
        left = {name: getattr(kept, name)[rows] for name in ("embeddings", "targets", "groups")}
        replace(kept, image_ids=ids, paths=paths, **left).save(made.bundle / EMBEDDINGS)
        told = doubts(client)
        assert (3, 2, 1) == (told["of"], told["left"], told["steps"])
        assert list(made.image_ids) == pictures(back(client, steps=1))
        assert 200 == client.get(f"/picture/{made.image_ids[0]}/large").status_code


def test_only_the_image_of_an_issue_is_shown(made: Doubted) -> None:
    other = made.labels / "other.png"
    other.write_bytes(made.wrong[1].read_bytes())
    found = json.loads((made.bundle / EVALUATION).read_text(encoding="utf-8"))
    found["doubts"]["labels"][0] |= {"picture": "0" * 64, "path": other.as_posix()}
    (made.bundle / EVALUATION).write_text(json.dumps(found), encoding="utf-8")
    with served(made.library) as client:
        assert 404 == client.get(f"/picture/{'0' * 64}/large").status_code


def test_the_page_learns_of_an_answer_in_any_queue(tmp_path: Path) -> None:
    made = doubted(tmp_path, crawled=1)
    with served(made.library) as client:
        before = client.get("/api/state").json()["words"]
        answers = [{"picture": made.image_ids[0], "said": "skipped", "category": None}]
        after = client.post("/api/say", json={"answers": answers}).json()["state"]["words"]
        say(client, made.image_ids[1], "skipped")

        assert before < after < client.get("/api/state").json()["words"]


def test_an_issue_is_shown_though_it_was_never_in_the_crawl(made: Doubted) -> None:
    with served(made.library) as client:
        shown = client.get(f"/picture/{made.image_ids[0]}/large")

    assert (200, "image/jpeg") == (shown.status_code, shown.headers["content-type"])
    assert ImageId(made.image_ids[0]) == hash_bytes(made.wrong[0].read_bytes())
