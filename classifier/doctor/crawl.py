"""Counts the pictures of a crawl, and takes some that are spread over all of it to measure with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.doctor.finding import Finding, ok, problem
from classifier.errors import Counted, Message
from classifier.exclude import Exclude
from classifier.images.walk import find_images
from classifier.paths import name_length

if TYPE_CHECKING:
    from classifier.progress import Progress, Stage


@dataclass(slots=True, kw_only=True)
class Crawl:
    """What was counted; `sample` has up to so many of its pictures as were wanted."""

    folder: Path
    count: int = 0
    size_bytes: int = 0
    longest_path: int = 0
    longest_name: int = 0
    sample: tuple[Path, ...] = ()

    def finding(self) -> Finding:
        """How many pictures there are."""
        if not self.count:
            return problem(
                "crawl",
                Message("{crawl}: no picture is there", crawl=self.folder),
                Message("name the folder that holds the pictures"),
            )
        return ok(
            "crawl",
            Counted(
                "{crawl}: {count:,} picture, {size:,.1f} GB",
                "{crawl}: {count:,} pictures, {size:,.1f} GB",
                count=self.count,
                crawl=self.folder,
                size=self.size_bytes / 1e9,
            ),
        )


def look_through(folder: Path, *, skip: list[Path], exclude: Exclude, wanted: int, progress: Progress) -> Crawl:
    """Walk through all of `folder`, but not through `skip`; no picture is opened whose name says that it is one.

    Raises OSError when the folder cannot be listed.
    """
    crawl = Crawl(folder=folder)
    kept, step = list[Path](), 1
    with progress.stage(Message("counting the pictures"), total=None, unit="picture") as stage:
        for path in _counted(crawl, skip, exclude, stage):
            if (crawl.count - 1) % step == 0:
                kept.append(path)
            if len(kept) == 2 * wanted:  # every second one is as evenly spread
                kept, step = kept[::2], 2 * step
    spread = max(1.0, len(kept) / wanted)
    crawl.sample = tuple(kept[int(number * spread)] for number in range(min(wanted, len(kept))))
    return crawl


def _counted(crawl: Crawl, skip: list[Path], exclude: Exclude, stage: Stage) -> Iterator[Path]:
    for file in find_images(crawl.folder, skip=skip, exclude=exclude):
        crawl.count += 1
        crawl.size_bytes += file.size_bytes
        crawl.longest_path = max(crawl.longest_path, name_length(str(file.path)))
        crawl.longest_name = max(crawl.longest_name, name_length(file.path.name))
        stage.advance()
        yield file.path
