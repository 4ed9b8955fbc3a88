from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from classifier.errors import StorageError
from classifier.parts.listing_files import (
    LISTING_FILE,
    METADATA_KEY,
    Listing,
    Part,
    is_part_of,
    is_unfinished,
    part_name,
    part_number,
    read_listing,
    read_part,
    read_part_of,
    write_listing,
    write_part,
)
from classifier.parts.schema import LISTING, Listed
from classifier.parts.storage import open_storage

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [Listed("a.jpg", 5, "12"), Listed("x.tar/é.png", 7, "e-tag", "x.tar", 1536)]
LIST = Listing(source="/data/\udc83crawl", parts=1, pictures=2, part_size=10_000)


def test_a_part_is_read_as_it_was_written(tmp_path: Path) -> None:
    parts, part = open_storage(tmp_path), Part(source="s3://bucket/x", number=3, part_size=10_000, rows=ROWS)

    write_part(parts, part)

    assert read_part(parts, 3) == part
    assert parts.names() == ["part-00003.parquet"]
    table = parquet.read_table(tmp_path / "part-00003.parquet")
    assert table.schema.equals(LISTING)
    about = json.loads(table.schema.metadata[METADATA_KEY])
    assert about.pop("crc32") == zlib.crc32(json.dumps(about).encode())
    assert about == {
        "kind": "listing",
        "format": 1,
        "source": "s3://bucket/x",
        "part": 3,
        "part_size": 10_000,
        "rows": 2,
    }


def test_equal_parts_are_equal_files(tmp_path: Path) -> None:
    part = Part(source="/x", number=0, part_size=10_000, rows=ROWS * 1000)

    for name in ("one", "two"):
        write_part(open_storage(tmp_path / name), part)

    one, two = ((tmp_path / name / part_name(0)).read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_part_without_rows_is_a_part(tmp_path: Path) -> None:
    parts, part = open_storage(tmp_path), Part(source="/x", number=0, part_size=10_000, rows=[])

    write_part(parts, part)

    assert read_part(parts, 0) == part


def test_a_listing_is_read_as_it_was_written(tmp_path: Path) -> None:
    parts = open_storage(tmp_path)

    write_listing(parts, LIST)

    assert read_listing(parts) == LIST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"kind": "listing", "format": 1}',
        '{"kind": "listing", "format": 1, "source": 1, "parts": 1, "pictures": 1, "part_size": 1}',
        '{"kind": "listing", "format": 1, "source": "x", "parts": -1, "pictures": 1, "part_size": 1}',
        '{"kind": "other", "format": 1, "source": "x", "parts": 1, "pictures": 1, "part_size": 1}',
    ],
)
def test_a_damaged_listing_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / LISTING_FILE).write_text(text)

    with pytest.raises(StorageError, match="is damaged, or no listing"):
        read_listing(open_storage(tmp_path))


def test_a_newer_listing_is_one_line(tmp_path: Path) -> None:
    (tmp_path / LISTING_FILE).write_text('{"kind": "listing", "format": 2}')

    with pytest.raises(StorageError, match="newer illsort"):
        read_listing(open_storage(tmp_path))


def test_a_folder_without_a_listing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"holds no complete listing .*illsort list SOURCE --to"):
        read_listing(open_storage(tmp_path))
    with pytest.raises(StorageError, match=r"has no part-00000\.parquet"):
        read_part(open_storage(tmp_path), 0)


def test_a_damaged_part_is_one_line(tmp_path: Path) -> None:
    parts = open_storage(tmp_path)
    write_part(parts, Part(source="/x", number=0, part_size=10_000, rows=ROWS * 100))
    whole = (tmp_path / part_name(0)).read_bytes()
    foreign = pa.BufferOutputStream()
    parquet.write_table(pa.table({"key": ["x"]}), foreign)

    for content in (b"", whole[:-1], whole[:50], b"\0" * 100 + whole[100:], foreign.getvalue().to_pybytes()):
        (tmp_path / part_name(0)).write_bytes(content)
        with pytest.raises(StorageError, match="is damaged, or no part"):
            read_part(parts, 0)
    (tmp_path / part_name(1)).write_bytes(whole)
    with pytest.raises(StorageError, match="is damaged, or no part"):
        read_part(parts, 1)
    assert not is_part_of(parts, part_name(1), "/x")


@pytest.mark.parametrize(
    ("listing", "rows"),
    [
        (Listing(source="/x", parts=2, pictures=4, part_size=3), 2),
        (Listing(source="/x", parts=2, pictures=4, part_size=2), 1),
        (Listing(source="/y", parts=2, pictures=4, part_size=2), 2),
    ],
)
def test_a_part_of_another_listing_is_one_line(tmp_path: Path, listing: Listing, rows: int) -> None:
    parts = open_storage(tmp_path)
    ours = Listing(source="/x", parts=2, pictures=2 + rows, part_size=2)
    part = Part(source="/x", number=1, part_size=2, rows=ROWS[:rows])
    write_part(parts, part)

    assert read_part_of(parts, 1, ours) == part
    with pytest.raises(StorageError, match=r"^[^\n]*list [^\n]*again[^\n]*$"):
        read_part_of(parts, 1, listing)


@pytest.mark.parametrize("bits", [0x01, 0x10, 0x80])
def test_a_changed_byte_in_a_part_is_seen(tmp_path: Path, bits: int) -> None:
    parts, part = (
        open_storage(tmp_path),
        Part(source="/x", number=0, part_size=10_000, rows=[Listed(f"{n}.jpg", n, "1") for n in range(50)]),
    )
    write_part(parts, part)
    whole = (tmp_path / part_name(0)).read_bytes()

    for at in range(4, len(whole)):
        (tmp_path / part_name(0)).write_bytes(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :])
        try:
            found = read_part(parts, 0)
        except StorageError:
            continue
        assert found == part, at


def test_the_files_of_a_listing_are_known_by_their_names() -> None:
    names = [
        "part-00042.parquet",
        "part-100000.parquet",
        "part-000001.parquet",
        "part-1.parquet",
        "part-00001-a.parquet",
    ]

    assert [part_number(name) for name in names] == [42, 100_000, None, None, None]
    assert is_unfinished(".part-00042.parquet.0123456789abcdef.part")
    assert is_unfinished(".listing.json.0123456789abcdef.part")
    assert not is_unfinished("part-00042.parquet")
