"""What Windows refuses for a moment is tried again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from classifier import busy_files
from classifier.busy_files import when_free
from classifier.filing.fsops import Disk
from classifier.own_files import remove_own, replace_own


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(busy_files._Patience, "seconds", 5.0)
    return clock


class Change:
    """Refused by Windows with an error number until `free_at` on the clock."""

    def __init__(self, clock: Clock, winerror: int, *, free_at: float) -> None:
        self.clock, self.winerror, self.free_at = clock, winerror, free_at
        self.tries = 0

    def __call__(self, name: str) -> str:
        """Return the name, or be refused."""
        self.tries += 1
        if self.clock.now >= self.free_at:
            return name
        error = PermissionError(13, "refused", name)
        error.winerror = self.winerror  # type: ignore[attr-defined]
        raise error


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_file_in_use_is_changed_once_it_is_free(clock: Clock, winerror: int) -> None:
    assert when_free(Change(clock, winerror, free_at=3.0), "cat.png") == "cat.png"
    assert 3.0 <= clock.now < 4.0


def test_a_file_in_use_for_longer_is_an_error_after_five_seconds(clock: Clock) -> None:
    with pytest.raises(PermissionError):
        when_free(Change(clock, 32, free_at=60.0), "cat.png")
    assert 4.0 <= clock.now <= 5.0


@pytest.mark.parametrize("winerror", [2, 112, 183, 1314])
def test_any_other_error_is_raised_at_once(clock: Clock, winerror: int) -> None:
    change = Change(clock, winerror, free_at=60.0)
    with pytest.raises(PermissionError):
        when_free(change, "cat.png")
    assert (1, 0.0) == (change.tries, clock.now)


def test_many_files_that_are_never_allowed_take_ten_seconds_in_all(clock: Clock) -> None:
    for _ in range(1000):
        with pytest.raises(PermissionError):
            when_free(Change(clock, 5, free_at=10_000.0), "cat.png")
    assert clock.now <= 10.0


def test_a_wait_that_helped_makes_the_next_one_whole_again(clock: Clock) -> None:
    for _ in range(3):
        with pytest.raises(PermissionError):
            when_free(Change(clock, 5, free_at=10_000.0), "cat.png")
    when_free(Change(clock, 32, free_at=clock.now + 0.05), "cat.png")
    start = clock.now
    assert when_free(Change(clock, 32, free_at=start + 4.0), "dog.png") == "dog.png"


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows refuses to change a file that is open")
@pytest.mark.parametrize("change", [remove_own, lambda path: replace_own(path, path.with_name("b")), Disk().remove])
def test_an_open_file_is_changed_once_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"cat")
    file = path.open("rb")
    monkeypatch.setattr(time, "sleep", lambda _: file.close())
    change(path)
    assert file.closed
    assert not path.exists()
