"""What the browser is told and may say: pictures by id, names as they are, words from a short list, never a path."""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from classifier.catalog.lock import hold_lock
from kit.reviewing import SURE, blended, served, unsure_library
from kit.tree import MARKUP, all_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture
def library(tmp_path: Path, bundle: Path) -> Path:
    return unsure_library(tmp_path, bundle, 7)


@pytest.fixture
def client(library: Path) -> Iterator[TestClient]:
    with served(library) as client:
        yield client


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[TestClient]:
    """One page for all tests that change nothing."""
    with served(unsure_library(tmp_path_factory.mktemp("read"), bundle, 7)) as client:
        yield client


def queue(client: TestClient, **query: str) -> list[dict[str, Any]]:
    return list(client.get("/api/queue", params=query).json()["pictures"])


def test_a_picture_comes_with_its_reason_and_the_best_guesses(reader: TestClient) -> None:
    rows = queue(reader)
    row = rows[0]

    assert 7 == len(rows)
    assert sorted(row["confidence"] for row in rows) == [row["confidence"] for row in rows]
    assert f"{MARKUP}.png" in row["name"]
    assert f": below {SURE:g}" in row["reason"]
    assert (row["category"], pytest.approx(row["confidence"])) == tuple(row["guesses"][0])
    assert pytest.approx(1) == sum(share for _, share in row["guesses"])
    assert (320, 240) == (row["width"], row["height"])


def test_pages_follow_each_other_without_a_gap(reader: TestClient) -> None:
    first = reader.get("/api/queue", params={"limit": 4}).json()
    second = reader.get("/api/queue", params={"limit": 4, "after": json.dumps(first["next"])}).json()

    assert [row["picture"] for row in queue(reader)] == [
        row["picture"] for row in first["pictures"] + second["pictures"]
    ]
    assert second["next"] is None


def test_the_state_has_keys_and_counts(reader: TestClient) -> None:
    state = reader.get("/api/state").json()

    assert [("blue", "1"), ("green", "2"), ("red", "3")] == [(one["name"], one["key"]) for one in state["categories"]]
    assert (7, {}, 0, 0, 0, "sorted") == (
        sum(state["waiting"]["review"].values()),
        state["waiting"]["unknown"],
        *(state[key] for key in ("skipped", "to_file", "steps", "library")),
    )


def test_decided_filed_and_taken_back_through_the_page(client: TestClient, library: Path) -> None:
    row = queue(client)[0]
    said = client.post("/api/say", json={"answers": [{"picture": row["picture"], "said": "right", "category": "red"}]})
    filed = client.post("/api/file", json={}).json()
    back = client.post("/api/back", json={}).json()

    assert (1, 1) == (said.json()["state"]["to_file"], said.json()["state"]["steps"])
    assert (1, [], 0) == (filed["moved"], filed["left"], filed["state"]["to_file"])
    assert f"red/{row['name']}" in all_files(library)
    assert ([row["picture"]], 1) == ([one["picture"] for one in back["pictures"]], back["state"]["to_file"])


def test_while_a_sort_runs_answers_are_kept_and_filing_is_refused(client: TestClient, library: Path) -> None:
    row = queue(client)[0]
    with hold_lock(library):
        said = client.post("/api/say", json={"answers": [{"picture": row["picture"], "said": "none of these"}]})
        filed = client.post("/api/file", json={})

    assert (200, 409) == (said.status_code, filed.status_code)
    assert "is in use by illsort" in filed.json()["error"]
    assert 1 == client.post("/api/file", json={}).json()["moved"]


@pytest.mark.parametrize("size", ["small", "large"])
def test_an_image_is_re_encoded_and_never_sent_as_it_is(client: TestClient, library: Path, size: str) -> None:
    row = queue(client)[0]
    answer = client.get(f"/picture/{row['picture']}/{size}")

    assert "image/jpeg" == answer.headers["content-type"]
    assert (320, 240) == Image.open(BytesIO(answer.content)).size
    assert answer.content not in all_files(library / "_review").values()


def test_thumbnails_are_kept_on_disk_and_served_from_there(client: TestClient, library: Path) -> None:
    row = queue(client)[0]
    first = client.get(f"/picture/{row['picture']}/small").content
    kept = library / ".illsort" / "thumbnails" / row["picture"][:2] / f"{row['picture']}.jpg"

    assert first == kept.read_bytes()
    kept.write_bytes(b"another")
    assert b"another" == client.get(f"/picture/{row['picture']}/small").content


def test_other_content_at_the_path_of_an_image_is_not_decoded(client: TestClient, library: Path) -> None:
    row = queue(client)[0]
    path = next(path for path in library.rglob("*.png") if path.name == row["name"])
    path.unlink()
    path.write_bytes(blended(99))

    assert 404 == client.get(f"/picture/{row['picture']}/large").status_code


@pytest.mark.parametrize(
    "path",
    [
        "/picture/../../etc/passwd/small",
        "/picture/%2e%2e%2f%2e%2e%2fetc%2fpasswd/small",
        "/picture//etc/passwd/large",
        f"/picture/{'0' * 64}/small",
        f"/picture/{'A' * 64}/small",
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/",
        "/static/none.js",
        "/.illsort/catalogue.sqlite",
    ],
)
def test_no_path_leads_anywhere(reader: TestClient, path: str) -> None:
    assert 404 == reader.get(path).status_code


def test_a_size_is_small_or_large(reader: TestClient) -> None:
    assert 404 == reader.get(f"/picture/{queue(reader)[0]['picture']}/9999").status_code


@pytest.mark.parametrize(
    "sent",
    [
        [],
        {},
        {"answers": []},
        {"answers": [{}]},
        {"answers": ["x"]},
        {"answers": [{"picture": "../x", "said": "skipped"}]},
        {"answers": [{"picture": "0" * 64, "said": "taken back"}]},
        {"answers": [{"picture": "0" * 64, "said": ["right"]}]},
        {"answers": [{"picture": "0" * 64, "said": "right", "category": 3}]},
        {"answers": [{"picture": "0" * 64, "said": "skipped"}] * 2},
        {"answers": [{"picture": f"{number:064}", "said": "skipped"} for number in range(201)]},
    ],
)
def test_a_request_that_the_page_never_sends_is_refused(reader: TestClient, sent: Any) -> None:
    assert 400 == reader.post("/api/say", json=sent).status_code


def test_a_category_that_does_not_exist_is_refused(client: TestClient, library: Path) -> None:
    before = all_files(library / "_review")
    answers = [{"picture": queue(client)[0]["picture"], "said": "right", "category": "../outside"}]
    refused = client.post("/api/say", json={"answers": answers})

    assert (409, "there is no category '../outside'") == (refused.status_code, refused.json()["error"])
    assert (0, before) == (client.get("/api/state").json()["to_file"], all_files(library / "_review"))


@pytest.mark.parametrize(
    "query",
    [
        {"tray": "file"},
        {"tray": "x"},
        {"order": "name; DROP TABLE verdicts"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "x"},
        {"after": "x"},
        {"after": "[1]"},
        {"after": '[{"a": 1}, "b"]'},
        {"after": "[NaN, 1]"},
    ],
)
def test_a_bad_cursor_or_limit_is_refused(reader: TestClient, query: dict[str, str]) -> None:
    assert 400 == reader.get("/api/queue", params=query).status_code


def test_a_body_that_is_no_json_or_too_long_is_refused(reader: TestClient) -> None:
    as_json = {"Content-Type": "application/json"}

    assert 400 == reader.post("/api/say", content="{", headers=as_json).status_code
    assert 413 == reader.post("/api/say", content=" " * 300_000, headers=as_json).status_code


def test_no_script_of_the_page_makes_elements_of_strings() -> None:
    page = Path(__file__).resolve().parents[2] / "classifier" / "web" / "static"
    scripts = "".join(path.read_text(encoding="utf-8") for path in page.glob("*.js"))

    assert [] == [
        word
        for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "http://", "https://")
        if word in scripts
    ]


def test_without_the_model_folder_images_are_shown_without_guesses(tmp_path: Path, bundle: Path) -> None:
    own = shutil.copytree(bundle, tmp_path / "model")
    library = unsure_library(tmp_path, own, 3)
    shutil.rmtree(own)
    with served(library) as client:
        assert [[], [], []] == [row["guesses"] for row in queue(client)]
        assert client.get("/api/state").json()["categories"]
