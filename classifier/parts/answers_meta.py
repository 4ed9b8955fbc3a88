"""What a file of answers is named, and what it says of itself: who answered, and what."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from classifier.paths import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1
_KIND: Final = "answers"
_ENTRY: Final = b"illsort"
"""The key of Parquet's metadata under which it stands, as JSON."""
_NAME: Final = re.compile(r"part-(\d{5}|[1-9]\d{5,8})\.([0-9a-f]{12})\.parquet")
"""As `answers_name` writes it, and no other name of the same part: `part-000000` would be part 0 once more."""
_KEY_DIGITS: Final = 12


def answers_name(part: int, model: str) -> str:
    """The name of the file with the answers of a model, by its key, to a part."""
    return f"part-{part:05}.{short_key(model)}.parquet"


def short_key(model: str) -> str:
    """As much of a model's key as stands in the name of a file."""
    return model[:_KEY_DIGITS]


def part_and_model(name: str) -> tuple[int, str] | None:
    """The part and the beginning of the model's key, of the name of a file of answers; None for another name."""
    found = _NAME.fullmatch(name)
    return None if found is None else (int(found[1]), found[2])


def part_of(name: str) -> int:
    """The part that a file of answers is of, by its name. Raises ValueError for another name."""
    found = part_and_model(name)
    if found is None:
        raise ValueError(name)
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersMeta:
    """Of what `source` (a URL) and `part` a file holds the answers of a model.

    `model` and `backbone` are the keys of `model.manifest.Manifest`, `categories` and `temperature` what the model had
    when it answered.
    """

    categories: tuple[str, ...]
    model: str
    backbone: str
    temperature: float
    source: str
    part: int

    def as_metadata(self) -> dict[bytes, bytes]:
        """For `pyarrow.Schema.with_metadata`."""
        return {_ENTRY: to_json({"kind": _KIND, "format": FORMAT, **asdict(self)}).encode()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes] | None) -> AnswersMeta:
        """What `as_metadata` wrote. Raises ValueError for anything else."""
        try:
            values = json.loads((metadata or {})[_ENTRY])
            if (values["kind"], values["format"]) != (_KIND, FORMAT):
                raise ValueError("of another kind")  # noqa: TRY301 - one way out
            return cls(
                categories=tuple(str(one) for one in values["categories"]),
                model=str(values["model"]),
                backbone=str(values["backbone"]),
                temperature=float(values["temperature"]),
                source=str(values["source"]),
                part=int(values["part"]),
            )
        except (LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValueError("says nothing of illsort's answers") from error
