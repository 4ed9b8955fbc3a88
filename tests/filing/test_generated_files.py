from __future__ import annotations

import csv
import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.damage import find_damage
from classifier.errors import FilingStopped, LibraryError
from classifier.filing.generated_files import write_csv
from fault_injection.faulty_disks import Failing
from kit.tree import read_tree

if TYPE_CHECKING:
    from classifier.filing.fsops import Disk
    from kit.filing import World

ROWS = [(Path("/crawl/\u732b.jpg"), "corrupt", "half of it"), (Path("/crawl/a, b.jpg"), "empty", "0 bytes")]
NAME = "_broken.csv"


def write(world: World, rows: list[tuple[Path, str, str]], disk: Disk | None = None) -> Path | None:
    """Write the listing."""
    return write_csv(world.catalog, library=world.library, name=NAME, rows=rows, disk=disk)


def read(world: World) -> list[list[str]]:
    """The listing's cells as a spreadsheet reads them."""
    with (world.library / NAME).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_listing_holds_its_rows_in_order_and_opens_right_in_spreadsheets(world: World) -> None:
    assert world.library / NAME == write(world, ROWS)
    assert [
        ["path", "reason", "detail"],
        [str(Path("/crawl/a, b.jpg")), "empty", "0 bytes"],
        [str(Path("/crawl/\u732b.jpg")), "corrupt", "half of it"],
    ] == read(world)
    assert (world.library / NAME).read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_listing_of_ours_is_replaced_and_an_unneeded_one_goes(world: World) -> None:
    write(world, ROWS)
    write(world, ROWS[:1])
    assert 2 == len(read(world))
    assert None is write(world, [])
    assert {} == read_tree(world.library)
    assert None is write(world, [])


@pytest.mark.parametrize("rows", [ROWS, []])
@pytest.mark.parametrize("written", [True, False])
def test_a_file_that_we_did_not_write_is_never_replaced_or_removed(
    world: World, written: bool, rows: list[tuple[Path, str, str]]
) -> None:
    if written:
        write(world, ROWS)
    (world.library / NAME).write_bytes(b"my own notes")
    with pytest.raises(LibraryError, match=r"_broken\.csv is not as illsort wrote it"):
        write(world, rows)
    assert {NAME: b"my own notes"} == read_tree(world.library)


def test_a_link_to_a_listing_of_ours_is_not_ours(world: World) -> None:
    write(world, ROWS)
    (world.library / NAME).rename(world.library / "kept.csv")
    (world.library / NAME).symlink_to("kept.csv")
    with pytest.raises(LibraryError):
        write(world, ROWS)


def test_a_cell_from_an_untrusted_name_is_never_a_formula(world: World) -> None:
    write(world, [(Path("/a.jpg"), "corrupt", "=HYPERLINK(1)")])
    assert "'=HYPERLINK(1)" == read(world)[1][2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_an_undecodable_name_is_shown_with_backslashes(world: World) -> None:
    write(world, [(Path(os.fsdecode(b"/\xff.jpg")), "corrupt", "")])
    assert r"/\xff.jpg" == read(world)[1][0]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_refusing_disk_is_reported_in_words(world: World, code: int) -> None:
    kind = FilingStopped if code == errno.ENOSPC else LibraryError
    with pytest.raises(kind, match=f"cannot write .*{os.strerror(code)}"):
        write(world, ROWS, Failing("write_new", code))


@pytest.mark.parametrize("call", ["write_new", "rename_exclusively", "remove", "sync_folder"])
@pytest.mark.parametrize("first", [[], ROWS[:1]])
def test_a_listing_stopped_anywhere_is_still_known_as_ours(
    world: World, first: list[tuple[Path, str, str]], call: str
) -> None:
    write(world, first)
    with suppress(FilingStopped):
        write(world, ROWS, Failing(call, errno.EIO))
    assert None is find_damage(world.catalog.connection)
    write(world, ROWS)
    assert 3 == len(read(world))
    assert [NAME] == list(read_tree(world.library))
    assert None is write(world, [])
