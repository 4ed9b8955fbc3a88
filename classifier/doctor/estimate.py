"""What follows from measured speeds: how long sorting and training take, and how much of the disk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Message
from classifier.progress import format_duration
from classifier.training.recipe import LOOKED_AT, finetuning_seconds
from classifier.web.thumbnails import LIMIT_BYTES

if TYPE_CHECKING:
    from classifier.doctor.speed import Speed
    from classifier.settings import Settings

LABELS: Final = 200
"""Training is estimated for so many: 20 in each of 10 categories."""
CATALOG_BYTES: Final = 2_600
"""A picture in the catalog and the log of moves; measured on 3,165 pictures with short paths."""
LOOK_BYTES: Final = 1_672
"""What copies of a picture are found by, beside its embedding."""
_THUMBNAIL_BYTES: Final = 20_000
_STEPS: Final = ((60, 10), (600, 60), (3_600, 300), (36_000, 600), (math.inf, 3_600))
"""Up to so many seconds, in steps of so many."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds, and bytes on the library's disk beside the pictures; fine-tuning is None where it does not fit."""

    backbone: str
    engine: str
    pictures_per_second: float
    sort: float
    head: float
    finetune: float | None
    disk: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON, not rounded."""
        return {
            "backbone": self.backbone,
            "engine": self.engine,
            "pictures_per_second": self.pictures_per_second,
            "sort_seconds": self.sort,
            "labels": LABELS,
            "head_seconds": self.head,
            "finetune_seconds": self.finetune,
            "disk_bytes": self.disk,
        }


def estimate(speed: Speed, *, count: int, settings: Settings) -> Estimate:
    """For a crawl of `count` pictures, and for a training on 200 labels."""
    return Estimate(
        backbone=speed.backbone,
        engine=speed.engine,
        pictures_per_second=speed.sorting,
        sort=count / speed.sorting,
        head=LOOKED_AT * LABELS / speed.sorting,
        finetune=None
        if speed.training is None
        else finetuning_seconds(settings, labels=LABELS, learning=1 / speed.training, looking=1 / speed.sorting),
        disk=count * (CATALOG_BYTES + speed.row_bytes + LOOK_BYTES) + min(LIMIT_BYTES, count * _THUMBNAIL_BYTES),
    )


def about(seconds: float) -> Message:
    """Rounded up to what an estimate can say."""
    step = next(step for most, step in _STEPS if seconds <= most)
    rounded = max(1, math.ceil(seconds / step)) * step
    if rounded >= 2 * _DAY:
        return Message("{days} days", days=math.ceil(rounded / _DAY))
    if rounded < _MINUTE:
        return Message("{seconds} s", seconds=rounded)
    if rounded % _HOUR == 0:
        return Message("{hours} h", hours=rounded // _HOUR)
    return format_duration(rounded)
