"""How long answers take to be spread over near pictures, and how much memory.

    python scripts/bench_neighbors.py [--pictures 300000] [--categories 10] [--labels 200] [--new 3000]

A library is made in a temporary folder: a catalog with an answer for each picture, and shards of synthetic embeddings
as wide as the embedded backbone's. Then what a sort does is timed: reading the shards, what six heads say, neighbors,
spreading and recording; once more with other labels, as after a correction; and after so many new pictures. Seconds,
those on the cores, and memory at its most.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_redecide import World, world

from classifier.catalog import embeddings, spreadings
from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.predictions import add_many_logits, logits_as_bytes
from classifier.catalog.shards import ROWS, EmbeddingBatch, ShardWriter
from classifier.catalog.spreadings import Spreading
from classifier.model.combined_head import CombinedHead, fit_combined_head
from classifier.model.fold_heads import FoldHeads
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.model.spreading import graph_of
from classifier.records import ImageId, Selection
from classifier.sort.graph_nodes import read_nodes
from classifier.sort.kept_neighbors import kept_nearest
from classifier.sort.spread_answers import spread_over

MODEL, BACKBONE, PARTS = "model", "backbone", 5


def ids_of(first: int, count: int) -> list[ImageId]:
    """Ids of pictures that there are not."""
    return [ImageId(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(first, first + count)]


def fill(catalog: Catalog, library: Path, known: World, *, first: int, count: int) -> None:
    """Embeddings and answers of so many pictures."""
    writer = ShardWriter(library, BACKBONE, last=embeddings.last_row(catalog, BACKBONE))
    for start in range(first, first + count, ROWS):
        size = min(ROWS, first + count - start)
        rows, stats, kinds = known.draw(size, seed=10_000_000 + start)
        part = ids_of(start, size)
        spots = writer.append(EmbeddingBatch(image_ids=part, embeddings=rows, stats=stats))
        logits = logits_as_bytes(np.eye(len(known.embeddings), dtype=np.float32)[kinds])
        with catalog.transaction():
            embeddings.add(
                catalog, [(one, spot) for one, spot in zip(part, spots, strict=True) if spot], backbone=BACKBONE
            )
            add_many_logits(catalog, [(one, own, None) for one, own in zip(part, logits, strict=True)], model=MODEL)
            catalog.connection.executemany(
                "INSERT INTO files (path, picture) VALUES (?, ?)", ((one.encode(), one) for one in part)
            )


def learned(known: World, *, labels: int) -> tuple[LabeledEmbeddings, CombinedHead, FoldHeads]:
    """So many labels, a head, and the heads of five folds."""
    rows, stats, kinds = known.draw(labels, seed=labels)
    labeled = LabeledEmbeddings(
        embeddings=rows,
        stats=stats,
        targets=kinds,
        groups=np.arange(labels),
        image_ids=tuple(ids_of(10**9, labels)),
        paths=("",) * labels,
        selections=(Selection.RANDOM,) * labels,
    )
    judge = np.arange(labels) % PARTS
    parts = judge[None] != np.arange(PARTS)[:, None]
    heads = tuple(fit_combined_head(rows[part], stats[part], kinds[part]) for part in parts)
    return labeled, fit_combined_head(rows, stats, kinds), FoldHeads(heads=heads, learned=parts, judge=judge)


def spread_all(catalog: Catalog, library: Path, known: World, *, labels: int) -> None:
    """What a sort does, and a line for it."""
    labeled, head, folds = learned(known, labels=labels)
    began, on_cores = time.monotonic(), time.process_time()
    state = spreadings.answered(catalog, MODEL)
    locations = spreadings.locations(catalog, backbone=BACKBONE)
    folder = embeddings_folder(library, BACKBONE)
    nodes = read_nodes(folder, locations, labeled, (head, *folds.heads), advance=lambda _: None)
    read = time.process_time() - on_cores
    graph = graph_of(*kept_nearest(folder, nodes))
    answers, _ = spread_over(graph, nodes, labeled, folds, None, temperature=1.0)
    spread = time.process_time() - on_cores - read
    stored = zip(nodes.image_ids[: nodes.stored], logits_as_bytes(answers[: nodes.stored]), strict=True)
    spreadings.record(catalog, Spreading(state=state, logits=None), sorted(stored), model=MODEL)
    whole, memory = time.process_time() - on_cores, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"| {len(locations):,} | {time.monotonic() - began:.0f} | {whole:.0f} | {read:.0f}, {spread:.0f}, "
        f"{whole - read - spread:.0f} | {memory:.1f} GB |",
        flush=True,
    )


def main() -> None:
    """Make a library and spread three times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300_000)
    parser.add_argument("--categories", type=int, default=10)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--new", type=int, default=3_000)
    asked = parser.parse_args()
    known = world(asked.categories)
    print(
        "| pictures | seconds | on the cores | of these reading, spreading, recording | memory |\n" + "| --- " * 5 + "|"
    )
    with tempfile.TemporaryDirectory() as folder, open_catalog(Path(folder)) as catalog:
        fill(catalog, Path(folder), known, first=0, count=asked.pictures)
        spread_all(catalog, Path(folder), known, labels=asked.labels)
        spread_all(catalog, Path(folder), known, labels=asked.labels)
        fill(catalog, Path(folder), known, first=asked.pictures, count=asked.new)
        spread_all(catalog, Path(folder), known, labels=asked.labels)


if __name__ == "__main__":
    main()
