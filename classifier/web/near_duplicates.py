"""Whether pictures are nearly the same to a person, by the rule that keeps near-duplicates on one side of a split.

Perceptual hash and thumbnail, of small pictures as the page shows them. Knows no web, no network and no catalog.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.errors import Undecodable
from classifier.labels.dataset import example_of
from classifier.records import Label
from classifier.settings import ImageSettings, LabelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.records import Example, PictureId

_MOST_KEPT: Final = 8192
"""How many pictures' looks are kept, about a kilobyte each: neighbors are asked about again and again."""
_NOWHERE: Final = Label(path=Path(), category="")


class Looks:
    """Tells what is nearly the same; `see` gives a small picture as a JPEG, or None when it is no longer there."""

    def __init__(self, see: Callable[[PictureId], bytes | None]) -> None:
        self._see = see
        self._kept: dict[PictureId, Example | None] = {}

    def same(self, picture: PictureId, others: Sequence[PictureId]) -> list[PictureId]:
        """Which of `others` are nearly the same as `picture`, in their order; directly, not over one another."""
        from classifier.labels.near_duplicates import near_duplicates  # noqa: PLC0415 - it needs scipy

        own = self._look(picture) if others else None
        if own is None:
            return []
        found = [look for look in map(self._look, others) if look is not None]
        bits = LabelSettings().near_duplicate_bits
        return [other.picture for other in found if any(near_duplicates((own, other), bits))]

    def _look(self, picture: PictureId) -> Example | None:
        if picture not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[picture] = self._read(picture)
        return self._kept[picture]

    def _read(self, picture: PictureId) -> Example | None:
        data = self._see(picture)
        if data is None:
            return None
        try:
            seen = example_of(_NOWHERE, data, max_megapixels=ImageSettings().max_megapixels)
        except Undecodable:
            return None
        return replace(seen, picture=picture)
