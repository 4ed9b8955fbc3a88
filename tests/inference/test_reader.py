from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from classifier.images.hashing import hash_bytes
from classifier.inference.reader import Read, Reader, ReadError
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.pictures import COLORS, busy, encoded, jpeg_bytes, png_bytes
from kit.readers import Shrink
from kit.tree import make_tree

READER = Reader(transform=Shrink(), max_megapixels=64)
RED = COLORS["red"]


def unread(path: Path, reader: Reader = READER) -> ReadError:
    outcome = reader.read(path)
    assert isinstance(outcome, ReadError)
    return outcome


def test_a_picture_is_read_with_its_file_its_identity_and_its_pixels(tmp_path: Path) -> None:
    data = png_bytes(RED, (64, 48))
    path = make_tree(tmp_path, {"a.png": data}) / "a.png"

    outcome = READER.read(path)

    assert isinstance(outcome, Read)
    assert (outcome.file.path, outcome.file.size_bytes, outcome.file.inode) == (path, len(data), path.stat().st_ino)
    assert outcome.image.id == hash_bytes(data)
    assert (outcome.image.width, outcome.image.height, outcome.image.truncated) == (64, 48, False)
    assert outcome.pixels.shape == (3, 8, 8)
    assert outcome.pixels[:, 4, 4].tolist() == list(RED)


def test_a_truncated_picture_is_read_and_marked(tmp_path: Path) -> None:
    path = make_tree(tmp_path, {"a.jpg": encoded(busy(size=(300, 200)), "JPEG")[:-900]}) / "a.jpg"

    outcome = READER.read(path)

    assert isinstance(outcome, Read)
    assert outcome.image.truncated


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.png", b"", FailureKind.EMPTY),
        ("a.png", b"hello", FailureKind.NOT_AN_IMAGE),
        ("a.tga", b"\0\0\x02" + bytes(40), FailureKind.UNSUPPORTED),
        ("a.png", b"8BPS\0\x01", FailureKind.UNSUPPORTED),
        ("a.png", png_bytes(RED)[:30], FailureKind.CORRUPT),
        ("a.png", png_bytes(RED, (1001, 1000)), FailureKind.TOO_LARGE),
    ],
)
def test_a_bad_file_is_known_with_its_reason(tmp_path: Path, name: str, data: bytes, kind: FailureKind) -> None:
    path = make_tree(tmp_path, {name: data}) / name

    outcome = unread(path, Reader(transform=Shrink(), max_megapixels=1))

    assert outcome.failure.kind is kind
    assert outcome.failure.detail.code.value not in str(reason_message(outcome.failure.detail))
    assert outcome.id == hash_bytes(data)
    assert outcome.file is not None
    assert outcome.file.path == path


def test_a_file_that_is_gone_has_vanished(tmp_path: Path) -> None:
    outcome = unread(tmp_path / "a.png")

    assert (outcome.failure.kind, outcome.file, outcome.id) == (FailureKind.VANISHED, None, None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    failure = unread(tmp_path / "a.png").failure

    assert (failure.kind, str(reason_message(failure.detail))) == (FailureKind.UNREADABLE, "not a regular file")


def test_a_file_that_may_not_be_read_is_still_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_tree(tmp_path, {"a.png": png_bytes(RED)}) / "a.png"

    def refusing(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refusing)
    outcome = unread(path)

    assert (outcome.failure.kind, str(reason_message(outcome.failure.detail))) == (
        FailureKind.UNREADABLE,
        "Permission denied",
    )
    assert outcome.file is not None
    assert outcome.id is None


def test_a_file_far_too_long_for_a_picture_is_hashed_but_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(70 * 2**20)

    outcome = unread(path, Reader(transform=Shrink(), max_megapixels=1))

    assert outcome.failure.kind is FailureKind.TOO_LARGE
    assert (
        str(reason_message(outcome.failure.detail)) == "the file has 73,400,320 bytes, more than 1 megapixels can take"
    )
    assert outcome.id is not None


@pytest.mark.parametrize(("error", "kind"), [(MemoryError(), FailureKind.MEMORY), (KeyError("x"), FailureKind.CORRUPT)])
def test_an_error_in_the_transform_costs_only_that_file(tmp_path: Path, error: Exception, kind: FailureKind) -> None:
    path = make_tree(tmp_path, {"a.jpg": jpeg_bytes(RED)}) / "a.jpg"

    def failing(_: Tensor) -> Tensor:
        raise error

    failure = unread(path, Reader(transform=failing, max_megapixels=64)).failure

    assert failure.kind is kind


def test_a_reader_can_be_pickled(tmp_path: Path) -> None:
    path = make_tree(tmp_path, {"a.jpg": jpeg_bytes(RED)}) / "a.jpg"

    again = pickle.loads(pickle.dumps(READER)).read(path)  # noqa: S301 - made here

    once = READER.read(path)
    assert isinstance(again, Read)
    assert isinstance(once, Read)
    assert torch.equal(again.pixels, once.pixels)
