"""How long a new head over known embeddings takes, from the store to the plan of the difference.

python scripts/bench_redecide.py [--pictures 300000] [--categories 30] [--labels 900] [--no-novelty] [--profile FILE]

A library is made in a temporary folder: a catalog with drawn rows as a sort leaves them, shards of synthetic
embeddings as wide as the embedded backbone's, and two bundles of that backbone whose heads differ by the number of
labels. Then the code of `illsort sort` is timed: logits and novelty from the shards, predictions recorded, decisions
recorded, and the moves planned. There are no pictures, so none can be read.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import json
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from classifier.catalog import embeddings, runs
from classifier.catalog.connection import Catalog, copy_in_memory, open_catalog
from classifier.catalog.shards import ROWS, EmbeddingBatch, ShardWriter
from classifier.catalog.values import to_bytes
from classifier.decision.policy import Policy
from classifier.model.backbone import Network, load_backbone
from classifier.model.bundle import Bundle, BundleParts
from classifier.model.manifest import Manifest
from classifier.model.ood import fit_ood
from classifier.model.trained import save_bundle
from classifier.progress import SilentProgress
from classifier.records import ImageId, Mode, Move
from classifier.sort.apply import DecisionApplier, Execute
from classifier.sort.planned_moves import plan_only
from classifier.sort.reuse_embeddings import reuse_embeddings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.filing.results import Outcome

CRAWL = Path("/crawl")
FIRST, SECOND = 1, 2
WIDTH, TRAITS = 1280, 352


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where pictures of each category lie in the space of embeddings and of statistics; both (K, ...)."""

    embeddings: NDArray[np.float32]
    stats: NDArray[np.float32]

    def draw(self, count: int, *, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Embeddings, statistics and categories of `count` pictures."""
        rng = np.random.default_rng(seed)
        kinds = rng.integers(len(self.embeddings), size=count)
        noise = rng.standard_normal((count, WIDTH), np.float32), rng.standard_normal((count, TRAITS), np.float32)
        return self.embeddings[kinds] + noise[0], self.stats[kinds] + 0.02 * noise[1], kinds


def world(categories: int) -> World:
    """Categories that overlap a little."""
    rng = np.random.default_rng(0)
    return World(
        embeddings=0.2 * rng.standard_normal((categories, WIDTH), np.float32),
        stats=0.05 * rng.standard_normal((categories, TRAITS), np.float32),
    )


def trained(folder: Path, network: Network, known: World, *, labels: int, novelty: bool) -> Bundle:
    """A bundle whose head was fitted to so many labeled pictures."""
    rows, stats, kinds = known.draw(labels, seed=labels)
    categories = len(known.embeddings)
    means = np.stack([rows[kinds == kind].mean(axis=0) for kind in range(categories)])
    weight = means / (1 + labels / categories / 4) * (labels / categories / 4)
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(weight))
        network.head.bias.copy_(torch.from_numpy(-(weight**2).sum(axis=1) / 2))
    manifest = Manifest(
        categories=tuple(f"kind {number:02}" for number in range(categories)),
        image_size=network.image_size,
        max_squeeze=2.0,
        temperature=1.0,
        threshold=0.9,
        backbone="embedded",
        measured={},
        settings={},
        versions={},
    )
    fitted = fit_ood(stats, rows, kinds, np.arange(labels)) if novelty else None
    return save_bundle(folder, network=network, manifest=manifest, evaluation={}, parts=BundleParts(ood=fitted))


def fill(catalog: Catalog, library: Path, known: World, bundle: Bundle, *, count: int) -> None:
    """Rows and shards as a sort with `bundle` leaves them."""
    ids = [ImageId(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(count)]
    files = [
        (to_bytes(CRAWL / f"{n % 997:03}" / f"{n:07}.jpg"), to_bytes(CRAWL), 90_000 + n, n, str(n), "1")
        for n in range(count)
    ]
    runs.begin(
        catalog,
        kind="sort",
        crawl=CRAWL,
        mode="link",
        model=bundle.manifest.key,
        bundle=bundle.folder,
        settings={"sort": {}},
    )
    backbone = bundle.manifest.backbone_key
    writer = ShardWriter(library, backbone, last=None)
    with catalog.transaction() as connection:
        connection.executemany(
            "INSERT INTO files (path, crawl, size_bytes, mtime_ns, inode, device, picture, seen) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((*file, picture, FIRST) for file, picture in zip(files, ids, strict=True)),
        )
        connection.executemany(
            "INSERT INTO pictures VALUES (?, ?, 800, 600, 0)",
            ((picture, file[2]) for file, picture in zip(files, ids, strict=True)),
        )
        for start in range(0, count, ROWS):
            rows, stats, _ = known.draw(min(ROWS, count - start), seed=10_000_000 + start)
            part = ids[start : start + ROWS]
            spots = writer.append(EmbeddingBatch(image_ids=part, embeddings=rows, stats=stats))
            embeddings.add(
                catalog, [(one, spot) for one, spot in zip(part, spots, strict=True) if spot], backbone=backbone
            )


def settle(catalog: Catalog, library: Path, bundle: Bundle, execute: Execute, *, run: int) -> None:
    """Decide everything, and give what is to be moved to `execute`."""
    novelty = bundle.load_ood()
    policy = Policy(
        manifest=bundle.manifest,
        thresholds=(bundle.manifest.threshold,) * len(bundle.manifest.categories),
        mode=Mode.LINK,
        unknown_threshold=float("inf") if novelty is None else novelty.threshold(0.1),
    )
    applier = DecisionApplier(catalog, run=run, crawl=CRAWL, library=library, policy=policy, execute=execute)
    applier.redecide_placed(SilentProgress())
    applier.apply_rest(SilentProgress())


def place_all(catalog: Catalog, moves: Sequence[Move]) -> list[Outcome]:
    """As if they were made."""
    places = [
        (one.image_id, to_bytes(one.folder / one.names[0]), "link", to_bytes(one.source.path), one.source.size_bytes)
        for one in moves
    ]
    with catalog.transaction() as connection:
        connection.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?, 1, '1', '1')", places)
    return []


def collect(planned: list[str], moves: Sequence[Move]) -> list[Outcome]:
    """The plan alone; nothing is moved."""
    planned.extend(f"{one.source.path} -> {one.folder}" for one in moves)
    return []


def main() -> None:
    """Make the library, sort it with the first head, and time the second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300_000)
    parser.add_argument("--categories", type=int, default=30)
    parser.add_argument("--labels", type=int, default=900)
    parser.add_argument("--no-novelty", dest="novelty", action="store_false")
    parser.add_argument("--profile", type=Path, help="Also profile it into this file (slower).")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redecide-") as name:
        folder = Path(name)
        known, network = world(args.categories), load_backbone("embedded", num_categories=args.categories)
        make = partial(trained, network=network, known=known, novelty=args.novelty)
        old, new = make(folder / "old", labels=args.labels * 9 // 10), make(folder / "new", labels=args.labels)
        del network
        library = folder / "sorted"
        with open_catalog(library) as catalog:
            fill(catalog, library, known, old, count=args.pictures)
        with open_catalog(library) as catalog:
            reuse_embeddings(catalog, run=FIRST, crawl=CRAWL, library=library, bundle=old, progress=SilentProgress())
            settle(catalog, library, old, partial(place_all, catalog), run=FIRST)
        with open_catalog(library) as catalog:  # as the second sort would find them
            catalog.connection.execute("UPDATE files SET seen = ?", (SECOND,))
        dry = measure(library, new, dry=True)
        timed = measure(library, new, profile=args.profile) | {"dry_run_seconds": dry["seconds"]}
        timed |= {"pictures": args.pictures, "categories": args.categories, "labels": args.labels}
        timed["store_megabytes"] = round(sum(one.stat().st_size for one in library.rglob("*.rows")) / 1e6)
        timed["catalog_megabytes"] = round((library / ".illsort" / "catalogue.sqlite").stat().st_size / 1e6)
        timed["peak_megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    json.dump(timed, sys.stdout, indent=2)
    print()


def measure(library: Path, bundle: Bundle, *, dry: bool = False, profile: Path | None = None) -> dict[str, float]:
    """Seconds for each step of a sort with `bundle` up to its moves; a dry run's is in a copy, and tells them."""
    profiler, planned = cProfile.Profile(), list[object]()
    clock, worked = [time.perf_counter()], time.process_time()
    with copy_in_memory(library) if dry else open_catalog(library) as catalog:
        tell = partial(plan_only, catalog, library, planned.append) if dry else partial(collect, planned)
        _ = profiler.enable() if profile else None
        clock.append(time.perf_counter())
        recalled = reuse_embeddings(
            catalog, run=SECOND, crawl=CRAWL, library=library, bundle=bundle, progress=SilentProgress()
        )
        clock.append(time.perf_counter())
        settle(catalog, library, bundle, tell, run=SECOND)
        clock.append(time.perf_counter())
        _ = profiler.disable() if profile else None
    if profile:
        profiler.dump_stats(profile)
    opening, recalling, settling = (round(end - start, 2) for start, end in pairwise(clock))
    return {
        "recalled": recalled,
        "moves": len(planned),
        "open_seconds": opening,
        "recall_seconds": recalling,
        "settle_seconds": settling,
        "processor_seconds": round(time.process_time() - worked, 2),
        "seconds": round(clock[-1] - clock[0], 2),
    }


if __name__ == "__main__":
    main()
