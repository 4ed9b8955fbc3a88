"""What the system says, in one line."""

from __future__ import annotations

import errno

import pytest

from classifier.errors import message_of
from classifier.i18n import Language, translate


def refused(number: int, code: int, words: str, path: str = r"C:\a.jpg") -> OSError:
    """An error of Windows with its own number."""
    error = OSError(code, words, path)
    error.winerror = number  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("number", [2, 3, 206])
def test_a_path_too_long_for_windows_is_explained(number: int) -> None:
    message = message_of(refused(number, errno.ENOENT, "The system cannot find the path", "C:\\" + "a" * 300))
    assert message.startswith("Windows takes no path of 303 characters until long paths are enabled")
    assert "\n" not in message


def test_a_short_path_that_is_not_there_is_just_that() -> None:
    words = "The system cannot find the path specified"
    assert words == message_of(refused(3, errno.ENOENT, words))


def test_a_long_path_that_is_refused_for_another_reason_keeps_that() -> None:
    assert "Access is denied" == message_of(refused(5, errno.EACCES, "Access is denied", "C:\\" + "a" * 300))


def test_a_number_of_windows_is_not_translated_by_an_errno_that_says_something_else() -> None:
    """Python makes "not ready" a denied access, and most others an invalid argument."""
    gone = refused(21, errno.EACCES, "The device is not ready")
    busy = refused(32, errno.EACCES, "It is being used by another process")
    full = refused(112, errno.ENOSPC, "There is not enough space on the disk")
    assert ["The device is not ready", "It is being used by another process"] == [
        translate(message_of(error), Language.CHINESE) for error in (gone, busy)
    ]
    assert "There is not enough space on the disk" != translate(message_of(full), Language.CHINESE)
