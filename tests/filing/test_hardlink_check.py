"""Why a picture is copied where a link was asked for, as a dry run says before and a run after."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import filesystem
from classifier.catalog.connection import copy_in_memory
from classifier.filing import file_checks
from classifier.filing.file_checks import WhyNoLink, why_no_link
from classifier.records import Method
from classifier.sort.planned_moves import plan_only
from kit.filing import World, move_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path("/dev/shm")  # noqa: S108 - another disk than the temporary folder's, where there is one


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk."""
    if not SHARED.is_dir() or SHARED.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    folder = SHARED / f"illsort-{os.getpid()}"
    folder.mkdir()
    yield folder
    folder.rmdir()


def test_within_one_disk_it_is_a_link(world: World) -> None:
    assert why_no_link(world.add("a.jpg", b"a"), world.library / "cats") is None


def test_another_disk_is_reported_and_planned_as_a_copy(world: World, other_disk: Path) -> None:
    source = world.add("a.jpg", b"a")
    assert WhyNoLink.OTHER_DISK is why_no_link(source, other_disk / "library" / "cats")

    told: list[str] = []
    with copy_in_memory(other_disk / "library") as catalog:
        plan_only(
            catalog,
            other_disk / "library",
            lambda planned: told.append(planned.message),
            [move_of(source, method=Method.LINK)],
        )
    assert [f"copy: {source} -> {other_disk / 'library' / 'cats' / 'a.jpg'}"] == told
    assert [] == list(other_disk.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="mounts are read on Linux")
def test_a_file_system_without_links_is_known_by_its_type(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source = world.add("a.jpg", b"a")
    device = world.library.stat().st_dev
    line = f"36 35 {os.major(device)}:{os.minor(device)} / /mnt rw shared:1 - exfat /dev/sdb1 rw"
    monkeypatch.setattr(filesystem, "lines_of", lambda _: ["1 2 0:1 / /proc rw - proc proc rw", line])
    assert WhyNoLink.NO_LINKS is why_no_link(source, world.library / "cats")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such owners")
@pytest.mark.parametrize(
    ("setting", "mine", "writable", "why"),
    [
        ("1", False, False, WhyNoLink.OTHER_OWNER),
        ("1", False, True, None),
        ("1", True, False, None),
        ("0", False, False, None),
    ],
)
def test_another_owner_is_reported_where_links_are_protected(  # noqa: PLR0917 - fixtures and parameters
    world: World, monkeypatch: pytest.MonkeyPatch, setting: str, mine: bool, writable: bool, why: WhyNoLink | None
) -> None:
    source = world.add("a.jpg", b"a")
    owner = source.stat().st_uid
    monkeypatch.setattr(file_checks.os, "geteuid", lambda: (owner or 1000) if mine else owner + 1)
    monkeypatch.setattr(file_checks.os, "access", lambda *_: writable)
    monkeypatch.setattr(file_checks, "lines_of", lambda path: [setting] if "protected" in str(path) else [])
    assert why is why_no_link(source, world.library / "cats") or (mine and owner == 0)
