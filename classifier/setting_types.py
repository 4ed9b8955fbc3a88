"""The types that settings have: paths as a person means them, and numbers in the range that a run can keep."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from classifier.exclude import Exclude
from classifier.paths import given_path, to_text

_FOLDER = "local-dir:"


def _as_text(value: object) -> object:
    """A whole number or a date of TOML as text: 2024 and 2024-05-01 are names of folders too."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, date | time) else value


def _as_path(value: object) -> object:
    """A path as a person means it; what is none is left for its type to refuse."""
    text = _as_text(value)
    return given_path(text) if isinstance(text, str | Path) else text


def _as_backbone(name: object) -> object:
    """`local-dir:~/x` with its path as a person means it."""
    text = _as_text(name)
    is_folder = isinstance(text, str) and text.startswith(_FOLDER)
    return f"{_FOLDER}{given_path(str(text).removeprefix(_FOLDER))}" if is_folder else text


def at_least_or_0(least: float) -> AfterValidator:
    """Zero, which means something of its own, or at least so much."""

    def check(value: float) -> float:
        if 0 < value < least:
            raise ValueError(f"it is 0 or at least {least}")
        return value

    return AfterValidator(check)


Folder = Annotated[
    Path | None,
    BeforeValidator(_as_path),
    PlainSerializer(to_text, when_used="json-unless-none"),
]
Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=4000)]
Backbone = Annotated[str, BeforeValidator(_as_backbone), Field(min_length=1, max_length=4000)]
Share = Annotated[float, Field(gt=0, lt=1)]
ErrorRate = Annotated[float, Field(ge=1e-6, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _checked_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    Exclude(patterns)
    return patterns


Patterns = Annotated[tuple[str, ...], AfterValidator(_checked_patterns)]
