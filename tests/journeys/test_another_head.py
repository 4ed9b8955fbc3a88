"""More labels, another head over the same backbone, and the library follows without a picture of it being read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fault_injection import kill_command
from kit.bundles import color_bundle, with_another_head
from kit.learning import drawn_examples
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files, make_tree

CRAWLED = 24


def fill(crawl: Path) -> None:
    pictures = {
        f"{n:02}.png": encoded(varied(COLORS[("red", "green", "blue")[n % 3]], seed=n), "PNG") for n in range(CRAWLED)
    }
    make_tree(crawl, pictures)


def sorted_by(folder: Path, bundle: Path, counts: str, *, instant: str = "never") -> tuple[int, int]:
    """Exit status, and how many pictures were read and inferred."""
    words = ("sort", folder / "crawl", "--out", folder / "sorted", "--model", bundle, "--workers", "0", "--json")
    status, _, _ = kill_command.run(instant, 1, folder / counts, *words)
    return status, kill_command.counted(folder / counts, "read") + kill_command.counted(folder / counts, "inferred")


def train(folder: Path, name: str, *more: str) -> Path:
    settings = {"labels.folder": folder / "labels", "model.folder": folder / name, "train.recipe": "head"}
    words = [f"{key}={value}" for key, value in settings.items()] + ["model.image_size=64", "runtime.workers=0", *more]
    status, out, err = kill_command.run(
        "never", 1, folder / "training", "train", *(word for one in words for word in ("--set", one))
    )
    assert 0 == status, out + err
    return folder / name


def key_of(bundle: Path) -> str:
    values = json.loads((bundle / "illsort.json").read_text("utf-8"))
    return str(values["backbone_sha256"])


def test_more_labels_and_another_head_read_no_picture_that_is_known(tmp_path: Path) -> None:
    fill(tmp_path / "crawl")
    drawn_examples(tmp_path / "labels", first=100, count=6)
    first = train(tmp_path, "first")
    assert (0, 2 * CRAWLED) == sorted_by(tmp_path, first, "once")
    drawn_examples(tmp_path / "labels", first=200, count=6)
    second = train(tmp_path, "second")
    third = train(tmp_path, "third", f"model.backbone=local-dir:{first}")

    assert (0, 0) == sorted_by(tmp_path, second, "twice")
    assert (0, 0) == sorted_by(tmp_path, third, "three times")
    assert key_of(first) == key_of(second) == key_of(third) != ""
    filed = [name for name in all_files(tmp_path / "sorted") if name.endswith(".png")]
    assert CRAWLED == len(filed)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is what a power cut is nearest to")
def test_a_kill_between_shard_and_commit_loses_nothing(tmp_path: Path) -> None:
    model = color_bundle(tmp_path / "model")
    other = with_another_head(tmp_path / "other", model).folder
    for name in ("whole", "killed"):
        fill(tmp_path / name / "crawl")
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    assert kill_command.KILLED == sorted_by(killed, model.folder, "first", instant="keeping")[0]
    left = {path: path.stat().st_size for path in (killed / "sorted" / ".illsort").rglob("*.rows")}
    assert 2 == len(left)  # embeddings and looks
    assert (0, 2 * CRAWLED) == sorted_by(killed, model.folder, "again")
    assert (0, 2 * CRAWLED) == sorted_by(whole, model.folder, "first")

    assert left == {path: path.stat().st_size for path in (killed / "sorted" / ".illsort").rglob("*.rows")}
    for folder in (whole, killed):
        assert (0, 0) == sorted_by(folder, other, "other head")
    assert all_files(whole / "sorted") == all_files(killed / "sorted")
