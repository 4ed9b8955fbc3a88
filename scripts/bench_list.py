"""How much memory and time listing takes, by how many pictures there are, as a Markdown table.

    python scripts/bench_list.py [--pictures 100000 1000000] [--kinds bucket archive folders flat] [--latency 0]

`bucket` is a bucket of S3 without a network: its pages, of a thousand keys, are made up; `--latency` is what each takes
to come, in milliseconds. `archive` is one tar file with that many members, `folders` has a thousand files in each
folder, `flat` all in one. The files are empty. Each row is a process of its own; peak memory is its, less what it has
once all is imported.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from classifier.parts.list_pictures import list_pictures
from classifier.parts.s3_storage import S3Storage
from classifier.parts.storage import open_storage
from classifier.parts.storage_types import Storage
from classifier.progress import SilentProgress

FOLDER = 1000


class MadeUpBucket:
    """As much of s3fs as a listing asks for."""

    protocol = ("s3", "s3a")

    def __init__(self, count: int, latency_s: float) -> None:
        self.retries = 5
        self._count = count
        self._latency_s = latency_s

    @staticmethod
    def _strip_protocol(url: str) -> str:
        return url.removeprefix("s3://")

    def call_s3(self, _method: str, **options: Any) -> dict[str, Any]:
        """A page of keys as an artist's works are named, or of their folders."""
        time.sleep(self._latency_s)
        folder = int(options.get("StartAfter", "0/").rstrip("/"))
        if "Delimiter" in options:
            start, last = int(options.get("ContinuationToken", 0)), -(-self._count // FOLDER)
            end = min(start + 1000, last)
            page: dict[str, Any] = {"CommonPrefixes": [{"Prefix": f"{one:07d}/"} for one in range(start, end)]}
        else:
            start, last = int(options.get("ContinuationToken", folder * FOLDER)), self._count
            end = min(start + 1000, last)
            page = {"Contents": [_entry(number) for number in range(start, end)]}
        return page | {"IsTruncated": end < last, "NextContinuationToken": str(end)}


def _entry(number: int) -> dict[str, Any]:
    key = f"{number // FOLDER:07d}/{number:09d}_p0.jpg"
    return {"Key": key, "Size": 123_456, "ETag": f'"{hash(key) & (2**128 - 1):032x}"'}


def source_of(kind: str, count: int, folder: Path, latency_s: float) -> Storage:
    """A place with so many pictures."""
    if kind == "bucket":
        return S3Storage("s3://made-up", MadeUpBucket(count, latency_s))
    if kind == "archive":
        with tarfile.open(folder / "x.tar", "w") as tar:
            for number in range(count):
                tar.addfile(tarfile.TarInfo(f"{number:09d}.jpg"), io.BytesIO())
                tar.members = []  # type: ignore[attr-defined]  # its list of what it holds, which would fill memory
    else:
        for number in range(count):
            inner = folder / (f"{number // FOLDER:07d}" if kind == "folders" else "")
            if number % FOLDER == 0:
                inner.mkdir(exist_ok=True)
            (inner / f"{number:09d}_p0.jpg").touch()
    return open_storage(folder)


def peak_mb() -> float:
    """The most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def measure(kind: str, count: int, latency_s: float) -> None:
    """List so many, in this process, and print the row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "crawl").mkdir()
        source = source_of(kind, count, folder / "crawl", latency_s)
        list_pictures(S3Storage("s3://first", MadeUpBucket(1, 0.0)), open_storage(folder / "first"), SilentProgress())
        before, start = peak_mb(), time.perf_counter()
        result = list_pictures(source, open_storage(folder / "parts"), SilentProgress())
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in (folder / "parts").iterdir())
    if result.listing.pictures != count:
        raise SystemExit(f"{result.listing.pictures:,} of {count:,} were listed")
    row = [kind, f"{count:,}", f"{peak_mb() - before:.0f}", f"{seconds:.1f}", f"{count / seconds:,.0f}"]
    print("|", " | ".join([*row, f"{size / count:.1f}"]), "|", flush=True)


def main() -> None:
    """Measure each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", default=["bucket", "archive", "folders", "flat"])
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        measure(args.kinds[0], args.pictures[0], args.latency / 1000)
        return
    print("| source | pictures | peak MB more | seconds | pictures/s | bytes a row |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for kind in args.kinds:
        for count in args.pictures:
            words = ["--here", "--kinds", kind, "--pictures", str(count), "--latency", str(args.latency)]
            subprocess.run([sys.executable, __file__, *words], check=True)


if __name__ == "__main__":
    main()
