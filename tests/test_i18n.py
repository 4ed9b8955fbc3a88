"""A message is made into a sentence where a person reads it, in their language."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import errno
import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.errors import Counted, FilingStopped, LibraryError, Message, NoGuarantee, message_of
from classifier.i18n import Language, translate, user_language

FULL = OSError(errno.ENOSPC, "No space left on device", "/disk/x")


def chinese(message: str) -> str:
    return translate(message, Language.CHINESE)


def test_an_error_is_its_english_sentence() -> None:
    assert "there is no category 'it''s'" == str(LibraryError("there is no category '{name}'", name="it''s"))
    assert "12.5% of 3" == str(Message("{rate:.1%} of {count}", rate=0.125, count=3))
    assert "no {braces} are filled" == str(LibraryError("no {braces} are filled"))


def test_a_message_is_translated_with_the_messages_in_it() -> None:
    said = Message("{message}; see {command} --help", message=Message("it is being filed already"), command="illsort")

    assert "it is being filed already; see illsort --help" == translate(said, Language.ENGLISH) == str(said)
    assert "已经在归类了；请看 illsort --help" == chinese(said)


def test_what_has_no_translation_stays_english() -> None:
    assert "something new of {braces}" == chinese("something new of {braces}")
    assert "something new of 3" == chinese(Message("something new of {count}", count=3))
    assert not chinese("")


def test_a_counted_message_has_a_form_for_one() -> None:
    assert ["1 cat", "2 cats"] == [str(Counted("{count} cat", "{count} cats", count=count)) for count in (1, 2)]
    assert "2 cats" == chinese(Counted("{count} cat", "{count} cats", count=2))


def test_a_full_disk_is_translated_by_its_error_code() -> None:
    assert "No space left on device" == str(message_of(FULL))
    assert "磁盘已满" == chinese(message_of(FULL))
    assert "磁盘已满" == chinese(message_of(OSError(errno.ENOSPC, "not enough space on the disk")))
    assert "what nobody knows" == chinese(message_of(OSError("what nobody knows")))


def test_a_damaged_database_is_translated_by_its_code(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database, but long enough to be looked at" * 99)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        sqlite3.connect(tmp_path / "x").execute("SELECT * FROM sqlite_schema")

    assert "file is not a database" == str(message_of(caught.value))
    assert "不是数据库文件" == chinese(message_of(caught.value))


def test_a_system_error_of_our_own_has_its_own_message() -> None:
    error = OSError(errno.EINVAL, Message("it is being filed already"), "/x")

    assert "[Errno 22] it is being filed already: '/x'" == str(error)
    assert "已经在归类了" == chinese(message_of(error))


@pytest.mark.parametrize(
    "error",
    [
        LibraryError("there is no category {name!r}", name="x"),
        FilingStopped("{why}: {path}", why=message_of(FULL), path=Path("/x")),
        NoGuarantee("no guarantee of {rate:.1%}", why="few", rate=0.01),
    ],
)
def test_an_error_crosses_a_process_whole(error: LibraryError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own

    assert (type(error), error.message, str(error)) == (type(copy), copy.message, str(copy))
    assert getattr(error, "why", None) == getattr(copy, "why", None)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, Language.CHINESE),
        ({"LANG": "zh_TW"}, Language.CHINESE),
        ({"LANG": "de_DE.UTF-8"}, Language.ENGLISH),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US"}, Language.ENGLISH),
        ({"LANG": "en_US", "LC_MESSAGES": "en_US", "LC_ALL": "zh_CN"}, Language.CHINESE),
        ({"LANG": "zh_CN", "LC_ALL": ""}, Language.CHINESE),
    ],
)
def test_the_language_is_that_of_the_locale(environment: dict[str, str], language: Language) -> None:
    assert language is user_language(environment)


@pytest.mark.parametrize(
    ("words", "environment"),
    [(["--lang", "zh"], {}), ([], {"ILLSORT_LANG": "zh"}), ([], {"ILLSORT_LANG": "", "LC_ALL": "zh_CN.UTF-8"})],
)
def test_the_command_line_prints_errors_in_the_requested_language(
    words: list[str], environment: dict[str, str]
) -> None:
    both = ["sort", "x", "--out", "y", "--threshold", "0.5", "--max-error", "0.1"]
    command = [sys.executable, "-m", "classifier", *words, *both]
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONUTF8": "1", **environment}, capture_output=True, check=False
    )

    assert 2 == ended.returncode
    assert "illsort: --threshold 和 --max-error 只能用一个" in ended.stderr.decode()


def test_a_language_that_illsort_does_not_speak_is_refused() -> None:
    command = [sys.executable, "-m", "classifier", "--lang", "fr", "status", "x"]
    ended = subprocess.run(command, capture_output=True, check=False)

    assert 2 == ended.returncode
    assert b"'fr': give en or zh" in ended.stderr
