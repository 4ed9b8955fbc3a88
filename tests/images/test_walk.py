from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from kit.pictures import COLORS, jpeg_bytes, png_bytes
from kit.tree import make_tree

PNG = png_bytes(COLORS["red"])
JPEG = jpeg_bytes(COLORS["blue"])

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX kind of file")


def names(root: Path, **options: Any) -> list[str]:
    return [file.path.relative_to(root).as_posix() for file in find_images(root, **options)]


def test_a_folders_files_come_before_its_folders_each_by_name(tmp_path: Path) -> None:
    make_tree(tmp_path, {"b": {"2.png": PNG, "1.png": PNG, "a": {"0.png": PNG}}, "a": {"9.jpg": JPEG}, "z.png": PNG})

    assert names(tmp_path) == ["z.png", "a/9.jpg", "b/1.png", "b/2.png", "b/a/0.png"]


def test_images_without_an_image_extension_are_found_by_content(tmp_path: Path) -> None:
    make_tree(tmp_path, {"noext": PNG, "picture.txt": JPEG, "notes.txt": b"BMW", "empty": b"", "empty.png": b""})
    found = WalkResult()

    assert names(tmp_path, found=found) == ["empty.png", "noext", "picture.txt"]
    assert (found.pictures, found.others) == (3, 2)
    assert found.sentences() == ["2 files are not pictures"]


def test_pictures_of_formats_that_are_not_read_are_found_all_the_same(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.heic": b"?", "b.psd": b"?", "c.svg": b"<svg>"})

    assert names(tmp_path) == ["a.heic", "b.psd", "c.svg"]


def test_the_record_is_what_the_file_system_shows(tmp_path: Path) -> None:
    path = make_tree(tmp_path, {"a.png": PNG}) / "a.png"
    status = path.stat()

    [file] = find_images(tmp_path)

    assert (file.path, file.size_bytes, file.mtime_ns) == (path, len(PNG), status.st_mtime_ns)
    assert (file.inode, file.device) == (status.st_ino, status.st_dev)


def test_hidden_folders_are_entered_but_state_and_skipped_ones_are_not(tmp_path: Path) -> None:
    make_tree(tmp_path, {".illsort": {"a.png": PNG}, "library": {"b.png": PNG}, ".hidden": {"c.png": PNG}})
    another_spelling = tmp_path / ".hidden" / ".." / "library"

    assert names(tmp_path, skip=[another_spelling, tmp_path / "absent"]) == [".hidden/c.png"]


@needs_posix
def test_links_are_counted_and_never_followed(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": {"1.png": PNG}})
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "a" / "1.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nothing")
    found = WalkResult()

    assert names(tmp_path, found=found) == ["a/1.png"]
    assert found.links == 3


@needs_posix
def test_pipes_and_sockets_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)
    found = WalkResult()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")

        assert names(tmp_path, found=found) == []
    assert found.specials == 2


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has only UTF-8 names")
def test_names_of_any_bytes_survive(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe\n.png"
    Path(os.fsdecode(raw)).write_bytes(PNG)

    [file] = find_images(tmp_path)

    assert os.fsencode(file.path) == raw


@needs_posix
def test_an_unreadable_folder_is_reported_and_the_walk_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(tmp_path, {"a": {"1.png": PNG}, "b": {"2.png": PNG}})
    listing = os.scandir

    def refusing(folder: str) -> Any:
        if Path(folder).name == "a":
            raise PermissionError(13, "Permission denied", folder)
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found = WalkResult()

    assert names(tmp_path, found=found) == ["b/2.png"]
    assert found.unreadable == 1
    assert found.complaints == [f"{str(tmp_path / 'a')!r} cannot be read: Permission denied"]


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(find_images(tmp_path / "absent"))


def test_a_walk_ends_before_the_next_file_once_it_is_stopped(tmp_path: Path) -> None:
    for name in ("a/1.txt", "a/2.txt", "b/3.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"text")
    found = WalkResult()

    assert [] == list(find_images(tmp_path, found=found, is_stopped=lambda: found.others >= 1))
    assert 1 == found.others
