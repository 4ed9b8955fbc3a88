"""Files with tags beside filed pictures: ours are known, follow their pictures, and replace no other file."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from classifier.catalog import decisions
from classifier.catalog import tag_files as written
from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.errors import FilingStopped
from classifier.filing import tag_files
from classifier.filing.refile import refile_images
from classifier.filing.tag_formats import TagFormat
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images.hashing import hash_bytes
from classifier.progress import SilentProgress
from fault_injection.faulty_disks import Failing
from kit.audits import Kind, filed_library
from kit.commands import illsort
from kit.tree import all_files

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
RED = "red/red 0.png"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return filed_library(
        tmp_path, Kind(category="red", confidences=[0.9, 0.95]), Kind(category="猫", confidences=[0.9])
    )


def _tags(library: Path) -> dict[str, bytes]:
    return {path: content for path, content in all_files(library).items() if path.endswith((".xmp", ".txt"))}


def test_each_filed_picture_gets_files_that_other_programs_read(library: Path) -> None:
    ended = illsort("export", library, "--xmp", "--txt")
    found = _tags(library)

    assert (0, "files with tags: 6 written, 0 as they were, 0 removed\n") == (ended.returncode, ended.stdout)
    assert {f"{path}{end}" for path in (RED, "red/red 1.png", "猫/猫 0.png") for end in (".xmp", ".txt")} == set(found)
    assert "猫\n".encode() == found["猫/猫 0.png.txt"]
    root = ET.fromstring(found["猫/猫 0.png.xmp"])  # noqa: S314 - our own
    lists = [(part.tag.partition("}")[2], [one.text for one in part.iter(f"{RDF}li")]) for part in root[0][0]]
    assert [("subject", ["猫"]), ("hierarchicalSubject", ["illsort|猫"]), ("TagsList", ["illsort/猫"])] == lists


def test_each_level_of_a_nested_category_is_a_tag_and_the_hierarchy_has_all(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="游戏/甘雨", confidences=[0.9]))
    illsort("export", library, "--xmp", "--txt")
    found = _tags(library)

    (text,) = (content for path, content in found.items() if path.endswith(".txt"))
    (xmp,) = (content for path, content in found.items() if path.endswith(".xmp"))
    root = ET.fromstring(xmp)  # noqa: S314 - our own
    assert "游戏\n甘雨\n".encode() == text
    assert [["游戏", "甘雨"], ["illsort|游戏|甘雨"], ["illsort/游戏/甘雨"]] == [
        [one.text for one in part.iter(f"{RDF}li")] for part in root[0][0]
    ]


def test_they_are_known_and_written_once(library: Path) -> None:
    illsort("export", library, "--xmp", "--txt")
    seen = verify(library)
    again = illsort("export", library, "--xmp", "--txt")

    assert ([], [], {}) == (seen.off, seen.yours, seen.missing)
    assert "0 written, 6 as they were, 0 removed" in again.stdout


def test_a_file_of_another_and_one_that_was_changed_stay(library: Path) -> None:
    (library / f"{RED}.txt").write_bytes(b"mine")
    first = illsort("export", library, "--txt")
    (library / "red/red 1.png.txt").write_bytes(b"edited")
    second = illsort("export", library, "--txt")
    removing = illsort("export", library, "--no-txt")

    assert (1, 1) == (first.returncode, second.returncode)
    assert "2 could not be written or removed:" in second.stdout
    assert "is not as illsort wrote it, so it stays" in first.stdout
    assert "1 removed" in removing.stdout
    assert {f"{RED}.txt": b"mine", "red/red 1.png.txt": b"edited"} == _tags(library)


def test_those_of_a_picture_that_moves_go_and_the_next_export_writes_new_ones(library: Path) -> None:
    illsort("export", library, "--xmp")
    (library / "猫" / "red 0.png").hardlink_to(library / RED)
    (library / RED).unlink()
    illsort("export", library, "--xmp")
    found = _tags(library)

    assert f"{RED}.xmp" not in found
    assert found["猫/猫 0.png.xmp"] == found["猫/red 0.png.xmp"]
    assert [] == verify(library).yours


def test_a_picture_that_is_filed_elsewhere_leaves_no_tags_of_its_old_category(library: Path) -> None:
    (library / f"{RED}.txt").write_bytes(b"mine")
    illsort("export", library, "--xmp", "--txt")
    with hold_lock(library), open_catalog(library) as catalog:
        old = decisions.decisions_of(catalog, [hash_bytes((library / RED).read_bytes())]).popitem()[1]
        new = replace(old, category="猫")
        decisions.save(catalog, [new], run=2)
        assert 1 == refile_images(catalog, library, [new], run=2, progress=SilentProgress()).moved
    moved = _tags(library)
    illsort("export", library, "--xmp", "--txt")

    assert b"mine" == moved[f"{RED}.txt"]
    assert not {f"{RED}.xmp", "猫/red 0.png.xmp"} & set(moved)
    assert b"mine" == _tags(library)[f"{RED}.txt"]
    assert "猫\n".encode() == _tags(library)["猫/red 0.png.txt"]


def test_an_undo_takes_them_away_with_their_pictures(library: Path) -> None:
    illsort("export", library, "--xmp", "--txt")
    (library / f"{RED}.xmp").write_bytes(b"edited")
    undone = undo(library)

    assert ([], 3) == (undone.left, undone.taken_back)
    assert {f"{RED}.xmp": b"edited"} == _tags(library)
    assert not (library / "猫").exists()


def test_what_a_kill_left_of_one_is_removed_and_written_by_the_next_export(library: Path) -> None:
    path = Path(f"{RED}.txt")
    left = tag_files._temporary(path)
    with open_catalog(library) as catalog:
        written.record(catalog, {path: "0" * 64, left: ""})
    (library / left).write_bytes(b"re")
    illsort("export", library, "--txt")

    assert b"red\n" == (library / path).read_bytes()
    assert not (library / left).exists()
    with open_catalog(library) as catalog:
        assert 1 == len(written.hashes_of(catalog, path))
        assert set() == written.hashes_of(catalog, left)


@pytest.mark.parametrize("call", ["write_new", "rename_exclusively", "sync_folder"])
def test_a_disk_that_refuses_ends_it_and_the_next_export_goes_on(library: Path, call: str) -> None:
    with (
        hold_lock(library),
        open_catalog(library) as catalog,
        pytest.raises((FilingStopped, OSError), match=os.strerror(errno.ENOSPC)),
    ):
        tag_files.write_tag_files(catalog, library, [TagFormat.TXT], SilentProgress(), disk=Failing(call, errno.ENOSPC))
    ended = illsort("export", library, "--txt")

    assert 0 == ended.returncode
    assert 3 == len(_tags(library))
    assert ([], []) == ((seen := verify(library)).off, seen.yours)


def test_a_library_of_a_stranger_has_no_file_removed_outside_it(library: Path, tmp_path: Path) -> None:
    outside, folder = tmp_path / "x.png.txt", tmp_path / "elsewhere"
    outside.write_bytes(b"red\n")
    folder.mkdir()
    (folder / "x.png.txt").write_bytes(b"red\n")
    (library / "link").symlink_to(folder, target_is_directory=True)
    sha = tag_files.hashlib.sha256(b"red\n").hexdigest()
    with open_catalog(library) as catalog:
        written.record(catalog, {Path("../x.png.txt"): sha, Path("link/x.png.txt"): sha, outside: sha})
    illsort("export", library, "--no-txt")

    assert b"red\n" == outside.read_bytes() == (folder / "x.png.txt").read_bytes()


def hydrus_tags(picture: Path) -> set[str]:
    """As hydrus imports a text sidecar by default: the picture's whole name and .txt, UTF-8, a tag a line."""
    sidecar = picture.with_name(f"{picture.name}.txt")
    lines = sidecar.read_text(encoding="utf-8").splitlines() if sidecar.exists() else []
    return {tag for line in lines if (tag := " ".join(line.split()).lower())}


def kohya_tags(picture: Path) -> list[str]:
    """As kohya's trainers read a caption: the picture's name with .txt, its first line, tags parted by commas."""
    caption = picture.with_suffix(".txt")
    lines = caption.read_text(encoding="utf-8").splitlines() if caption.exists() else []
    return [tag.strip() for tag in lines[0].split(",")] if lines else []


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A library with a category whose name has a comma."""
    return filed_library(
        tmp_path, Kind(category="red, dark", confidences=[0.9]), Kind(category="猫", confidences=[0.9])
    )


def test_hydrus_reads_the_category_as_one_tag(odd: Path) -> None:
    illsort("export", odd, "--txt")

    assert {"red, dark"} == hydrus_tags(odd / "red, dark/red, dark 0.png")
    assert {"猫"} == hydrus_tags(odd / "猫/猫 0.png")
    assert [] == kohya_tags(odd / "猫/猫 0.png")


def test_kohya_reads_the_category_as_one_tag_of_the_caption(odd: Path) -> None:
    illsort("export", odd, "--caption")

    assert ["red dark"] == kohya_tags(odd / "red, dark/red, dark 0.png")
    assert ["猫"] == kohya_tags(odd / "猫/猫 0.png")
    assert set() == hydrus_tags(odd / "猫/猫 0.png")
    assert ([], []) == ((seen := verify(odd)).off, seen.yours)


def test_captions_and_tags_by_line_are_taken_away_each_by_itself(library: Path) -> None:
    illsort("export", library, "--caption", "--txt", "--xmp")
    without = illsort("export", library, "--no-txt")
    assert "3 removed" in without.stdout
    assert (["red"], set()) == (kohya_tags(library / RED), hydrus_tags(library / RED))
    (library / "red/red 0.txt").write_bytes(b"1girl, solo")
    assert 1 == illsort("export", library, "--caption").returncode
    illsort("export", library, "--no-caption")

    assert {"red/red 0.txt": b"1girl, solo"} == {p: c for p, c in _tags(library).items() if p.endswith(".txt")}
    assert 3 == len([path for path in _tags(library) if path.endswith(".xmp")])


def test_a_caption_goes_when_no_picture_of_its_name_is_there_any_more(library: Path) -> None:
    illsort("export", library, "--caption")
    (library / RED).unlink()
    illsort("export", library, "--caption")

    assert {"red/red 1.txt", "猫/猫 0.txt"} == set(_tags(library))
    assert 2 == undo(library).taken_back
    assert {} == _tags(library)
