"""Draws pictures of a listing by chance and fetches them into a folder, on which everything else then works.

Each picture of the listing is as likely as any other, whatever a model says of it: labels and error rates of the sample
are evidence for all that is listed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from classifier.errors import Message, StorageError
from classifier.parts.fetch_pictures import PictureFetcher, Wanted, name_from
from classifier.parts.listing_files import read_listing, read_part_of
from classifier.parts.local_storage import LocalStorage
from classifier.parts.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.parts.listing_files import Listing
    from classifier.parts.schema import Listed
    from classifier.parts.storage_types import Storage
    from classifier.progress import Progress


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
    there = frozenset(name for name in target.names() if not name.startswith("."))
    sample, width = Sample(listed=listing.pictures, drawn=len(places)), len(str(listing.pictures))
    _refuse_others(there, {f"{place:0{width}}" for place in places}, folder)
    source = open_storage(listing.source)
    fetcher = PictureFetcher(source=source, target=target, there=there, max_megapixels=max_megapixels)
    wanted = (Wanted(row, name_from(f"{place:0{width}}", row.key)) for place, row in _rows(listed, listing, places))
    with progress.stage(Message("fetching"), total=len(places), unit="picture") as stage:
        for one, failure in fetcher.fetch_all(wanted):
            sample.known += one.name in there
            if failure is not None:
                sample.failures[one.row.key] = failure
            stage.advance()
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


def _rows(listed: Storage, listing: Listing, places: Sequence[int]) -> Iterator[tuple[int, Listed]]:
    """The rows at these places, part by part."""
    for number, of_part in groupby(places, key=partial(_part_of, size=listing.part_size)):
        rows = read_part_of(listed, number, listing).rows
        first = number * listing.part_size
        yield from ((place, rows[place - first]) for place in of_part if place - first < len(rows))


def _part_of(place: int, *, size: int) -> int:
    return place // size


def _refuse_others(there: frozenset[str], ours: set[str], folder: Path) -> None:
    other = min((name for name in there if name.partition("-")[0] not in ours), default=None)
    if other is not None:
        raise StorageError(
            "{folder}: holds {name}, which is not of this sample; give an empty folder, or the same seed and at least "
            "as many pictures",
            folder=folder,
            name=other,
        )
