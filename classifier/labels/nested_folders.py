"""Folders within category folders that look like categories of their own, which `labels.depth` makes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.category_names import SEPARATOR
from classifier.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from classifier.records import Label

_LEAST_PICTURES: Final = 2
"""As a category needs."""
_LEAST_FOLDERS: Final = 2
"""In one category: a single one is rather a part that a person set apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedFolders:
    """How many there are, and one of them, as the category that it would be."""

    count: int
    example: str

    @property
    def hint(self) -> Message:
        """What they are taken for now, and what to set."""
        return Message(
            "{count} folders within categories, such as {example}, count for the category around them; "
            "labels.depth = 2 makes each a category of its own",
            count=self.count,
            example=self.example,
        )


def nested_folders(labels: Iterable[Label], folder: Path, *, depth: int) -> NestedFolders | None:
    """Those in a labels `folder` of which one level makes a category; None where there are none."""
    if depth > 1:
        return None
    inner: Counter[tuple[str, ...]] = Counter()
    for label in labels:
        parts = label.path.relative_to(folder).parts if label.path.is_relative_to(folder) else ()
        if len(parts) > 2:  # noqa: PLR2004 - a category, a folder and a picture
            inner[parts[:2]] += 1
    in_category: dict[str, list[str]] = defaultdict(list)
    for (category, name), count in sorted(inner.items()):
        if count >= _LEAST_PICTURES:
            in_category[category].append(SEPARATOR.join((category, name)))
    nested = [names for names in in_category.values() if len(names) >= _LEAST_FOLDERS]
    return NestedFolders(count=sum(map(len, nested)), example=nested[0][0]) if nested else None
