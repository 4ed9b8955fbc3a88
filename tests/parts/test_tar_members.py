from __future__ import annotations

import io
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.parts import tar_members as module
from classifier.parts.storage import open_storage
from classifier.parts.storage_types import StoredFile
from classifier.parts.tar_members import DamagedTar, Member, tar_members
from kit.tars import header, tar_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = {
    "000000.jpg": b"J" * 700,
    "000000.json": b"{}",
    "a/" + "long/" * 25 + "x.png": b"P" * 512,
    "empty.jpg": b"",
}
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def read(content: bytes) -> tuple[list[Member], str]:
    """The members of an archive, and what is wrong with it."""
    storage, found = open_storage("memory://tars"), list[Member]()
    storage.write_atomically("x.tar", content)
    try:
        for member in tar_members(storage, storage.stat("x.tar")):
            found.append(member)
    except DamagedTar as error:
        return found, str(error.why)
    return found, ""


def contents(content: bytes, members: list[Member]) -> dict[str, bytes]:
    return {one.name: content[one.offset : one.offset + one.size_bytes] for one in members}


@pytest.mark.parametrize("tar_format", FORMATS)
@pytest.mark.parametrize("window", [512, 1 << 20])
def test_members_lie_where_they_are_said_to(tar_format: int, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WINDOW", window)
    content = tar_bytes(FILES, tar_format=tar_format)

    members, why = read(content)

    assert why == ""
    assert contents(content, members) == FILES
    assert [one.name for one in members] == list(FILES)


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read_whole(tar_format: int) -> None:
    files = {"絵/" * 80 + "é.webp": b"W" * 1000, "n" * 300 + ".jpg": b"1", "\udc83.jpg": b"not UTF-8"}
    content = tar_bytes(files, tar_format=tar_format)

    members, why = read(content)

    assert (why, contents(content, members)) == ("", files)


def test_a_size_in_a_pax_header_counts() -> None:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            large = header("large.jpg", 3)
            large.pax_headers = {"size": "3", "path": "renamed.jpg"}
            tar.addfile(large, io.BytesIO(b"abc"))
        content = file.getvalue()

    assert contents(content, read(content)[0]) == {"renamed.jpg": b"abc"}


def test_only_regular_files_are_members() -> None:
    kinds = [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for number, kind in enumerate(kinds):
                tar.addfile(header(f"{number}.jpg", 0, kind))
            tar.addfile(header("x.jpg", 1), io.BytesIO(b"x"))
        content = file.getvalue()

    assert contents(content, read(content)[0]) == {"x.jpg": b"x"}


def test_sparse_files_are_passed_over() -> None:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            old = header("old.jpg", 512, tarfile.GNUTYPE_SPARSE)
            tar.addfile(old, io.BytesIO(b"o" * 512))
            tar.addfile(header("between.jpg", 1), io.BytesIO(b"b"))
        content = bytearray(file.getvalue())
    content[482] = 1  # another block of where the holes are, and of that none
    content[512:512] = b"\0" * 512
    content[148:156] = b"%06o\0 " % (sum(content[:148]) + 8 * 32 + sum(content[156:512]))
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            new = header("new.jpg", 2)
            new.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "new.jpg"}
            tar.addfile(new, io.BytesIO(b"nn"))
            tar.addfile(header("after.jpg", 1), io.BytesIO(b"a"))
        later = file.getvalue()

    assert contents(bytes(content), read(bytes(content))[0]) == {"between.jpg": b"b"}
    assert contents(later, read(later)[0]) == {"after.jpg": b"a"}


def test_an_empty_archive_is_whole() -> None:
    assert read(tar_bytes({})) == ([], "")


@pytest.mark.parametrize("tar_format", FORMATS)
def test_of_an_archive_cut_anywhere_what_is_whole_is_kept(tar_format: int) -> None:
    content = tar_bytes(FILES, tar_format=tar_format)
    members, _ = read(content)
    end = members[-1].offset + 511 & ~511

    for length in range(0, end, 100):
        found, why = read(content[:length])
        assert found == [one for one in members if one.offset + one.size_bytes <= length and one.offset <= length]
        assert why.startswith(("ends in the middle", "is damaged"))


def test_damage_between_members_is_seen() -> None:
    content = bytearray(tar_bytes(FILES))
    second = content.index(b"000000.json")
    content[second : second + 4] = b"\xff\xff\xff\xff"

    members, why = read(bytes(content))

    assert [one.name for one in members] == ["000000.jpg"]
    assert why == f"is damaged at byte {second:,}, or no tar archive"


def test_what_is_no_archive_is_said_to_be_none() -> None:
    assert read(b"\x1f\x8b" + b"compressed" * 200) == ([], "is damaged at byte 0, or no tar archive")
    assert read(b"") == ([], "ends in the middle, after 0 bytes")


@pytest.mark.parametrize("size", [-512, -(1 << 40), 1 << 40, (1 << 63) - 1])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_a_length_that_cannot_be_is_damage(size: int, kind: bytes) -> None:
    hostile = header("x.jpg", size, kind).tobuf(tarfile.GNU_FORMAT)

    members, why = read(tar_bytes({"first.jpg": b"f"})[:1024] + hostile + b"\0" * 4096)

    assert [one.name for one in members] == ["first.jpg"]
    assert why


@pytest.mark.parametrize(
    "record", [b"9 size=-5\n", b"99 path=x\n", b"0 path=x\n", b"x", b"-3 a=b\n", b"13 size=" + b"9" * 30]
)
def test_a_pax_header_that_cannot_be_is_damage(record: bytes) -> None:
    pax = header("PaxHeader", len(record), tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT)

    members, why = read(pax + record.ljust(512, b"\0") + tar_bytes({"x.jpg": b"x"}))

    assert members == []
    assert "damaged" in why


def pax_header(kind: bytes, key: bytes, value: bytes) -> bytes:
    """A PAX header with one value."""
    length = len(key) + len(value) + 3
    while len(record := b"%d %s=%s\n" % (length, key, value)) != length:
        length = len(record)
    padding = b"\0" * (-length % 512)
    return header("PaxHeader", length, kind).tobuf(tarfile.USTAR_FORMAT) + record + padding


@pytest.mark.parametrize("kind", [tarfile.XGLTYPE, tarfile.XHDTYPE])
def test_what_headers_say_beyond_name_and_length_is_not_kept(kind: bytes) -> None:
    headers = [pax_header(kind, b"k%d" % number, b"v" * 500_000) for number in range(40)]
    storage = open_storage("memory://tars")
    storage.write_atomically("x.tar", b"".join(headers) + tar_bytes({"x.jpg": b"x"}))

    tracemalloc.start()
    try:
        members = list(tar_members(storage, storage.stat("x.tar")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [one.name for one in members] == ["x.jpg"]
    assert peak < 8_000_000


@pytest.mark.parametrize("kind", [tarfile.XGLTYPE, tarfile.XHDTYPE])
def test_headers_without_end_are_damage(kind: bytes) -> None:
    members, why = read(tar_bytes({"a.jpg": b"a"})[:1024] + pax_header(kind, b"k", b"v") * 101 + tar_bytes(FILES))

    assert ([one.name for one in members], why) == (["a.jpg"], "is damaged: more than 100 headers before a file")


def test_an_archive_without_the_mark_of_its_end_is_whole() -> None:
    content = tar_bytes({"a.jpg": b"a" * 512, "b.jpg": b"b"})
    long_name = header("././@LongLink", 6, tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT) + b"n.jpg\0".ljust(512)

    assert [read(content[:length])[1] for length in (1024, 2048)] == ["", ""]
    assert [len(read(content[:length])[0]) for length in (1024, 2048)] == [1, 2]
    assert read(content[:2048] + long_name)[1] == "ends in the middle, after 3,072 bytes"


def test_many_headers_before_a_member_are_read() -> None:
    name = header("././@LongLink", 6, tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT) + b"n.jpg\0".ljust(512, b"\0")

    members, why = read(name * 100 + tar_bytes({"x.jpg": b"x"}))

    assert ([one.name for one in members], why) == (["n.jpg"], "")


@given(st.binary(max_size=64), st.integers(0, 3000))
def test_no_garbage_ends_in_anything_but_damage(garbage: bytes, at: int) -> None:
    content = bytearray(tar_bytes(FILES, tar_format=tarfile.PAX_FORMAT))
    content[at : at + len(garbage)] = garbage

    members, _ = read(bytes(content))

    assert all(0 < one.offset <= one.offset + one.size_bytes <= len(content) for one in members)


def test_an_archive_that_changed_since_it_was_listed_is_damaged() -> None:
    storage = open_storage("memory://tars")
    storage.write_atomically("x.tar", tar_bytes(FILES))

    with pytest.raises(DamagedTar, match="changed while"):
        list(tar_members(storage, StoredFile("x.tar", 10_240, "another")))


def test_bodies_beyond_a_window_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, read_bytes = open_storage("memory://tars"), list[int]()
    content = tar_bytes({f"{number}.jpg": bytes(100_000) for number in range(10)})
    storage.write_atomically("x.tar", content)
    read_range: Callable[..., bytes] = storage.read_range

    def counted(key: str, offset: int, length: int, **options: str) -> bytes:
        read_bytes.append(length)
        return read_range(key, offset, length, **options)

    monkeypatch.setattr(storage, "read_range", counted)
    monkeypatch.setattr(module, "_WINDOW", 4096)

    assert len(list(tar_members(storage, storage.stat("x.tar")))) == 10
    assert sum(read_bytes) <= 11 * 4096
