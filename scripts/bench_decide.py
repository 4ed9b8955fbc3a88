"""How fast answers are decided without a catalog, and in how much memory.

python scripts/bench_decide.py [--rows 1000000] [--part-size 10000] [--categories 30] [--embeddings] [--sort]

Files of answers are drawn into a temporary folder, with a model of that many categories; then `illsort decide` runs in
a process of its own, once by a threshold and once more over what is there. With `--embeddings` the answers keep
what a small network gives, and another head of the same backbone decides by it. With `--sort` the answers are also
taken into the catalog of a library whose crawl has these files, which is what `illsort sort --answers` does with them
before it decides; there are no pictures, so none can be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import timm
import torch
from pyarrow import parquet

from classifier.catalog import runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.files import record_found
from classifier.catalog.halves import to_halves
from classifier.model.backbone import Network
from classifier.model.bundle import Bundle, BundleParts
from classifier.model.manifest import Manifest
from classifier.model.ood import fit_ood
from classifier.model.trained import load_network, save_bundle
from classifier.parts.answers_meta import AnswersMeta, answers_name
from classifier.parts.schema import answers_schema
from classifier.progress import SilentProgress
from classifier.records import ImageFile
from classifier.settings import Settings
from classifier.sort.take_answers import take_answers

if TYPE_CHECKING:
    from numpy.typing import NDArray

BROKEN = 200
"""One in so many pictures could not be read."""
MEASURE = """
import os, re, sys
from pathlib import Path
from classifier.cli.main import run
try:
    run()
finally:
    status = Path("/proc/self/status")  # a child's ru_maxrss would be its parent's
    most = int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) if status.exists() else 0
    times = os.times()
    print(most, times.user + times.system, file=sys.stderr)
"""


def model(folder: Path, categories: int, *, seed: int) -> Bundle:
    """A small network with a head drawn by `seed`, and a detector of what is unlike drawn labels."""
    torch.manual_seed(0)
    network = Network(timm.create_model("test_efficientnet", num_classes=categories), image_size=32).eval()
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(rng.normal(size=network.head.weight.shape).astype(np.float32)))
    width, stats = widths(network)
    kinds = np.arange(600) % categories
    drawn = rng.normal(size=(600, stats)).astype(np.float32), rng.normal(size=(600, width)).astype(np.float32)
    manifest = Manifest(
        categories=tuple(f"kind {number:03}" for number in range(categories)),
        image_size=32,
        max_squeeze=2.0,
        temperature=1.5,
        threshold=0.9,
        backbone="drawn",
        measured={},
        settings={},
        versions={},
    )
    parts = BundleParts(ood=fit_ood(*drawn, kinds, np.arange(600)))
    return save_bundle(folder, network=network, manifest=manifest, evaluation={}, parts=parts)


def widths(network: Network) -> tuple[int, int]:
    """The numbers and statistics that it gives of a picture."""
    with torch.inference_mode():
        embedding, stats = network.embed_with_stats(torch.zeros(1, 3, 32, 32))
    return embedding.shape[1], stats.shape[1]


def write_part(folder: Path, bundle: Bundle, *, part: int, count: int, embeddings: tuple[int, int] | None) -> int:
    """Write the answers to a part; returns their bytes."""
    rng, manifest = np.random.default_rng(part), bundle.manifest
    is_there = np.arange(count) % BROKEN != 0
    rows = int(is_there.sum())
    logits = rng.normal(0, 3, size=(rows, len(manifest.categories))).astype(np.float32)
    ids = [hashlib.sha256(f"{part}/{number}".encode()).hexdigest() for number in range(count)]
    schema = answers_schema(with_embeddings=embeddings is not None)
    columns = {
        "key": [f"{part:05}/{number:05}.jpg" for number in range(count)],
        "size_bytes": np.full(count, 90_000),
        "version": [str(number) for number in range(count)],
        "image_id": ids,
        "failure": np.where(is_there, None, "corrupt").tolist(),
        "failure_code": np.where(is_there, None, "decoder").tolist(),
        "failure_params": np.where(is_there, None, '{"source": "JPEG", "words": "broken"}').tolist(),
        "width": [1000 if one else None for one in is_there],
        "height": [800 if one else None for one in is_there],
        "truncated": [False if one else None for one in is_there],
        "logits": lists(logits, is_there),
        "probabilities": lists(logits, is_there),
        "ood_score": [float(score) if one else None for one, score in zip(is_there, rng.random(count), strict=True)],
    }
    if embeddings is not None:
        halves = [to_halves(rng.normal(size=(rows, width)).astype(np.float32)) for width in embeddings]
        columns |= {name: lists(half, is_there) for name, (half, _) in zip(("embedding", "stats"), halves, strict=True)}
        pairs = iter(np.stack([scales for _, scales in halves], axis=1).tolist())
        columns |= {"scales": [next(pairs) if one else None for one in is_there]}
    arrays = [pa.array(columns.get(one.name, [None] * count), one.type) for one in schema]
    meta = AnswersMeta(
        categories=manifest.categories,
        model=manifest.key,
        backbone=manifest.backbone_key,
        temperature=manifest.temperature,
        source="drawn",
        part=part,
    )
    path = folder / answers_name(part, manifest.key)
    parquet.write_table(pa.table(arrays, schema=schema.with_metadata(meta.as_metadata())), path, compression="zstd")
    return path.stat().st_size


def lists(values: NDArray[np.generic], is_there: NDArray[np.bool_]) -> pa.Array:
    """The rows of `values` where `is_there`, else null."""
    rows = iter(values)
    return pa.array([next(rows) if one else None for one in is_there], pa.list_(pa.from_numpy_dtype(values.dtype)))


def decide(*words: object) -> tuple[dict[str, float], float, float]:
    """Run the command; its summary, the most memory, in MB (0 where not known), and CPU seconds."""
    command = [sys.executable, "-c", MEASURE, "decide", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(done.stderr)
    most, cpu = map(float, done.stderr.splitlines()[-1].split())
    return json.loads(done.stdout.splitlines()[-1]), most / 1024, cpu


def main() -> None:
    """Draw, decide, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--part-size", type=int, default=10_000)
    parser.add_argument("--categories", type=int, default=30)
    parser.add_argument("--embeddings", action="store_true")
    parser.add_argument("--sort", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "answers").mkdir()
        answering = model(folder / "model", given.categories, seed=0)
        deciding = model(folder / "other", given.categories, seed=1) if given.embeddings else answering
        kept = widths_of(answering) if given.embeddings else None
        sizes = [
            write_part(folder / "answers", answering, part=part, count=given.part_size, embeddings=kept)
            for part in range(given.rows // given.part_size)
        ]
        print(f"{given.rows:,} answers in {len(sizes):,} files: {sum(sizes) / given.rows:.0f} bytes each")
        words = (folder / "answers", "--model", deciding.folder, "--to", folder / "decisions", "--threshold", 0.6)
        for what in ("decided", "found decided"):
            summary, most, cpu = decide(*words)
            seconds, rows = summary["seconds"], summary["pictures"]
            print(f"{what}: {seconds:.1f} s, {rows / seconds:,.0f} rows/s; in all {cpu:.1f} s of CPU, {most:,.0f} MB")
        size = sum(path.stat().st_size for path in (folder / "decisions").iterdir())
        if given.sort:
            take(folder, answering, given.rows, given.part_size)
        print(f"decisions: {size / given.rows:.0f} bytes each; {summary['filed']:,} of {summary['pictures']:,} filed")


def take(folder: Path, model: Bundle, rows: int, part_size: int) -> None:
    """Take the answers into a new library, and say how long that took."""
    crawl, library = Path("/crawl"), folder / "library"
    with open_catalog(library) as catalog:
        keys = {"crawl": crawl, "mode": "link", "model": model.manifest.key, "bundle": model.folder}
        run = runs.begin(catalog, kind="sort", settings={}, **keys)
        for part in range(rows // part_size):
            found = (
                ImageFile(path=crawl / f"{part:05}" / f"{n:05}.jpg", size_bytes=90_000, mtime_ns=n, inode=n, device=1)
                for n in range(part_size)
            )
            record_found(catalog, run=run, crawl=crawl, files=found)
        ready: Any = SimpleNamespace(
            run=run, crawl=crawl, library=library, model=model, settings=Settings(), is_spread=False
        )
        started, cpu = time.monotonic(), time.process_time()
        taken = take_answers(catalog, str(folder / "answers"), ready, SilentProgress())
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    print(f"taken into a library: {taken:,} in {seconds:.1f} s, {taken / seconds:,.0f} rows/s; {cpu:.1f} s of CPU")


def widths_of(bundle: Bundle) -> tuple[int, int]:
    """What the model's network gives of a picture."""
    return widths(load_network(bundle))


if __name__ == "__main__":
    main()
