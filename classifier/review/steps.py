"""The steps that a person can take back, the last one first; read anew from what was said and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from classifier.catalogue import categories
from classifier.catalogue.verdicts import standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalogue.store import Catalogue
    from classifier.records import Verdict

ORIGIN: Final = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was said at one moment, and is taken back as one; nothing, perhaps, where a category was renamed."""

    at: str
    said: tuple[Verdict, ...]
    renames: bool = False


def read_steps(catalogue: Catalogue, said: Sequence[Verdict]) -> list[Step]:
    """The steps that stand, the oldest first; `said` are all verdicts of the page, oldest first."""
    left = {verdict.id for of_it in standing(said).values() for verdict in of_it}
    in_order = [verdict for verdict in said if verdict.id in left]
    renamings = categories.renamed_at(catalogue)
    steps: dict[str, tuple[Verdict, ...]] = dict.fromkeys(renamings, ())
    steps |= {at: tuple(step) for at, step in groupby(in_order, key=lambda verdict: verdict.at)}
    return [Step(at=at, said=steps[at], renames=at in renamings) for at in sorted(steps)]
