"""Failures that earlier versions stored as sentences are codes after the migration, and read the same."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.catalog import files
from classifier.catalog.connection import NAME, open_catalog
from classifier.catalog.failure_sentences import read_failure
from classifier.catalog.filesystem import state_folder
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode
from classifier.records import FailureKind
from kit.reasons import with_sentences

if TYPE_CHECKING:
    from pathlib import Path


def read(sentence: str) -> Reason:
    code, params = read_failure(sentence)
    return Reason.of(ReasonCode(code), **params)


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("empty_file", {}),
        ("no_known_format", {}),
        ("format_not_read", {"format": "camera raw"}),
        ("format_not_read", {"format": "PSD", "readable": ["GIF", "PNG"]}),
        ("size_limit", {"height": 30_000, "limit": 178.0, "megapixels": 900.0, "width": 30_000}),
        ("length_limit", {"limit": 1.0, "size_bytes": 68_157_440}),
        ("broken_off", {"format": "WEBP"}),
        ("decoder", {"source": "PNG", "words": "broken PNG file (chunk b'IDAT')"}),
        ("decoder", {"source": "ValueError", "words": "a: b\nc"}),
        ("out_of_memory", {}),
        ("out_of_memory", {"format": "JPEG"}),
        ("no_memory_to_read", {}),
        ("deadline", {"seconds": 0.5}),
        ("decoder_died", {"signal": 9}),
        ("decoder_died", {"exit_code": 1}),
        ("system", {"errno": "EACCES", "words": os.strerror(errno.EACCES)}),
        ("vanished", {}),
        ("gone", {}),
    ],
)
def test_every_failure_is_the_same_after_it_was_a_sentence(code: str, params: dict[str, Any]) -> None:
    reason = Reason.of(ReasonCode(code), **params)

    assert reason == read(str(reason_message(reason)))


@given(st.text() | st.sampled_from(["it is no file", "9 x 9 is 1.2.3 megapixels; the limit is 1", "x: y"]))
def test_a_failure_that_is_not_known_is_kept_as_it_is(sentence: str) -> None:
    assert sentence == str(reason_message(read(sentence)))


def test_a_failure_whose_detail_is_gone_is_still_listed(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    path.touch()
    with open_catalog(tmp_path) as catalog:
        catalog.connection.execute(
            "INSERT INTO files (path, crawl, failure_kind, seen) VALUES (?, ?, 'corrupt', 1)",
            (os.fsencode(path), os.fsencode(tmp_path)),
        )
        assert [(path, FailureKind.CORRUPT)] == [(one, failure.kind) for one, failure in files.failures(catalog)]


def test_failures_of_an_older_catalog_read_as_before(tmp_path: Path) -> None:
    odd = [b"\xff\xfe", "PNG: broken", 5, "", None]
    paths = [tmp_path / f"{number}.png" for number in range(len(odd))]
    open_catalog(tmp_path).close()
    with closing(sqlite3.connect(state_folder(tmp_path) / NAME, isolation_level=None)) as connection:
        with_sentences(connection)
        for path, detail in zip(paths, odd, strict=True):
            path.touch()
            connection.execute(
                "INSERT INTO files (path, crawl, failure_kind, failure_detail, seen) VALUES (?, ?, ?, ?, 1)",
                (os.fsencode(path), os.fsencode(tmp_path), None if detail is None else "corrupt", detail),
            )
    with open_catalog(tmp_path) as catalog:
        read = [str(reason_message(failure.detail)) for _, failure in files.failures(catalog)]

    assert ["\ufffd\ufffd", "PNG: broken", "5", ""] == read
