"""A sort that has nothing to predict does without torch, which takes seconds to import."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.model.bundle import open_bundle
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle, with_another_head
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

ROOT = Path(__file__).resolve().parents[2]
SLOW = {"torch", "torchvision", "timm", "sklearn"}
PROGRAM = """
import sys
from classifier.cli.main import run

try:
    run()
finally:
    print(sorted(sys.modules))
"""


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """A picture of each color."""
    folder = tmp_path / "crawl"
    make_tree(folder, {f"{color}.png": encoded(varied(COLORS[color], seed=1), "PNG") for color in COLORS})
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that tells unknown pictures too."""
    return color_bundle(tmp_path / "model", novelty=True).folder


@pytest.fixture
def library(tmp_path: Path, crawl: Path, model: Path) -> Path:
    """The crawl, sorted."""
    folder = tmp_path / "sorted"
    sort(crawl, library=folder, bundle=model, settings=Settings(runtime=RuntimeSettings(workers=0)))
    return folder


def imported_by(*arguments: str | Path) -> set[str]:
    """The packages that the command line has imported when it has done this."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = ast.literal_eval(done.stdout.splitlines()[-1])
    return {name.partition(".")[0] for name in names}


def test_known_pictures_are_sorted_without_torch(crawl: Path, library: Path) -> None:
    (crawl / "red.png").rename(crawl / "renamed.png")

    assert set() == SLOW & imported_by("sort", crawl, "--out", library)


def test_another_head_decides_without_torch(crawl: Path, library: Path, model: Path, tmp_path: Path) -> None:
    other = with_another_head(tmp_path / "other", open_bundle(model), novelty=True).folder

    assert set() == SLOW & imported_by("sort", crawl, "--out", library, "--model", other)


def test_timm_is_not_imported_where_onnx_runtime_runs_the_network(
    crawl: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(tmp_path / "cache"))
    onnx = ("--engine", "onnx", "--workers", "0")
    first = imported_by("sort", crawl, "--out", tmp_path / "first", "--model", model, *onnx)
    then = imported_by("sort", crawl, "--out", tmp_path / "then", "--model", model, *onnx)

    assert {"torch", "timm", "onnxruntime"} <= first
    assert {"torch", "onnxruntime"} == {"torch", "torchvision", "timm", "onnxruntime"} & then


def test_torch_is_imported_for_a_new_picture(crawl: Path, library: Path) -> None:
    (crawl / "new.png").write_bytes(encoded(varied(COLORS["red"], seed=2), "PNG"))

    assert "torch" in imported_by("sort", crawl, "--out", library, "--workers", "0")
