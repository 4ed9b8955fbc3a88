"""List, predict, sort or decide: the three commands one after the other come to what a plain sort comes to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from kit.answers import decided
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from kit.bucket import Bucket

CRAWL: dict[str, Any] = {
    f"{color}{seed}.png": encoded(varied(COLORS[color], seed=seed), "PNG")
    for color in ("red", "green", "blue", "yellow")
    for seed in range(5)
}
CRAWL |= {"bad.png": b"<html>", "within": {"same.png": CRAWL["red1.png"]}}
SET = ("--set", "runtime.workers=0", "--set", "runtime.device=cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "model", spreads=True, novelty=True).folder


def old(folder: Path) -> Path:
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def done(*words: object) -> Any:
    ended = illsort(*words, *SET)
    assert ended.returncode in {0, 1}, ended.stderr
    return ended


def names(library: Path) -> set[str]:
    return set(all_files(library)) - {"_broken.csv"}


@pytest.mark.parametrize("kept", [True, False], ids=["embeddings", "answers"])
def test_what_was_predicted_elsewhere_is_sorted_as_if_it_were_read(tmp_path: Path, model: Path, *, kept: bool) -> None:
    crawl = old(make_tree(tmp_path / "crawl", CRAWL))
    illsort("list", crawl, "--to", tmp_path / "parts", "--part-size", 6)
    done("predict", tmp_path / "parts", "--model", model, "--to", tmp_path / "answers", *["--embeddings"] * kept)
    words = ["--model", model, "--max-error", "0.3", "--set", f"sort.neighbors={'true' if kept else 'false'}"]
    done("sort", crawl, "--out", tmp_path / "read", *words)
    sorted_ = done("sort", crawl, "--out", tmp_path / "sorted", *words, "--answers", tmp_path / "answers")

    assert "22 pictures are decided by the answers given, not read" in sorted_.stderr
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert names(tmp_path / "read") == names(tmp_path / "sorted")


def test_a_bucket_is_listed_predicted_and_decided(tmp_path: Path, model: Path, bucket: Bucket) -> None:
    crawl = old(make_tree(tmp_path / "crawl", CRAWL))
    for path in crawl.rglob("*"):
        if path.is_file():
            bucket.put(f"crawl/{path.relative_to(crawl).as_posix()}", path.read_bytes())
    parts, answers, decisions = (f"{bucket.url}/{name}" for name in ("parts", "answers", "decisions"))
    illsort("list", f"{bucket.url}/crawl", "--to", parts, "--part-size", 6)
    done("predict", parts, "--model", model, "--to", answers)
    ended = illsort("decide", answers, "--model", model, "--to", decisions, "--max-error", "0.3", "--json")
    done(
        "sort",
        crawl,
        "--out",
        tmp_path / "sorted",
        "--model",
        model,
        "--max-error",
        "0.3",
        "--set",
        "sort.neighbors=false",
    )

    assert 22 == ended.json["pictures"], ended.stderr
    assert 0 == ended.json["parts_missing"]
    rows = [row for key in bucket.keys() if key.startswith("decisions/") for row in _rows(bucket.get(key), tmp_path)]  # noqa: SIM118 - no dict
    found = {
        (row["image_id"], row["action"], row["category"], round(row["confidence"], 4), row["reason"])
        for row in rows
        if row["action"] != "failed"
    }
    assert sorted(found) == decided(tmp_path / "sorted")
    assert ["bad.png"] == [row["key"] for row in rows if row["action"] == "failed"]


def _rows(content: bytes, folder: Path) -> list[dict[str, Any]]:
    path = folder / "one.parquet"
    path.write_bytes(content)
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows
