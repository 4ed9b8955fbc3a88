"""What reading one picture may cost. Must not know how the limits are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.settings import ImageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A file on which its reader needs longer than `deadline_s`, or more than `worker_gigabytes`, is given up.

    The gigabytes are what a reading process takes beyond its start, on Linux; 0 sets no limit. A picture of 64
    megapixels takes less than 3 in any format.
    """

    deadline_s: float
    worker_gigabytes: float


def limits_from(settings: ImageSettings) -> Limits:
    """The limits that the settings name."""
    return Limits(deadline_s=settings.deadline_seconds, worker_gigabytes=settings.max_worker_gigabytes)
