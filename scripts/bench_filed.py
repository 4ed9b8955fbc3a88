"""How fast the page shows what is filed, and what of it is most like a picture; prints a Markdown table.

python scripts/bench_filed.py [--rows 300000] [--width 768]

A library is drawn in a temporary folder: rows as a sort leaves them and embeddings by chance, without any file.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.active.pool import load_pool
from classifier.catalog import decisions, embeddings, runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.filed_images import FiledOrder
from classifier.catalog.shards import EmbeddingBatch, ShardWriter, read_embeddings
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, ImageId
from classifier.web.filed import FiledImages
from classifier.web.most_alike import build_index
from classifier.web.session import ReviewSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.catalog.connection import Catalog

CATEGORIES = tuple(f"kind {number:02}" for number in range(30))
BACKBONE = "b" * 32
PART = 2000
PAGE = 60
COMPARED = 800
"""As many as the page compares by whole embeddings."""


def main() -> None:
    """Draw a library, and print how long each request takes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=300_000)
    options.add_argument("--width", type=int, default=768)
    asked = options.parse_args()
    print(
        f"{asked.rows:,} filed, {len(CATEGORIES)} categories, embeddings of {asked.width}",
        "\n| what | ms |\n| --- | --- |",
        sep="\n",
    )
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "sorted"
        library.mkdir()
        with open_catalog(library) as catalog:
            image_ids = draw_library(catalog, library, rows=asked.rows, width=asked.width)
            measure_pages(catalog, library)
            measure_alike(catalog, embeddings_folder(library, BACKBONE), image_ids)
    print(f"\n{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most")


def draw_library(catalog: Catalog, library: Path, *, rows: int, width: int) -> list[ImageId]:
    """Rows of filed images, each with an embedding; returns their ids."""
    chance = np.random.default_rng(0)
    run = runs.begin(catalog, kind="sort", crawl=library, mode="link", model="m", bundle=library, settings={})
    image_ids = [ImageId(hashlib.sha256(str(row).encode()).hexdigest()) for row in range(rows)]
    for first in range(0, rows, PART):
        part = image_ids[first : first + PART]
        decided = [_filed(one, CATEGORIES[chance.integers(len(CATEGORIES))], chance.random()) for one in part]
        decisions.save(catalog, decided, run=run)
        with catalog.transaction() as connection:
            connection.executemany(
                "INSERT INTO places VALUES (?, ?, 'link', ?, 1, 1, '1', '1')",
                [(one.image_id, f"{one.category}/{one.image_id}.png".encode(), b"/c") for one in decided],
            )
        drawn = chance.standard_normal((len(part), width), dtype=np.float32)
        batch = EmbeddingBatch(image_ids=part, embeddings=drawn, stats=np.zeros((len(part), 0), np.float32))
        spots = ShardWriter(library, BACKBONE, last=embeddings.last_row(catalog, BACKBONE)).append(batch)
        kept = [(image_id, spot) for image_id, spot in zip(part, spots, strict=True) if spot is not None]
        with catalog.transaction():
            embeddings.add(catalog, kept, backbone=BACKBONE)
    runs.finish(catalog, run, {})
    return image_ids


def _filed(image_id: ImageId, category: str, confidence: float) -> Decision:
    reason = Reason.of(ReasonCode.ABOVE_THRESHOLD, threshold=0.5, top=[[category, round(confidence, 2)]])
    return Decision(image_id=image_id, action=Action.FILE, category=category, confidence=confidence, reason=reason)


def measure_pages(catalog: Catalog, library: Path) -> None:
    """The first page, later ones and those of a category, with the rows that are sent."""
    filed, session = FiledImages(library), ReviewSession(catalog)

    def page(order: FiledOrder, names: set[str] | None, after: int | None) -> Any:
        found = filed.page(names, order=order, after=after, limit=PAGE).result()
        return session.rows(found.image_ids)

    middle = 100_000
    for order in FiledOrder:
        timed(f"by {order}: first page, all categories", lambda order=order: page(order, None, None))
        timed(f"by {order}: a page in the middle", lambda order=order: page(order, None, middle))
        timed(f"by {order}: first page of one category", lambda order=order: page(order, {CATEGORIES[3]}, None))
    filed.close()


def measure_alike(catalog: Catalog, folder: Path, image_ids: Sequence[ImageId]) -> None:
    """The index of the whole library, and one search in it."""
    actions = tuple(Action)
    timed("embeddings found in the catalog", lambda: load_pool(catalog, folder, backbone=BACKBONE, actions=actions))
    index = timed(
        "index of the whole library, without its pauses",
        lambda: build_index(catalog, folder, backbone=BACKBONE, rest=lambda: None),
    )

    def search() -> None:
        (own,) = (
            one
            for rows in read_embeddings(catalog, folder, image_ids[:1], backbone=BACKBONE)
            for one in rows.embeddings
        )
        near = index.nearest(own, COMPARED)
        for _ in read_embeddings(catalog, folder, near, backbone=BACKBONE):
            pass

    timed("what is most like one", search)
    timed("the same again", search)


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Print how long `work` takes; returns what it returns."""
    began = time.perf_counter()
    made = work()
    print(f"| {what} | {1000 * (time.perf_counter() - began):.0f} |")
    return made


if __name__ == "__main__":
    main()
