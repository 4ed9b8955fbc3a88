"""What a sort keeps in memory does not grow with the pictures that it files; what the network gives is drawn here."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from classifier.catalog.connection import open_catalog
from classifier.images.safe_open import image_file
from classifier.inference.pipeline import Inferred
from classifier.inference.worker_pool import Paths
from classifier.model.bundle import open_bundle
from classifier.records import ImageId, ImageInfo
from classifier.settings import RuntimeSettings, Settings
from classifier.sort import predict
from classifier.sort.pipeline import sort

YEAR_2020 = 1_577_836_800
PICTURES, EVERY = 600, 60
MOST_A_PICTURE = 500
"""Bytes: less than what is known of one picture takes, and more than what varies."""


def make_crawl(crawl: Path) -> None:
    """Files that nobody decodes."""
    crawl.mkdir()
    for number in range(PICTURES):
        file = crawl / f"{number}.jpg"
        file.write_bytes(b"\xff\xd8%d" % number)
        os.utime(file, (YEAR_2020, YEAR_2020))  # at one that is just being written a sort looks twice


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch, bundle: Path) -> list[int]:
    """The memory of Python and numpy in bytes, after every 60 pictures that came from a network that draws."""
    taken: list[int] = []
    head = open_bundle(bundle).load_head().weight

    def drawn(_engine: object, paths: Paths, *_: object, **__: object) -> Iterator[Inferred]:
        rng = np.random.default_rng(0)
        for key in range(len(paths)):
            if key == 0:
                tracemalloc.start()
            elif key % EVERY == 0:
                taken.append(tracemalloc.get_traced_memory()[0])
            path, identity = paths[key], hashlib.sha256(paths[key].read_bytes()).hexdigest()
            yield Inferred(
                key=key,
                file=image_file(path, path.stat()),
                image=ImageInfo(id=ImageId(identity), size_bytes=9, width=9, height=9, truncated=False),
                embedding=rng.random((head.shape[1],), dtype=np.float32),
                logits=rng.normal(0, 6, len(head)).astype(np.float32),
                stats=rng.random((16,), dtype=np.float32),
            )

    monkeypatch.setattr(predict, "infer_with", drawn)
    monkeypatch.setattr(predict, "_BATCH", EVERY)  # nothing waits to be recorded when memory is looked at
    monkeypatch.setattr(predict, "_SECONDS", 1000.0)
    return taken


def test_memory_does_not_grow_with_the_pictures_filed(tmp_path: Path, bundle: Path, taken: list[int]) -> None:
    make_crawl(tmp_path / "crawl")
    settings = Settings(runtime=RuntimeSettings(workers=0))
    try:
        summary = sort(tmp_path / "crawl", library=tmp_path / "sorted", bundle=bundle, settings=settings)
    finally:
        tracemalloc.stop()

    assert PICTURES == summary["pictures"]
    grown = [after - before for before, after in pairwise(taken)]
    assert median(grown[2:]) < MOST_A_PICTURE * EVERY, taken  # what is loaded once is a single step


def test_the_catalog_keeps_at_most_32_megabytes_of_itself_in_memory(tmp_path: Path) -> None:
    with open_catalog(tmp_path / "sorted") as catalog:
        assert (-32 * 1024,) == catalog.connection.execute("PRAGMA cache_size").fetchone()
