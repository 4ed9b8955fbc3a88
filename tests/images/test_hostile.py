"""Hostile and odd images are sorted without an abort: one row each."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from classifier.images.walk import find_images
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

pytestmark = [pytest.mark.real, pytest.mark.skipif(not DATA.is_dir(), reason="the real pictures are not here")]


@pytest.mark.parametrize("name", ["hostile", "odd"])
def test_every_wreck_ends_in_exactly_one_place(tmp_path: Path, name: str) -> None:
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    for path in (DATA / name).iterdir():
        (crawl / path.name).write_bytes(path.read_bytes())
    claimed = sum(1 for _ in find_images(crawl))
    bundle = color_bundle(tmp_path / "model").folder
    started, before = time.monotonic(), os.times()
    summary = sort(
        crawl, library=tmp_path / "sorted", bundle=bundle, settings=Settings(runtime=RuntimeSettings(workers=2))
    )
    spent = os.times().children_user - before.children_user

    assert claimed == summary["pictures"] > 0
    assert claimed == sum(summary[key] for key in ("filed", "review", "unknown", "broken", "duplicates", "failed"))
    assert 0 == summary["failed"]
    print(f"{name}: {summary}, {time.monotonic() - started:.1f} s, workers {spent:.1f} s")  # noqa: T201 - figures
