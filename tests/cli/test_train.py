"""`illsort train` as a person runs it, with a tiny backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.commands import Ended, illsort
from kit.hub import tiny_backbone
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_backbone(tmp_path_factory.mktemp("tiny") / "backbone")


def train(folder: Path, backbone: Path, *words: str) -> Ended:
    config = folder / "mine.toml"
    config.write_text(
        f"[labels]\nfolder = '{folder / 'labels'}'\n[model]\nfolder = '{folder / 'model'}'\n"
        f"backbone = 'local-dir:{backbone}'\nimage_size = 32\n[train]\nepochs = 1\n",
        encoding="utf-8",
    )
    return illsort("train", "--config", config, *words)


def labels(folder: Path, **more: bytes) -> None:
    for kind in ("red", "green"):
        make_tree(
            folder / "labels" / kind, {f"{n}.png": encoded(varied(COLORS[kind], seed=n), "PNG") for n in range(5)}
        )
    make_tree(folder / "labels" / "red", dict(more))


def test_a_table_of_the_categories_is_printed_and_where_the_model_is(tmp_path: Path, backbone: Path) -> None:
    labels(tmp_path)
    shown = train(tmp_path, backbone)

    assert 0 == shown.returncode, shown.stderr
    rows = {words[0]: words[1:] for line in shown.stdout.splitlines() if (words := line.split())}
    assert ["1.00", "1.00", "5"] == rows["red"]  # each label is held out once
    assert ["precision", "recall", "count"] == rows["category"]
    assert "100.0% of 10 held-out labeled pictures are predicted right" in shown.stdout.splitlines()
    assert f"model: {tmp_path / 'model'}" in shown.stdout
    next_line = f"illsort sort CRAWL --out LIBRARY --model {tmp_path / 'model'} --dry-run"
    assert shown.stdout.splitlines()[-1].endswith(next_line)
    assert f"report: {tmp_path / 'model' / 'report.html'}" in shown.stdout
    assert (tmp_path / "model" / "report.html").is_file()
    assert "held out" in shown.stderr


def test_labels_that_cannot_be_read_give_exit_code_1_and_their_names(tmp_path: Path, backbone: Path) -> None:
    labels(tmp_path, **{"page.jpg": b"<html>"})
    shown = train(tmp_path, backbone, "--set", "train.recipe=head")

    assert 1 == shown.returncode
    assert "1 labeled picture could not be read" in shown.stderr
    assert "page.jpg: not a picture" in shown.stderr
    assert (tmp_path / "model" / "illsort.json").is_file()


def test_an_empty_category_is_one_line_and_exit_code_2(tmp_path: Path, backbone: Path) -> None:
    labels(tmp_path)
    (tmp_path / "labels" / "blue").mkdir()
    shown = train(tmp_path, backbone)

    assert 2 == shown.returncode
    assert [f"illsort: {tmp_path / 'labels' / 'blue'}: this category is empty"] == [
        line.split(";")[0] for line in shown.stderr.splitlines()
    ]
