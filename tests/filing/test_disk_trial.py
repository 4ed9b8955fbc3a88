from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from classifier.filing.disk_trial import DiskAbilities, try_disk
from classifier.filing.fsops import Disk

GOOD = DiskAbilities(links=True, symlinks=True, may_symlink=True, distinguishes_case=True, refuses_taken_names=True)


class BareDisk(Disk):
    """A disk like FAT: no links of either kind, and no rename that refuses."""

    def link(self, source: Path, target: Path) -> None:  # noqa: ARG002
        """Refuse."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def symlink(self, source: Path, target: Path) -> None:  # noqa: ARG002
        """Refuse."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def rename_exclusively(self, source: Path, target: Path) -> None:  # noqa: ARG002
        """Say that the system cannot."""
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class RefusingDisk(Disk):
    """Windows, for a user who may make no symbolic links."""

    def symlink(self, source: Path, target: Path) -> None:  # noqa: ARG002
        """Refuse."""
        refused = OSError(errno.EINVAL, "a required privilege is not held by the client")
        refused.winerror = 1314  # type: ignore[attr-defined]
        raise refused


class CaselessDisk(Disk):
    """Finds a file by its name in any case."""

    def write_new(self, path: Path, content: bytes) -> None:
        """Make it under both names."""
        super().write_new(path, content)
        super().write_new(path.with_name(path.name.upper()), content)


class ReplacingDisk(Disk):
    """Replaces what bears the name."""

    def rename_exclusively(self, source: Path, target: Path) -> None:
        """Replace."""
        source.replace(target)


@pytest.mark.skipif(os.name == "nt", reason="its disks do not distinguish case")
@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (Disk(), GOOD),
        (
            BareDisk(),
            DiskAbilities(
                links=False, symlinks=False, may_symlink=True, distinguishes_case=True, refuses_taken_names=False
            ),
        ),
        (
            RefusingDisk(),
            DiskAbilities(
                links=True, symlinks=False, may_symlink=False, distinguishes_case=True, refuses_taken_names=True
            ),
        ),
        (
            CaselessDisk(),
            DiskAbilities(
                links=True, symlinks=True, may_symlink=True, distinguishes_case=False, refuses_taken_names=True
            ),
        ),
        (
            ReplacingDisk(),
            DiskAbilities(
                links=True, symlinks=True, may_symlink=True, distinguishes_case=True, refuses_taken_names=False
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_disk_is_tried_and_nothing_is_left(tmp_path: Path, disk: Disk, expected: DiskAbilities) -> None:
    (tmp_path / "yours").write_bytes(b"yours")

    assert expected == try_disk(tmp_path, disk)
    assert [tmp_path / "yours"] == list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_into_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)no such file|cannot find|not found"):
        try_disk(tmp_path / "absent")
