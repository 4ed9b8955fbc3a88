"""Every name that a file can have is kept, byte for byte."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.filing.results import Status
from classifier.records import Method
from fault_injection.faulty_disks import OtherDisk
from kit.filing import move_of, sort

if TYPE_CHECKING:
    from kit.filing import World

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names of any bytes")

BYTES = [bytes([byte]) for byte in range(1, 256) if bytes([byte]) not in {b".", b"/"}]
LONG = [b"x" * 255, b"x" * 251 + b".jpg", "\u00e9".encode() * 127 + b"x", "\u732b".encode() * 85, b"\xff" * 255]
TWINS = [
    *(text.encode() for text in ("caf\u00e9.jpg", "cafe\u0301.jpg", "\u212b.jpg", "\u00c5.jpg", "A\u030a.jpg")),
    *(text.encode() for text in ("cat.jpg", "Cat.jpg", "CAT.JPG", "cat.JPG")),
    *(text.encode() for text in ("stra\u00dfe.jpg", "strasse.jpg", "\u0130.jpg", "\u0131.jpg")),
]
ODD = [
    b"-rf.jpg",
    b"--help",
    b"*.jpg",
    b"$(touch x).jpg",
    b"; rm -rf x",
    b"new\nline.jpg",
    b"\r\n",
    b"tab\t.jpg",
    b" leading and trailing ",
    b"dots...",
    b"...",
    b".hidden",
    b".jpg",
    b"%s%n.jpg",
    b"a\\b.jpg",
    b"a:b.jpg",
    b'a"b<c>d|e?f.jpg',
    b"CON",
    b"nul.jpg",
    b"COM1.jpg",
    b"aux.",
    "\u202egpj.exe".encode(),
    "\U0001f431.jpg".encode(),
    "\ufeffbom.jpg".encode(),
    b"\xed\xa0\x80 surrogate.jpg",
    b"\xc0\xaf overlong.jpg",
    b"half a letter \xe7\x8c",
    b".illsort-9-9.par",
]
EVERY = [*BYTES, *LONG, *TWINS, *ODD]


def named(folder: Path, name: bytes) -> Path:
    """The file of this name."""
    return Path(os.fsdecode(os.fsencode(folder) + b"/" + name))


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK])
def test_every_name_is_kept_byte_for_byte(tmp_path: Path, method: Method) -> None:
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    for number, name in enumerate(EVERY):
        named(crawl, name).write_bytes(b"a%d" % number)
    outcomes = sort(library, crawl, method=method)
    assert [Status.PLACED] * len(EVERY) == [outcome.status for outcome in outcomes]
    filed = {os.fsencode(path.name): path.read_bytes() for path in (library / "kind_a").iterdir()}
    assert {name: b"a%d" % number for number, name in enumerate(EVERY)} == filed
    assert [] == sort(library, crawl, method=method)


def test_names_as_long_as_can_be_meet_and_both_are_kept(tmp_path: Path) -> None:
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    for number, name in enumerate(LONG):
        for folder in ("one", "two"):
            (crawl / folder).mkdir(parents=True, exist_ok=True)
            named(crawl / folder, name).write_bytes(b"a%d%s" % (number, folder.encode()))
    outcomes = sort(library, crawl, method=Method.MOVE)
    assert {Status.PLACED} == {outcome.status for outcome in outcomes}
    filed = {os.fsencode(path.name) for path in (library / "kind_a").iterdir()}
    assert len(LONG) * 2 == len(filed)
    assert set(LONG) <= filed


def test_a_picture_named_as_a_copy_under_way_is_not_taken_for_one(world: World) -> None:
    disk = OtherDisk(world.crawl)
    first = world.add(".illsort-1-2.part", b"a picture all the same")
    world.execute(move_of(first, method=Method.MOVE), disk=disk)
    world.execute(move_of(world.add("b.jpg", b"cat"), method=Method.COPY))
    assert {b"a picture all the same", b"cat"} == {path.read_bytes() for path in (world.library / "cats").iterdir()}
