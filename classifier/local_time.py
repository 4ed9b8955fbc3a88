"""Recorded times, which are UTC in ISO 8601, as this machine's clock shows them."""

from __future__ import annotations

from datetime import datetime


def local_time(recorded: str) -> str:
    """The time to the minute, as `2026-11-29 20:16`; text that is no time stays as it is."""
    try:
        return f"{datetime.fromisoformat(recorded).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):  # a damaged row, or a year that the system cannot show
        return recorded


def local_date(recorded: str) -> str:
    """The day, as `2026-11-29`."""
    return local_time(recorded)[:10]
