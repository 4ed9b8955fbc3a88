from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from classifier.doctor import disks
from classifier.doctor.disks import examine_disks, examine_room
from classifier.doctor.finding import Finding, Level
from classifier.filing.disk_trial import DiskAbilities

GOOD = DiskAbilities(links=True, symlinks=True, may_symlink=True, distinguishes_case=True, refuses_taken_names=True)


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """A crawl beside the place of its library."""
    (tmp_path / "crawl").mkdir()
    return tmp_path / "crawl"


def give(monkeypatch: pytest.MonkeyPatch, **abilities: bool) -> None:
    monkeypatch.setattr(disks, "try_disk", lambda _: replace(GOOD, **abilities))


def codes(tmp_path: Path, crawl: Path | None = None) -> dict[str, Level]:
    return {one.code: one.level for one in examine_disks(tmp_path / "sorted", crawl=crawl)}


def found(code: str, tmp_path: Path, crawl: Path | None = None) -> Finding:
    [one] = [one for one in examine_disks(tmp_path / "sorted", crawl=crawl) if one.code == code]
    return one


def test_a_good_disk_has_nothing_to_mend(tmp_path: Path, crawl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch)

    assert {"disk.links": Level.OK, "disk.case": Level.OK, "disk.rename": Level.OK} == codes(tmp_path, crawl)


def test_the_real_disk_is_tried_beside_a_crawl_that_is_only_read(tmp_path: Path, crawl: Path) -> None:
    before = crawl.stat().st_mtime_ns

    assert "disk.rename" in codes(tmp_path, crawl)
    assert ([crawl], before) == (list(tmp_path.iterdir()), crawl.stat().st_mtime_ns)


def test_a_disk_without_hard_links_makes_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, links=False)
    told = found("disk.no_links", tmp_path)

    assert told.level is Level.HINT
    assert told.message == f"the disk of {tmp_path} has no hard links, so --mode link makes copies there"


def test_between_two_disks_there_are_no_hard_links(
    tmp_path: Path, crawl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch)
    stat = Path.stat

    def on_another_disk(path: Path, *, follow_symlinks: bool = True) -> object:
        status = stat(path, follow_symlinks=follow_symlinks)
        return SimpleNamespace(st_dev=-1, st_mode=status.st_mode) if path == crawl else status

    monkeypatch.setattr(Path, "stat", on_another_disk)
    told = found("disk.apart", tmp_path, crawl)

    assert told.level is Level.HINT
    assert "--mode symlink" in (told.remedy or "")


def test_no_right_to_symbolic_links_is_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, symlinks=False, may_symlink=False)

    assert "developer mode" in (found("disk.symlink_right", tmp_path).remedy or "")


def test_a_disk_without_symbolic_links_is_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, symlinks=False)

    assert codes(tmp_path)["disk.no_symlinks"] is Level.HINT


def test_names_may_be_one_in_any_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, distinguishes_case=False)

    assert found("disk.case", tmp_path).message.endswith("names that differ in case alone are one name")


def test_a_system_that_renames_onto_taken_names_is_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, refuses_taken_names=False)

    assert codes(tmp_path)["disk.rename"] is Level.HINT


def test_a_network_disk_is_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch)
    monkeypatch.setattr(disks, "is_on_network", lambda _: True)

    assert codes(tmp_path)["disk.network"] is Level.HINT


def test_a_folder_that_takes_no_file_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> DiskAbilities:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(disks, "try_disk", refused)
    [only] = examine_disks(tmp_path, crawl=None)

    assert ("disk.read_only", Level.PROBLEM) == (only.code, only.level)
    assert only.message.startswith(f"nothing can be written into {tmp_path}: ")


def test_nothing_is_tried_inside_the_crawl(crawl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(disks, "try_disk")
    [only] = examine_disks(crawl / "a" / "sorted", crawl=crawl)

    assert ("disk.not_tried", Level.HINT) == (only.code, only.level)


@pytest.mark.parametrize(
    ("needed", "copies", "level", "message"),
    [
        (0, None, Level.OK, "5.0 GB are free"),
        (2 * 10**9, None, Level.OK, "5.0 GB are free, a sort of the crawl takes about 2.0 GB"),
        (6 * 10**9, None, Level.PROBLEM, "5.0 GB are free, a sort of the crawl takes about 6.0 GB"),
        (10**9, 10**9, Level.OK, "5.0 GB are free, a sort of the crawl takes about 1.0 GB, and copies 1.0 GB more"),
        (
            10**9,
            9 * 10**9,
            Level.HINT,
            "5.0 GB are free, a sort of the crawl takes about 1.0 GB, and copies 9.0 GB more",
        ),
    ],
)
def test_the_room_for_a_library_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, needed: int, copies: int | None, level: Level, message: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * 10**9))
    room = examine_room(tmp_path / "sorted", needed=needed, copies=copies)

    assert (level, f"{tmp_path}: {message}") == (room.level, room.message)
    assert (room.remedy is None) is (level is Level.OK)
