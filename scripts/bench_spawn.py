"""How long it takes until spawned workers, as on Windows and macOS, give the first batch of a long list of paths.

    python scripts/bench_spawn.py [--paths 300000] [--workers 8] [--rounds 3]

Compared, in turn, with one process that imports what a worker imports: the least that a spawned worker can take.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from timing import timed

from classifier.demo.draw import draw
from classifier.inference.loader import stream
from classifier.inference.reader import Limits, Reader
from classifier.inference.worker_pool import WorkerPool
from classifier.model.transforms import EvalTransform

LIMITS = Limits(deadline_s=60, worker_gigabytes=0)


def main() -> None:
    """A list of paths to few pictures, read until the first batch is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=300_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="illsort-bench-") as folder:
        pictures = [Path(folder, f"{number}.png") for number in range(16)]
        for number, picture in enumerate(pictures):
            draw("landscape", number).save(picture)
        paths = [pictures[number % len(pictures)] for number in range(args.paths)]
        for _ in range(args.rounds):
            imports, _ = timed(sys.executable, "-c", "import classifier.inference.worker_process")
            seconds, processes = first_batch(paths, args.workers)
            print(
                f"{args.workers} workers in {processes} processes, {args.paths} paths: {seconds:.1f} s to the first "
                f"batch; one import: {imports:.1f} s ({os.cpu_count()} cores)",
                flush=True,
            )


def first_batch(paths: list[Path], workers: int) -> tuple[float, int]:
    """Seconds from asking for the workers to the first batch, and how many processes they are."""
    started = time.monotonic()
    reader = Reader(transform=EvalTransform(image_size=256), max_megapixels=64)
    with WorkerPool(LIMITS, workers=workers, start_method="spawn") as pool:
        next(iter(stream(paths, reader, pool, batch_size=32)))
        return time.monotonic() - started, pool.processes


if __name__ == "__main__":
    main()
