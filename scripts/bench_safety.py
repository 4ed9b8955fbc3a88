"""What safety costs: files a second of the filing engine beside a bare loop of the same calls, as a Markdown table.

python scripts/bench_safety.py [--files 4000] [--rounds 3] [--folder DIR]

The ways take turns round by round, on the disk that DIR is on; the table shows each way's median.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.connection import open_catalog
from classifier.filing.destination import candidate_names
from classifier.filing.executor import execute
from classifier.images.hashing import hash_file
from classifier.records import Method, Move

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDERS = 20
_CONTENT = 2000


def _filled(crawl: Path, files: int) -> list[Path]:
    paths = [crawl / f"{number // 500}" / f"{number}.jpg" for number in range(files)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%08d" % number * (_CONTENT // 8))
    os.sync()
    return paths


def _moves(paths: list[Path], method: Method) -> list[Move]:
    moves = []
    for number, path in enumerate(paths):
        file, picture = hash_file(path)
        names = candidate_names(path.name, picture)
        folder = Path(f"kind{number % _FOLDERS}")
        moves.append(Move(image_id=picture, source=file, folder=folder, names=names, method=method))
    return moves


def _bare(paths: list[Path], library: Path, method: Method) -> float:
    call: Callable[[Path, Path], None] = os.link if method is Method.LINK else os.rename
    for number in range(_FOLDERS):
        (library / f"kind{number}").mkdir(parents=True)
    started = time.perf_counter()
    for number, path in enumerate(paths):
        call(path, library / f"kind{number % _FOLDERS}" / path.name)
    return time.perf_counter() - started


def _filed(paths: list[Path], library: Path, method: Method, batch: int) -> float:
    moves = _moves(paths, method)
    with open_catalog(library) as catalog:
        started = time.perf_counter()
        for start in range(0, len(moves), batch):
            execute(catalog, library=library, run=1, moves=moves[start : start + batch])
        return time.perf_counter() - started


def _rate(folder: Path, files: int, method: Method, batch: int | None) -> float:
    """Files a second over a crawl and a library of their own; `batch` None is the bare loop."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        # One file at a time is slow enough that a tenth of them tells.
        paths = _filled(Path(place) / "crawl", files if batch != 1 else files // 10)
        library = Path(place) / "library"
        seconds = _bare(paths, library, method) if batch is None else _filed(paths, library, method, batch)
    return len(paths) / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    chosen = parser.parse_args()
    ways: list[tuple[str, int | None]] = [("bare loop, no journal", None), ("batch of 256", 256), ("batch of 1", 1)]
    methods = (Method.LINK, Method.MOVE)
    rates: dict[tuple[Method, int | None], list[float]] = {(m, batch): [] for m in methods for _, batch in ways}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        for _ in range(chosen.rounds):
            for (method, batch), measured in rates.items():
                measured.append(_rate(Path(folder), chosen.files, method, batch))
    print(f"Files a second, {chosen.files:,} files of {_CONTENT:,} bytes, median of {chosen.rounds} rounds (range)\n")
    print("| how | link | move, same disk |\n|---|---|---|")
    for name, batch in ways:
        cells = [rates[method, batch] for method in methods]
        print(f"| {name} | {' | '.join(f'{statistics.median(c):,.0f} ({min(c):,.0f}-{max(c):,.0f})' for c in cells)} |")


if __name__ == "__main__":
    main()
