"""Nested categories from labels to a finished library: train, sort, answer on the page, move by hand, undo, verify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kit.commands import illsort
from kit.pictures import Color, encoded, varied
from kit.reviewing import served
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

COLORS: dict[str, Color] = {
    "暖/红": (220, 40, 40),
    "暖/橙": (235, 140, 30),
    "冷/蓝": (40, 60, 220),
    "冷/青": (30, 180, 190),
    "灰": (128, 128, 128),
}
OPTIONS = (
    *("--set", "labels.depth=2", "--set", "model.image_size=128", "--set", "train.folds=2"),
    *("--set", "train.recipe=head", "--set", "runtime.workers=0"),
)


def picture(color: Color, seed: int) -> bytes:
    return encoded(varied(color, seed=seed, size=(96, 96)), "PNG")


def between(one: str, other: str, share: float, seed: int) -> bytes:
    pairs = zip(COLORS[one], COLORS[other], strict=True)
    red, green, blue = (int(share * first + (1 - share) * second) for first, second in pairs)
    return picture((red, green, blue), seed)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Labels in nested folders, and a crawl with some pictures between two categories of one parent."""
    for place, (category, color) in enumerate(COLORS.items()):
        folder = tmp_path / "labels" / category
        folder.mkdir(parents=True)
        for number in range(8):
            (folder / f"{number}.png").write_bytes(picture(color, 100 * place + number))
        (tmp_path / "crawl").mkdir(exist_ok=True)
        for number in range(2):
            path = tmp_path / "crawl" / f"{number} {category[-1]}.png"
            path.write_bytes(picture(color, 5000 + 100 * place + number))
    for number in range(8):
        path = tmp_path / "crawl" / f"warm {number}.png"
        path.write_bytes(between("暖/红", "暖/橙", 0.35 + 0.04 * number, 9000 + number))
    return tmp_path


def run(*words: object, code: int = 0) -> Any:
    ended = illsort(*words)
    assert code == ended.returncode, ended.stderr
    return ended


def files(library: Path) -> set[str]:
    return {path for path in all_files(library) if not path.startswith((".illsort", "_broken"))}


def table(library: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("export", library, "--to", "-").stdout.splitlines()]


def check_places(library: Path) -> None:
    """Every picture is in the folder that its decision names, and every command agrees."""
    rows = table(library)
    for row in rows:
        folder, category = row["path"].rpartition("/")[0], row["category"]
        parent = f"{category.split('/')[0]}/_review"
        is_of_parent = row["reason"] == "sure_of_parent"
        waiting = parent if is_of_parent else f"_review/{category}"
        assert folder == (category if row["action"] == "file" else waiting), row
        inside = sum(share for name, share in row["probabilities"].items() if name.split("/")[0] == parent[0])
        assert not is_of_parent or max(row["probabilities"].values()) < 0.9 <= inside
    assert {row["path"] for row in rows} == files(library)
    assert [] == run("verify", library, "--json").json["off"]
    status = run("status", library, "--json").json
    assert sum(row["action"] == "review" for row in rows) == sum(status["review"].values())
    assert sum(row["reason"] == "sure_of_parent" for row in rows) == status["review_in_parents"]


def test_from_nested_labels_to_a_library_and_back(home: Path) -> None:
    library, model = home / "sorted", home / "model"
    run("train", "--labels", home / "labels", "--model", model, *OPTIONS)
    assert sorted(COLORS) == json.loads((model / "config.json").read_text("utf-8"))["label_names"]
    sort = ("sort", home / "crawl", "--out", library, "--model", model, "--json")
    options = ("--set", "sort.unknown=false", "--set", "runtime.workers=0")
    summary = run(*sort, *options).json
    assert 18 == summary["filed"] + summary["review"]
    assert summary["review_in_parents"] > 0
    check_places(library)

    with served(library) as client:
        answered = answer(client)
    assert {f"{category}/{name}" for name, category in answered.items()} <= files(library)
    moved = next(path for path in sorted(files(library)) if path.startswith("灰/"))
    (library / moved).rename(library / "冷" / "青" / "mine.png")
    assert {"冷/青": 1} == run("sync", library, "--learn", "--json").json["moved"]

    before = files(library)
    run(*sort, *options)
    assert before == files(library)
    check_places(library)
    undone = [illsort("undo", library, "--json").json["undone"] for _ in range(4)]
    assert 1 in undone
    assert undone[-1] is None
    assert {"冷/青/mine.png"} == files(library)  # moved by a person, so it stays


def answer(client: TestClient) -> dict[str, str]:
    """Say of what waits in the folder of a parent that it is of a category in it, the first of a new one; by name."""
    rows = [row for row in client.get("/api/queue").json()["pictures"] if row["parent"]]
    client.post("/api/categories", json={"make": "暖/棕"}).raise_for_status()
    answered = {}
    for row in rows:
        assert row["category"].startswith(f"{row['parent']}/")
        answered[row["name"]] = row["category"] if answered else "暖/棕"
        said = {"picture": row["picture"], "said": "right", "category": answered[row["name"]]}
        client.post("/api/say", json={"answers": [said]}).raise_for_status()
    assert len(rows) == client.post("/api/file", json={}).json()["moved"]
    return answered
