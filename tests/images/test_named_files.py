from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.exclude import Exclude
from classifier.images.named_files import NamedFiles
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from kit.pictures import jpeg_bytes
from kit.tree import Tree, make_tree

if TYPE_CHECKING:
    from pathlib import Path

JPEG = jpeg_bytes((200, 0, 0))
TREE: Tree = {
    "a.jpg": JPEG,
    "b.PSD": JPEG,
    "c.txt": b"text",
    "clip.mp4": b"video",
    "d.jpg.part": JPEG,
    "pack.tar": b"tar",
    "old.zip": b"zip",
    "Thumbs.db": b"system",
    ".hidden": {"h.png": JPEG},
    ".illsort": {"i.jpg": JPEG},
    "@eaDir": {"x": {"t.jpg": JPEG}, "u.jpg": JPEG},
    "drafts": {"x.jpg": JPEG, "keep": {"y.jpg": JPEG}},
    "絵": {"é.webp": JPEG, "gone.gif": JPEG},
}
PATTERNS = ["drafts/", "*.gif", "!drafts/keep/y.jpg"]


@pytest.mark.parametrize("patterns", [[], PATTERNS])
def test_names_decide_as_the_walk_of_a_folder_does(tmp_path: Path, patterns: list[str]) -> None:
    root, exclude = make_tree(tmp_path, TREE), Exclude(patterns)
    walked, named = WalkResult(), WalkResult()
    paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()]

    found = find_images(root, exclude=exclude, also={".tar"}, found=walked)
    names = NamedFiles(found=named, exclude=exclude, also={".tar"})

    assert sorted(file.path.relative_to(root).as_posix() for file in found) == [
        one for one in paths if names.takes(one)
    ]
    assert named == walked
    assert named.pictures == (4 if patterns else 7)


def test_an_apple_double_is_left_by_its_name() -> None:
    found = WalkResult()

    assert not NamedFiles(found=found).takes("x/._a.jpg")
    assert found.system == 1
