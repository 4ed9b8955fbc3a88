"""The time, as the catalog keeps it for a person to read; what came last is told by ids, never by the clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now(timespec: str = "seconds") -> str:
    """The time in UTC, down to `timespec`."""
    return datetime.now(UTC).isoformat(timespec=timespec)
