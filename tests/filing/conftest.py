from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalogue.store import open_catalogue
from kit.filing import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty crawl beside an empty library with its catalogue open."""
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    with open_catalogue(library) as catalogue:
        yield World(catalogue=catalogue, crawl=crawl, library=library)


@pytest.fixture
def memory_disk() -> Iterator[Path]:
    """A folder on another file system than the temporary one."""
    shared = Path("/dev/shm")  # noqa: S108 - a tmpfs is what it is for
    if not shared.is_dir():
        pytest.skip("no second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)
