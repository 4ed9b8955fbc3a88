from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.errors import StorageError
from classifier.parts.fetched import Fetched
from classifier.parts.local_storage import LocalStorage
from kit.listings import in_folder, members_of, tar_of

if TYPE_CHECKING:
    from classifier.parts.schema import Listed

COUNT = 300


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> list[Listed]:
    """Members of a tar file."""
    content = tar_of({f"{number:03}.jpg": b"%d" % number for number in range(COUNT)})
    in_folder(tmp_path / "tars", {"a.tar": content})
    return members_of(tmp_path / "tars", "a.tar", content)


class Slow(LocalStorage):
    """A store that counts how many reads are under way at once, and refuses some keys' offsets."""

    def __init__(self, folder: Path, *, refused: int = -1) -> None:
        super().__init__(folder)
        self.at_once = self.most = 0
        self.read = 0
        self._refused = refused
        self._lock = threading.Lock()
        self._pause = threading.Event()

    @property
    def reads_at_once(self) -> int:
        """As of a bucket."""
        return 16

    def read_range(self, key: str, offset: int, length: int, *, version: str | None = None) -> bytes:
        """Read after a hundredth of a second."""
        with self._lock:
            self.at_once += 1
            self.most, self.read = max(self.most, self.at_once), self.read + 1
        self._pause.wait(0.01)
        with self._lock:
            self.at_once -= 1
        if offset == self._refused:
            raise StorageError("it does not answer")
        return super().read_range(key, offset, length, version=version)


def test_few_pictures_are_on_the_disk_and_many_are_read_at_once(
    tmp_path: Path, rows: list[Listed], temporary: Path
) -> None:
    source, most = Slow(tmp_path / "tars"), 0

    with Fetched(rows, source, max_megapixels=64) as paths:
        for index in range(COUNT):
            path = paths[index]
            assert (b"%d" % index, ".jpg") == (path.read_bytes(), path.suffix)
            most = max(most, len([*temporary.rglob("*.jpg")]))
            paths.done(index)
            assert not path.exists()
        paths.check()

    assert most <= 65
    assert 4 < source.most <= 16
    assert COUNT == source.read
    assert [] == [*temporary.iterdir()]


def test_a_store_that_does_not_answer_ends_the_fetching_and_is_one_line(tmp_path: Path, rows: list[Listed]) -> None:
    source = Slow(tmp_path / "tars", refused=rows[10].offset or 0)

    with Fetched(rows, source, max_megapixels=64) as paths:
        found = [paths[index].exists() for index in range(COUNT)]

    assert [True] * 10 == found[:10]
    assert [False] * 200 == found[100:]
    assert source.read < 100
    with pytest.raises(StorageError, match="it does not answer"):
        paths.check()


def test_a_fetched_picture_that_somebody_removes_is_no_row(tmp_path: Path, rows: list[Listed]) -> None:
    with Fetched(rows, Slow(tmp_path / "tars"), max_megapixels=64) as paths:
        paths[0].unlink()
        paths.failure(0, None)

    with pytest.raises(StorageError, match="what was fetched is gone"):
        paths.check()


def test_pictures_of_a_folder_are_read_in_place(tmp_path: Path, temporary: Path) -> None:
    rows = in_folder(tmp_path / "crawl", {"a/b.png": b"1"})

    with Fetched(rows, LocalStorage(tmp_path / "crawl"), max_megapixels=64) as paths:
        assert tmp_path / "crawl/a/b.png" == paths[0]
        paths.done(0)

    assert (tmp_path / "crawl/a/b.png").exists()
    assert [] == [*temporary.iterdir()]
