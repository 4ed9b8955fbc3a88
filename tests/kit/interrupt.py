"""A sort that ends as soon as predicting has begun, without a process of its own to kill."""

from __future__ import annotations

from typing import Any

from kit.progress import SavingProgress


class Stop(Exception):  # noqa: N818 - it says what happens
    """The end of the process, as far as the catalog can see."""


class Stopping(SavingProgress):
    """Ends the run as soon as predicting has begun."""

    def stage(self, name: str, *, total: int | None, unit: str) -> Any:
        """As the others, but the stages in which images are read are never reached."""
        if name in {"sorting", "reading"}:
            raise Stop
        return super().stage(name, total=total, unit=unit)
