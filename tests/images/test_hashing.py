from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from classifier.images.decode import decode
from classifier.images.hashing import hash_bytes, hash_file, perceptual_hash
from kit.pictures import busy, encoded


def test_the_id_is_the_sha256_of_the_content() -> None:
    assert hash_bytes(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_a_hashed_file_has_the_id_of_its_bytes_and_its_own_stat(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    path = tmp_path / "a.png"
    path.write_bytes(data)

    file, identity = hash_file(path)

    assert identity == hash_bytes(data)
    assert (file.path, file.size_bytes, file.mtime_ns) == (path, len(data), path.stat().st_mtime_ns)
    assert (file.inode, file.device) == (path.stat().st_ino, path.stat().st_dev)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="not a regular file"):
        hash_file(tmp_path / "pipe")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own words
        hash_file(tmp_path)


def test_near_duplicates_differ_in_few_bits_and_strangers_in_many() -> None:
    picture = busy(seed=1, size=(320, 240))
    small = decode(encoded(picture.resize((160, 120)), "JPEG", quality=60), max_megapixels=64).image
    stranger = busy(seed=2, size=(320, 240))

    assert (perceptual_hash(picture) ^ perceptual_hash(small)).bit_count() <= 6
    assert (perceptual_hash(picture) ^ perceptual_hash(stranger)).bit_count() >= 16


def test_a_perceptual_hash_has_64_bits() -> None:
    assert 0 < perceptual_hash(busy()) < 2**64
