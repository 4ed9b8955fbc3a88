"""Draws pictures of a listing by chance and fetches them into a folder, on which everything else then works.

Each picture of the listing is as likely as any other, whatever a model says of it: labels and error rates of the sample
are evidence for all that is listed.
"""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from classifier.errors import Message, StorageError, Undecodable, message_of
from classifier.images.safe_open import check_length
from classifier.parts.listing_files import read_listing, read_part_of
from classifier.parts.local_storage import LocalStorage
from classifier.parts.storage import ChangedSinceListed, open_storage, read_listed
from classifier.paths import to_text, unescaped
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.parts.listing_files import Listing
    from classifier.parts.schema import Listed
    from classifier.parts.storage_types import Storage
    from classifier.progress import Progress, Stage

_LEAST_THREADS: Final = 4
_NOT_IN_NAMES: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
"""What a name cannot hold on one of the systems, or not as Unicode."""
_LONGEST: Final = 100


@dataclass(kw_only=True)
class Sample:
    """`drawn` of the `listed` pictures, `known` of them fetched before; `failures` by key, with why."""

    listed: int
    drawn: int
    known: int = 0
    failures: dict[str, Message] = field(default_factory=dict)


def fetch_sample(
    parts: str, folder: Path, *, count: int, seed: int, max_megapixels: float, progress: Progress
) -> Sample:
    """Fetch `count` pictures of the listing at `parts`, all where there are fewer, into `folder`.

    The same seed draws the same pictures, of a greater `count` some more; those that are there are not fetched again.
    A picture that is gone, or another one than was listed, is a failure and none is drawn in its place. Raises
    StorageError in one line where there is no listing, a bucket does not answer, or `folder` holds other files.
    """
    listed, target = open_storage(parts), LocalStorage(folder)
    listing = read_listing(listed)
    places = draw(listing.pictures, count, seed)
    there = {name for name in target.names() if not name.startswith(".")}
    sample, width = Sample(listed=listing.pictures, drawn=len(places)), len(str(listing.pictures))
    _refuse_others(there, {f"{place:0{width}}" for place in places}, folder)
    fetcher = _Fetcher(open_storage(listing.source), target, there, max_megapixels)
    with (
        ThreadPoolExecutor(max(_LEAST_THREADS, fetcher.source.reads_at_once)) as threads,
        progress.stage(Message("fetching"), total=len(places), unit="picture") as stage,
    ):
        for rows in _rows(listed, listing, places):
            named = [(row, f"{place:0{width}}-{_tail(row.key)}") for place, row in rows]
            sample.known += sum(name in there for _, name in named)
            _add_failures(sample, threads.map(fetcher.fetch, *zip(*named, strict=True)), stage)
    return sample


def draw(population: int, count: int, seed: int) -> list[int]:
    """A simple random sample of 0..population-1, rising; with a greater `count` the same and some more."""
    chances = random.Random(seed)  # noqa: S311 - repeatable, not secret
    if count >= population:
        return list(range(population))
    drawn = set[int]()
    while len(drawn) < count:
        drawn.add(chances.randrange(population))
    return sorted(drawn)


@dataclass(frozen=True, slots=True)
class _Fetcher:
    source: Storage
    target: LocalStorage
    there: set[str]
    max_megapixels: float

    def fetch(self, row: Listed, name: str) -> tuple[str, Message] | None:
        """Have the picture under this name; its key and why where it cannot be had."""
        if name in self.there:
            return None
        try:
            check_length(row.size_bytes, max_megapixels=self.max_megapixels)
            content = read_listed(self.source, row)
        except ChangedSinceListed:
            return row.key, reason_message(Reason(ReasonCode.CHANGED))
        except FileNotFoundError:
            return row.key, reason_message(Reason(ReasonCode.GONE))
        except Undecodable as error:
            return row.key, reason_message(error.detail)
        except OSError as error:
            return row.key, message_of(error)
        self.target.write_atomically(name, content)
        return None


def _add_failures(sample: Sample, found: Iterator[tuple[str, Message] | None], stage: Stage) -> None:
    for failure in found:
        if failure is not None:
            sample.failures[failure[0]] = failure[1]
        stage.advance()


def _rows(listed: Storage, listing: Listing, places: Sequence[int]) -> Iterator[list[tuple[int, Listed]]]:
    """The rows at these places, part by part."""
    for number, of_part in groupby(places, key=partial(_part_of, size=listing.part_size)):
        rows = read_part_of(listed, number, listing).rows
        first = number * listing.part_size
        yield [(place, rows[place - first]) for place in of_part if place - first < len(rows)]


def _part_of(place: int, *, size: int) -> int:
    return place // size


def _tail(key: str) -> str:
    """The end of the picture's own name, as any system takes it."""
    name = _NOT_IN_NAMES.sub("_", PurePosixPath(unescaped(key)).name)
    return to_text(name[-_LONGEST:].rstrip(" ."))


def _refuse_others(there: set[str], ours: set[str], folder: Path) -> None:
    other = min((name for name in there if name.partition("-")[0] not in ours), default=None)
    if other is not None:
        raise StorageError(
            "{folder}: holds {name}, which is not of this sample; give an empty folder, or the same seed and at least "
            "as many pictures",
            folder=folder,
            name=other,
        )
