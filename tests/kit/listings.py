"""Listings of drawn pictures: loose in a folder, in tar files, in a bucket; and the files of answers to them."""

from __future__ import annotations

import hashlib
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from classifier.parts.listing_files import Listing, Part, write_listing, write_part
from classifier.parts.schema import Listed
from classifier.parts.storage import open_storage
from kit.pictures import COLORS, encoded, varied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLOR_NAMES = ("red", "green", "blue")


def drawn(count: int) -> dict[str, bytes]:
    """Pictures of red, green and blue in turn, by name."""
    return {
        f"{number:03}.png": encoded(varied(COLORS[COLOR_NAMES[number % 3]], seed=number), "PNG")
        for number in range(count)
    }


def listed(parts: Path | str, source: Path | str, rows: Sequence[Listed], *, part_size: int = 10) -> str:
    """Write a listing of `source`; returns where it is."""
    place = open_storage(parts)
    name = source if isinstance(source, str) else source.as_posix()
    numbers = range(-(-len(rows) // part_size))
    for number in numbers:
        some = list(rows[number * part_size : (number + 1) * part_size])
        write_part(place, Part(source=name, number=number, part_size=part_size, rows=some))
    write_listing(place, Listing(source=name, parts=len(numbers), pictures=len(rows), part_size=part_size))
    return str(parts)


def in_folder(folder: Path, pictures: Mapping[str, bytes]) -> list[Listed]:
    """Write the pictures into a folder; returns their rows."""
    for name, content in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return rows_of(folder, pictures)


def rows_of(source: Path | str, names: Mapping[str, Any]) -> list[Listed]:
    """The rows of files as they are now."""
    place = open_storage(source)
    return [Listed(*place.stat(name)) for name in names]


def tar_of(pictures: Mapping[str, bytes]) -> bytes:
    """A tar file with the pictures."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in pictures.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return file.getvalue()


def members_of(source: Path | str, name: str, content: bytes) -> list[Listed]:
    """The rows of the members of a tar file at `name`, which has this content."""
    version = open_storage(source).stat(name).version
    with tarfile.open(fileobj=BytesIO(content)) as tar:
        return [Listed(f"{name}/{member.name}", member.size, version, name, member.offset_data) for member in tar]


def hashes(answers: Path) -> dict[str, str]:
    """The files of answers in a folder by name, each with the hash of its bytes."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(answers.iterdir())}


def rows_in(answers: Path) -> list[dict[str, Any]]:
    """The rows of all parts in order."""
    tables: list[pa.Table] = [parquet.read_table(file) for file in sorted(answers.glob("part-*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]
