from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog
from fault_injection.fork_server import ForkServer
from fault_injection.sweep import ScenarioFactory
from kit.filing import World, begin_run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty crawl beside an empty library with its catalog open."""
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    with open_catalog(library) as catalog:
        begin_run(catalog, crawl)
        yield World(catalog=catalog, crawl=crawl, library=library)


@pytest.fixture
def memory_disk() -> Iterator[Path]:
    """A folder on another file system than the temporary one."""
    shared = Path("/dev/shm")  # noqa: S108 - a tmpfs is what it is for
    if not shared.is_dir():
        pytest.skip("no second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    """The process that forks the children to be killed."""
    with ForkServer() as forking:
        yield forking


@pytest.fixture
def scenarios(request: pytest.FixtureRequest, tmp_path: Path, memory_disk: Path) -> ScenarioFactory:
    """Creates scenarios, for a parameter (method, "same" or "across" disks, batch size)."""
    method, layout, batch = request.param
    libraries = tmp_path if layout == "across" else memory_disk
    return ScenarioFactory(libraries=libraries, crawls=memory_disk, method=method, batch=batch)
