"""Files of decisions, one a part: their names, columns and metadata. Equal answers and policy give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from classifier.errors import StorageError
from classifier.parts.answers_meta import short_key
from classifier.parts.listing_files import parquet_about, parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.parts.storage_types import Storage

COLUMNS: Final = pa.schema(
    [
        ("key", pa.string()),
        ("tar", pa.string()),
        ("offset", pa.int64()),
        ("image_id", pa.string()),
        ("action", pa.string()),
        ("category", pa.string()),
        ("confidence", pa.float64()),
        ("reason", pa.string()),
        ("params", pa.string()),
    ]
)
"""A row for each row of the answers, in its order.

`key`, `tar` and `offset` are those of the listing: the key alone may name a member of an archive and another file too.
`action` is a value of `records.Action`, or FAILED; `category` (the best guess where nothing is filed) and `confidence`
are those of `records.Decision`, null of what failed; `reason` is a value of `reasons.ReasonCode` and `params` its
parameters, as JSON. `image_id` is null where the file could not be read at all.
"""
FAILED: Final = "failed"
FORMAT: Final = 1
_KIND: Final = "decisions"


class DecisionName(NamedTuple):
    """What the names of the files of one `illsort decide` have in common: the model's key, and a hash of the policy."""

    model: str
    asked: str

    def of_part(self, part: int) -> str:
        """The name of the file of a part."""
        return f"part-{part:05}.{self}.parquet"

    def __str__(self) -> str:
        return f"{short_key(self.model)}.{self.asked}"


def write_decisions(to: Storage, name: str, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Put the decisions of a part in place, at once; `about` is what they follow from, and what they came to."""
    to.write_atomically(name, parquet_bytes(table, {"kind": _KIND, "format": FORMAT, **about}))


def read_about(to: Storage, name: str) -> dict[str, Any]:
    """What `write_decisions` was given as `about`. Raises StorageError in one line where the file is damaged."""
    try:
        file = parquet.ParquetFile(pa.BufferReader(to.read_bytes(name)))
        about = parquet_about(file.schema_arrow) or {}
        if (about.pop("kind"), about.pop("format")) != (_KIND, FORMAT):
            raise ValueError("of another kind")  # noqa: TRY301 - damaged like all below
    except (pa.ArrowException, LookupError, OSError, ValueError) as error:
        raise StorageError(
            "{url}/{name}: is damaged, or no decisions of illsort; remove it and run this again", url=to.url, name=name
        ) from error
    return about
