"""How long a library takes to group its copies, as a sort with `sort.duplicates = "folder"` does.

python scripts/bench_new_copies.py ../shared/data/kinds [--count 100000]

All looks but 1,000, then those, then nothing new. The looks are mixed as in `bench_duplicates.py scale`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory

from bench_duplicates import mixed

from classifier.catalog.connection import open_catalog
from classifier.catalog.files import add_image
from classifier.duplicates.keep import write_looks
from classifier.duplicates.known_groups import update_groups
from classifier.progress import SilentProgress
from classifier.records import ImageId, ImageInfo


def main() -> None:
    """Print each of the three."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    given = parser.parse_args()
    pictures, new = mixed(given.folder, count=given.count), 1000
    ids = [ImageId(f"{number * 2654435761 % 2**32:08x}".ljust(64, "0")) for number in range(given.count)]
    infos = [
        ImageInfo(id=one, size_bytes=1, width=width, height=height, truncated=False, look=look.tobytes())
        for one, look, (width, height) in zip(ids, pictures.looks, pictures.sizes.tolist(), strict=True)
    ]
    with TemporaryDirectory() as folder, open_catalog(Path(folder)) as catalog:
        for part in (infos[:-new], infos[-new:], []):
            with catalog.transaction():
                for info in part:
                    add_image(catalog, info)
            for start in range(0, len(part), 4096):
                write_looks(catalog, Path(folder), part[start : start + 4096])
            cpu, began = time.process_time(), time.perf_counter()
            update_groups(catalog, Path(folder), SilentProgress())
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
            (grouped,) = catalog.connection.execute("SELECT count(*) FROM copies").fetchone()
            peak = getrusage(RUSAGE_SELF).ru_maxrss / 1e3
            print(
                f"{len(part):,} new: {wall:.1f} s, {cpu:.1f} s of processor; {grouped:,} in groups; peak {peak:,.0f} MB"
            )


if __name__ == "__main__":
    sys.exit(main())
