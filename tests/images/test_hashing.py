from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from classifier.images.hashing import hash_bytes, hash_file


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
