"""Draws an audit: a random order of the filed images, as long as it takes."""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Final

from classifier.audit.estimate import CONFIDENCE
from classifier.audit.thresholds import default_sample_size, threshold_steps
from classifier.catalog import audits, manual_moves
from classifier.catalog.audits import Audit, SampledImage
from classifier.catalog.decisions import count_filed
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import utc_now
from classifier.errors import LibraryError
from classifier.model.anytime_bounds import draws_at_rate
from classifier.model.binomial_bounds import look_confidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.audits import FiledImage
    from classifier.catalog.connection import Catalog

_LONG_ENOUGH: Final = 5_000
_TIMES_NONE_WRONG: Final = 3
_LONGEST: Final = 100_000


def target_of(catalog: Catalog) -> float | None:
    """The error rate requested of the last sort; None without one."""
    sort = audits.last_sort(catalog)
    return None if sort is None else Strictness.from_settings(sort[2]).max_error


def default_count(catalog: Catalog) -> int:
    """The default number of images to draw: at most as many as are filed."""
    return min(default_sample_size(target_of(catalog), audits.next_number(catalog)), max(count_filed(catalog), 1))


def new_seed() -> int:
    """The seed of an audit for which none was asked, of 32 bits; nobody can tell it beforehand."""
    return secrets.randbits(32)


def draw_audit(
    catalog: Catalog, library: Path, *, count: int | None, seed: int | None, until: float | None = None
) -> Audit:
    """Draw a simple random sample of the filed images; the same seed gives the same sample.

    With `until`, an error rate, it is an order to be judged until that is shown, and as long as a person may go on.
    """
    there = sorted(_files_present(catalog, library), key=lambda one: one.image_id)
    if not there:
        raise LibraryError("{library}: nothing is filed there yet, so there is nothing to audit", library=library)
    seed = new_seed() if seed is None else seed
    if until is not None:
        count = _length(len(there), until, audits.next_number(catalog))
    count = count or default_count(catalog)
    drawn = random.Random(seed).sample(there, min(count, len(there)))  # noqa: S311 - repeatable, not secret
    audit = Audit(
        at=utc_now(),
        seed=seed,
        simple=True,
        filed=Counter(one.category for one in there),
        steps=threshold_steps([one.confidence for one in there]),
        marks=audits.marks(catalog),
        drawn=tuple(
            SampledImage(
                position=position,
                image_id=one.image_id,
                category=one.category,
                confidence=one.confidence,
                reason=one.reason,
            )
            for position, one in enumerate(drawn)
        ),
        until=until,
    )
    return audits.save(catalog, audit)


def _length(population: int, until: float, number: int) -> int:
    """How many images to draw for an audit until a rate is shown: some times as many as it takes if none is wrong."""
    none_wrong = draws_at_rate(0, population, until, look_confidence(number, CONFIDENCE)) or population
    return min(max(_LONG_ENOUGH, _TIMES_NONE_WRONG * none_wrong), _LONGEST)


def _files_present(catalog: Catalog, library: Path) -> Iterator[FiledImage]:
    """The images that illsort filed that are still in place. Each folder is listed once: single lookups are slow."""
    names: dict[str, set[str]] = {}
    by_hand = manual_moves.manually_placed(catalog)  # put there by a person, so no error of illsort
    for one in audits.filed(catalog):
        if one.image_id in by_hand:
            continue
        if one.category not in names:
            folder = library / one.category
            names[one.category] = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - far faster
        # Some systems list names in another Unicode form than they were given.
        if one.name in names[one.category] or (library / one.path).exists():
            yield one
