"""From the 25th word to the new order in place, over a store of embeddings as large as asked for; made-up numbers.

The catalog, the store and the learner are the real ones; only the embeddings are drawn, as clouds around categories.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from classifier.active import learner as learning
from classifier.catalog import annotation_log, decisions, embeddings, runs
from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.queue import Order, QueueFilter
from classifier.catalog.shards import EmbeddingBatch, ShardWriter
from classifier.catalog.values import to_bytes
from classifier.model.bundle import Bundle
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.model.manifest import Manifest
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Annotation, AnnotationKind, Decision, ImageId, Selection
from classifier.web.session import ReviewSession

WIDTH = 1280
PART = 4096


def main() -> None:
    """Build the library once, then measure rounds of 25 words."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--pictures", type=int, default=300_000)
    asked.add_argument("--categories", type=int, default=30)
    asked.add_argument("--labels", type=int, default=3000)
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(given.categories, WIDTH)).astype(np.float32)
    names = tuple(f"category {number:02}" for number in range(given.categories))
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "sorted")
        bundle = drawn_bundle(Path(folder, "model"), rng, centres, names, labels=given.labels)
        with open_catalog(library) as catalog:
            ids, targets = fill(catalog, library, bundle, rng, centres, count=given.pictures)
            measure(catalog, library, bundle, ids, [names[truth] for truth in targets], rounds=given.rounds)


def drawn(rng: np.random.Generator, centres: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Embeddings around the centres of their categories, float32 (N, WIDTH): near enough to be mistaken at times."""
    return 0.12 * centres[targets] + rng.standard_normal((len(targets), WIDTH), dtype=np.float32)


def drawn_bundle(
    folder: Path, rng: np.random.Generator, centres: np.ndarray, names: tuple[str, ...], *, labels: int
) -> Bundle:
    """A bundle without a network: the learner asks for its manifest and its labeled pictures alone."""
    targets = np.arange(labels) % len(names)
    kept = LabeledEmbeddings(
        embeddings=drawn(rng, centres, targets),
        targets=targets,
        groups=np.arange(labels),
        image_ids=tuple(ImageId(hashlib.sha256(f"label {n}".encode()).hexdigest()) for n in range(labels)),
        paths=("",) * labels,
        selections=(Selection.RANDOM,) * labels,
    )
    manifest = Manifest(
        categories=names,
        image_size=224,
        max_squeeze=2.0,
        temperature=1.0,
        threshold=0.9,
        backbone_sha256="0" * 64,
        head=("weight", "bias"),
        backbone="drawn",
        measured={},
        settings={},
        versions={},
    )
    bundle = Bundle(folder, manifest, width=WIDTH)
    bundle.load_labeled_embeddings = lambda: kept  # type: ignore[method-assign]
    return bundle


def fill(
    catalog: Catalog,
    library: Path,
    bundle: Bundle,
    rng: np.random.Generator,
    centres: np.ndarray,
    *,
    count: int,
) -> tuple[list[ImageId], np.ndarray]:
    """A library in which `count` pictures wait and are known."""
    ids = [ImageId(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(count)]
    names = bundle.manifest.categories
    targets = rng.integers(0, len(names), count)
    key = bundle.manifest.backbone_key
    run = runs.begin(
        catalog, kind="sort", crawl=library, mode="link", model="m", bundle=bundle.folder, settings={"sort": {}}
    )
    writer = ShardWriter(library, key, last=None)
    for start in range(0, count, PART):
        part = ids[start : start + PART]
        rows = EmbeddingBatch(
            image_ids=part,
            embeddings=drawn(rng, centres, targets[start : start + PART]),
            stats=np.zeros((len(part), 0), np.float32),
        )
        spots = [spot for spot in writer.append(rows) if spot is not None]
        with catalog.transaction() as connection:
            embeddings.add(catalog, zip(part, spots, strict=True), backbone=key)
            connection.executemany(
                "INSERT INTO places (picture, path, method) VALUES (?, ?, 'link')",
                [(one, to_bytes(Path("_review", one))) for one in part],
            )
            made = [
                Decision(
                    image_id=one,
                    action=Action.REVIEW,
                    category=names[0],
                    confidence=0.5,
                    reason=Reason(ReasonCode.DRAWN),
                )
                for one in part
            ]
            decisions.save(catalog, made, run=run)
    runs.finish(catalog, run, {})
    return ids, targets


def measure(
    catalog: Catalog, library: Path, bundle: Bundle, ids: list[ImageId], targets: list[str], *, rounds: int
) -> None:
    """Say words, learn, look at the first page by the new order; and how long pages take meanwhile."""
    truth = dict(zip(ids, targets, strict=True))
    learning.open_bundle = lambda _: bundle  # type: ignore[assignment]
    session = ReviewSession(catalog)
    learner = learning.Learner(library)
    print(f"{len(ids):,} pictures of {WIDTH} numbers, {len(bundle.manifest.categories)} categories")
    print(f"the first round, which also looks at all of it: {timed(learner.learn):.1f} s")
    wanted = QueueFilter(order=Order.RANKING)
    for number in range(rounds):
        print(f"the session takes the ranking in {1000 * timed(session.use_newest_ranking):.0f} ms")
        rows = session.page(wanted, after=None, limit=25)
        said = [
            Annotation(
                image_id=one.image_id,
                kind=AnnotationKind.RIGHT,
                category=truth[one.image_id],
                origin="review",
                at=f"{number}",
            )
            for one in rows
        ]
        annotation_log.add_all(catalog, said)
        session.refresh()
        pages: list[float] = []
        round_ = threading.Thread(target=learner.learn)
        started, worked = time.perf_counter(), time.process_time()
        round_.start()
        while round_.is_alive():
            round_.join(0.05)
            pages.append(timed(lambda: session.page(wanted, after=None, limit=60)))
        seconds, work = time.perf_counter() - started, time.process_time() - worked
        session.use_newest_ranking()
        meta = session.pages.ranking.meta
        took = f"{seconds:.2f} s, {work:.2f} s on the cores"
        print(
            f"round {number + 1}: {took}; pages of 60 meanwhile {1000 * np.percentile(pages, 95):.0f} ms p95; "
            f"share {meta['share'][1]:.3f}, {meta['verdicts']} verdicts"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB")


def timed(work: object) -> float:
    """Seconds that calling it takes."""
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
