"""The files of a listing: its parts, and `listing.json`, which is written last; with it there the listing is whole."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import parquet

from classifier.errors import StorageError
from classifier.parts.schema import LISTING, Listed
from classifier.paths import to_json, to_text, unescaped

if TYPE_CHECKING:
    from classifier.parts.storage_types import Storage

LISTING_FILE: Final = "listing.json"
FORMAT: Final = 1
METADATA_KEY: Final = b"illsort"
"""Under this key the metadata of every Parquet file of ours is JSON."""
_CHECKSUM: Final = "crc32"
_KIND: Final = "listing"
_PART: Final = re.compile(r"part-([0-9]{5,})\.parquet")
_UNFINISHED: Final = re.compile(r"\..+\.[0-9a-f]{16}\.part")
"""As `own_files.write_own` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What `listing.json` says: the path or URL that was listed, and how many pictures in how many parts."""

    source: str
    parts: int
    pictures: int
    part_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a listing, as its file has it; `part_size` is how many rows a part has that is not the last."""

    source: str
    number: int
    part_size: int
    rows: list[Listed]


def part_name(number: int) -> str:
    """The key of a part's file; the numbers begin at 0."""
    return f"part-{number:05d}.parquet"


def part_number(name: str) -> int | None:
    """The number of the part in a file of this name; None for any other file."""
    found = _PART.fullmatch(name)
    return int(found[1]) if found is not None and name == part_name(int(found[1])) else None


def is_unfinished(name: str) -> bool:
    """Whether a file of this name was being written when illsort was killed."""
    return _UNFINISHED.fullmatch(name) is not None


def parquet_bytes(table: pa.Table, about: dict[str, Any]) -> bytes:
    """A Parquet file of a table with `about` in its metadata, both with checksums: of equal tables, the same bytes."""
    metadata = {METADATA_KEY: to_json(about | {_CHECKSUM: _checksum(about)}).encode()}
    sink = pa.BufferOutputStream()
    parquet.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd", write_page_checksum=True)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def parquet_about(schema: pa.Schema) -> dict[str, Any] | None:
    """What `parquet_bytes` was given as `about`; None where the file is none of ours, or this is damaged."""
    try:
        about = json.loads((schema.metadata or {})[METADATA_KEY])
        checksum = about.pop(_CHECKSUM)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return about if isinstance(about, dict) and checksum == _checksum(about) else None


def _checksum(about: dict[str, Any]) -> int:
    return zlib.crc32(to_json(about).encode())


def write_part(parts: Storage, part: Part) -> None:
    """Put a part in place; what was at its name is replaced."""
    columns = list(zip(*part.rows, strict=True)) or [()] * len(LISTING)
    table = pa.table([pa.array(one, kind.type) for one, kind in zip(columns, LISTING, strict=True)], schema=LISTING)
    about = {
        "kind": _KIND,
        "format": FORMAT,
        "source": to_text(part.source),
        "part": part.number,
        "part_size": part.part_size,
        "rows": len(part.rows),
    }
    parts.write_atomically(part_name(part.number), parquet_bytes(table, about))


def read_part(parts: Storage, number: int) -> Part:
    """A part of a listing.

    Raises StorageError in one line where its file is missing, damaged or no part; and as `parts` does.
    """
    name = part_name(number)
    try:
        content = parts.read_bytes(name)
    except FileNotFoundError:
        raise StorageError("{url}: has no {name}; list the source again", url=parts.url, name=name) from None
    return _part(content, number, url=parts.url)


def read_part_of(parts: Storage, number: int, listing: Listing) -> Part:
    """A part of this listing.

    Raises StorageError in one line where it is one of another, such as where two were written to one place; and as
    `read_part` does.
    """
    part = read_part(parts, number)
    if part.source != listing.source:
        raise StorageError(
            "part {number} lists {found}, its listing {wanted}; list the source again",
            number=number,
            found=part.source,
            wanted=listing.source,
        )
    if part.part_size != listing.part_size or len(part.rows) != rows_of_part(listing, number):
        raise StorageError(
            "{url}: part {number} is of another listing of the source; list it again, into a folder of its own",
            url=parts.url,
            number=number,
        )
    return part


def rows_of_part(listing: Listing, number: int) -> int:
    """How many pictures a part has; the last has what remains."""
    return min(listing.part_size, listing.pictures - number * listing.part_size)


def _part(content: bytes, number: int, *, url: str) -> Part:
    name = part_name(number)
    try:
        table = parquet.read_table(pa.BufferReader(content), page_checksum_verification=True)
        about = _checked(parquet_about(table.schema))
        found = (about["part"], about["rows"])
        if found != (number, table.num_rows) or not table.schema.equals(LISTING):
            raise ValueError("another part")  # noqa: TRY301 - damaged like all below
        source, part_size = unescaped(_text(about["source"])), _count(about["part_size"])
        rows = list(map(Listed._make, zip(*(table.column(name).to_pylist() for name in LISTING.names), strict=True)))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise StorageError("{url}/{name}: is damaged, or no part of a listing", url=url, name=name) from error
    return Part(source=source, number=number, part_size=part_size, rows=rows)


def write_listing(parts: Storage, listing: Listing) -> None:
    """Say that the listing is whole."""
    about = {"kind": _KIND, "format": FORMAT, **asdict(listing), "source": to_text(listing.source)}
    parts.write_atomically(LISTING_FILE, to_json(about, indent=2).encode() + b"\n")


def read_listing(parts: Storage) -> Listing:
    """The listing in a folder.

    Raises StorageError in one line where there is none, or one that was never completed, or damaged; and as `parts`
    does.
    """
    try:
        content = parts.read_bytes(LISTING_FILE)
    except FileNotFoundError:
        raise StorageError(
            "{url}: holds no complete listing ({file}); make one with: illsort list SOURCE --to {url}",
            url=parts.url,
            file=LISTING_FILE,
        ) from None
    try:
        about = _checked(json.loads(content))
        counts = {name: _count(about[name]) for name in ("parts", "pictures", "part_size")}
        return Listing(source=unescaped(_text(about["source"])), **counts)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            "{url}/{file}: is damaged, or no listing of illsort", url=parts.url, file=LISTING_FILE
        ) from error


def is_part_of(parts: Storage, name: str, source: str) -> bool:
    """Whether the file of this name is a part of a listing of `source`. Raises as `parts` does: that says neither."""
    number = part_number(name)
    if number is None:
        return False
    try:
        content = parts.read_bytes(name)
    except FileNotFoundError:
        return False
    try:
        return _part(content, number, url=parts.url).source == source
    except StorageError:
        return False


def _checked(about: Any) -> dict[str, Any]:
    """What a file of a listing says about itself. Raises ValueError or KeyError where it is none."""
    if not isinstance(about, dict) or about.get("kind") != _KIND:
        raise ValueError("no listing")
    if about["format"] != FORMAT:
        raise StorageError("the listing was made by a newer illsort; update this one")
    return about


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
