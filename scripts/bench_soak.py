"""Whether a sort of many pictures takes more memory than one of few, and what a second run over them costs.

    python scripts/bench_soak.py [--pictures 100000] [--workers 1] [--folder FOLDER]

Small pictures are drawn (256 x 256 pixels at most, JPEG). A fifth of them, then all, are sorted into libraries of their
own by a small input of the embedded backbone; the most memory of each process is read from /proc, so on Linux alone.
Then all are sorted again, in turn with a plain scan that only asks for each file's status.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from bench_speed import train_head
from drawing import link
from drawn_crawl import draw_labels
from PIL import Image, ImageOps
from timing import timed

from classifier.demo.draw import KINDS, draw

YEAR_2020 = 1_577_836_800
A_FOLDER = 1000
DRAWINGS = 500
PART = 5
SCAN = (
    "import os, sys; print(sum(1 for root, _, files in os.walk(sys.argv[1]) for f in files if os.stat(root + '/' + f)))"
)


def main() -> None:
    """Draw, sort a part, sort all, sort again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", default="torch", help="onnx makes an export first, which takes more memory once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the pictures are drawn")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="illsort-bench-", dir=args.folder) as folder:
        work = Path(folder)
        draw_labels(work / "labels", 20)
        bundle = train_head(work / "labels", work / "bundle", "model.image_size=64")
        draw_many(work / "crawl", args.pictures)
        link_part(work / "crawl", work / "part")
        peaks = [soak(work, crawl, bundle, workers=args.workers, engine=args.engine) for crawl in ("part", "crawl")]
        for name in sorted(peaks[0].keys() & peaks[1].keys()):
            print(f"{name}: {peaks[1][name] - peaks[0][name]:+.0f} MB from a fifth to all")
        catalog = sum(file.stat().st_size for file in (work / "sorted-crawl" / ".illsort").glob("catalog*"))
        print(f"catalog: {catalog / args.pictures:.0f} bytes a picture")
        again(work, bundle, args.rounds)


def draw_many(crawl: Path, count: int) -> None:
    """Drawings, each several times with other colors, so that every file has a content of its own."""
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_draw_some, crawl, count), range(DRAWINGS)))


def _draw_some(crawl: Path, count: int, drawing: int) -> None:
    small = draw(list(KINDS)[drawing % len(KINDS)], drawing).resize((160, 160))
    for number in range(drawing, count, DRAWINGS):
        colors = Image.blend(small, Image.new("RGB", small.size, f"#{number * 7919 % 2**24:06x}"), 0.2)
        turned = ImageOps.mirror(colors) if number // DRAWINGS % 2 else colors
        target = crawl / f"{number // A_FOLDER:03}" / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        turned.save(target, quality=85)
        os.utime(target, (YEAR_2020, YEAR_2020))


def link_part(crawl: Path, part: Path) -> None:
    """Every fifth folder."""
    for folder in sorted(crawl.iterdir())[::PART]:
        (part / folder.name).mkdir(parents=True)
        for file in folder.iterdir():
            link(file, part / folder.name / file.name)


def soak(work: Path, crawl: str, bundle: Path, *, workers: int, engine: str) -> dict[str, float]:
    """Sort once; the most memory of each kind of process in MB, also printed."""
    where = [str(work / crawl), "--model", str(bundle), "--out", str(work / f"sorted-{crawl}")]
    command = [sys.executable, "-m", "classifier", "sort", *where, "--workers", str(workers), "--engine", engine]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for pid in (process.pid, *children(process.pid)):
            peaks[pid] = max(peaks.get(pid, 0.0), peak(pid))
        time.sleep(0.5)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    seconds = time.monotonic() - started
    count = sum(1 for path in (work / crawl).rglob("*.jpg"))
    named = {"main process": peaks.pop(process.pid), "largest other process": max(peaks.values(), default=0.0)}
    memory = ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in named.items())
    print(f"{count} pictures: {count / seconds:.0f} pictures/s in {seconds:.0f} s; {memory}", flush=True)
    return named


def children(pid: int) -> list[int]:
    """The processes that it has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def peak(pid: int) -> float:
    """The most memory that a process has had, in MB; 0 when it is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def again(work: Path, bundle: Path, rounds: int) -> None:
    """Sort all once more, in turn with a plain scan."""
    where = [str(work / "crawl"), "--model", str(bundle), "--out", str(work / "sorted-crawl")]
    for _ in range(rounds):
        wall, cpu = timed(sys.executable, "-m", "classifier", "sort", *where)
        scan_wall, scan_cpu = timed(sys.executable, "-c", SCAN, str(work / "crawl"))
        print(f"again: {wall:.1f} s, CPU {cpu:.1f} s; plain scan: {scan_wall:.2f} s, CPU {scan_cpu:.2f} s", flush=True)


if __name__ == "__main__":
    main()
