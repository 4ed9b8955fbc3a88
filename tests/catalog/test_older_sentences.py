"""Sentences of earlier versions are read as codes and parameters, which say the same."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.catalog import files
from classifier.catalog.connection import NAME, open_catalog
from classifier.catalog.decisions import decisions_of
from classifier.catalog.filesystem import state_folder
from classifier.catalog.older_sentences import read_failure, read_sentence
from classifier.decision.decide import decide
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode
from classifier.records import FailureKind, ImageId
from kit.reasons import earlier_sentence, with_sentences

if TYPE_CHECKING:
    from pathlib import Path

P = ImageId("0" * 64)
NAMES = ["chibi", "a: below 0.9", "not chibi (2)", "x (review of 2026-01-01)", "b, 0.35 c", "四格漫画", "0.61 d: e"]


def read(sentence: str, category: str) -> Reason:
    code, params = read_sentence(sentence, category)
    return Reason.of(ReasonCode(code), **params)


@given(
    names=st.permutations(NAMES).map(lambda names: names[:3]),
    weights=st.lists(st.floats(0.001, 1), min_size=3, max_size=3),
    threshold=st.floats(0.001, 1.2),
    ood=st.none() | st.floats(0, 2),
    truncated=st.booleans(),
    guaranteed=st.booleans(),
)
def test_every_reason_of_a_sort_is_the_same_after_it_was_a_sentence(
    *, names: list[str], weights: list[float], threshold: float, ood: float | None, truncated: bool, guaranteed: bool
) -> None:
    (decision,) = decide(
        [P],
        np.array([weights]) / sum(weights),
        categories=names,
        thresholds=[threshold] * 3,
        truncated=[truncated],
        ood_scores=[ood],
        guaranteed=guaranteed,
        unknown_threshold=1.0,
        review_threshold=0.5,
    )

    assert decision.reason == read(earlier_sentence(decision.reason), decision.category)


DAY = {"date": "2026-11-24"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("code", "params"),
    [
        (ReasonCode.ANNOTATED, DAY | {"origin": "audit"}),
        (ReasonCode.ANNOTATED_WRONG, DAY | {"origin": "review"}),
        (ReasonCode.BELOW_AUDITED, DAY | {"digits": 4, "threshold": 0.9}),
        (ReasonCode.BELOW_AUDITED, DAY | {"digits": 4, "threshold": 0.95, "max_error": 0.02}),
        (ReasonCode.RETRACTED, {}),
    ],
)
def test_reasons_that_name_a_category_are_read(name: str, code: ReasonCode, params: dict[str, Any]) -> None:
    top = {"category": name} if "origin" in params else {"top": [[name, 0.5]]}
    reason = Reason.of(code, **top, **params)

    assert reason == read(earlier_sentence(reason), name)


@pytest.mark.parametrize("code", ["moved_by_person", "left_by_undo", "not_moved", "drawn", "annotated_none"])
def test_reasons_that_name_no_category_are_read(code: str) -> None:
    params = DAY | {"origin": "labels"} if code == "annotated_none" else {}
    reason = Reason.of(ReasonCode(code), **params)

    assert reason == read(earlier_sentence(reason), "")


@given(st.text() | st.sampled_from(["below 0.90", "at least 1.2.3", "0.5 a: below .9", "below 9e999", "0.5 a: x"]))
def test_a_sentence_that_is_not_known_is_kept_as_it_is(sentence: str) -> None:
    assert sentence == str(reason_message(read(sentence, "a")))


def filled(library: Path, rows: list[tuple[Any, ...]], said: list[tuple[Any, ...]]) -> None:
    """A catalog of an earlier version: picture, category and sentence; picture, word, category, place and time."""
    open_catalog(library).close()
    with closing(sqlite3.connect(state_folder(library) / NAME, isolation_level=None)) as connection:
        with_sentences(connection)
        connection.executemany(
            "INSERT INTO decisions (picture, run, action, category, confidence, reason) "
            "VALUES (?, 1, 'file', ?, 0.5, ?)",
            rows,
        )
        connection.execute(
            "INSERT INTO decided_before (run, picture, undone, moved, before, action, category, confidence, reason) "
            "SELECT 2, picture, 0, 0, run, action, category, confidence, reason FROM decisions"
        )
        connection.executemany(
            "INSERT INTO verdicts (picture, said, category, origin, at) VALUES (?, ?, ?, ?, ?)", said
        )


def test_a_decision_is_linked_to_the_annotation_of_its_kind_and_day(tmp_path: Path) -> None:
    chibi = "a person said it is chibi (review of 2026-11-24)"
    none = "a person said it is none of the categories (audit of 2026-11-25)"
    filled(
        tmp_path,
        [("a", "chibi", chibi), ("b", "chibi", chibi), ("c", "", none), ("d", "toon", chibi)],
        [
            ("a", "right", "chibi", "review", "2026-11-23T23:59:59"),
            ("a", "right", "chibi", "review", "2026-11-24T10:00:00"),
            ("a", "right", "page", "review", "2026-11-24T11:00:00"),
            ("a", "wrong", "chibi", "review", "2026-11-24T12:00:00"),
            ("b", "right", "chibi", "audit", "2026-11-24T10:00:00"),
            ("c", "none of these", None, "audit", "2026-11-25T10:00:00"),
            ("d", "right", "chibi", "review", "2026-11-24T10:00:00"),  # renamed since
        ],
    )
    with open_catalog(tmp_path) as catalog:
        found = decisions_of(catalog, [ImageId(name) for name in "abcd"])
        before = catalog.connection.execute("SELECT reason_code, reason_params FROM decided_before").fetchall()

    assert [2, None, 6, 7] == [one.reason.params.get("annotation") for one in found.values()]
    assert [one.reason for one in found.values()] == [Reason(ReasonCode(code), params) for code, params in before]


ODD = [
    b"\xff\xfe",
    b"a\0b",
    "a\0b",
    "\ud800".encode(errors="surrogatepass"),
    5,
    1.5,
    "",
    "[" * 100_000,
    "0.5 a" * 99_999,
]
ODD += ["0.5 " + ": " * 50_000, "a person said it is chibi (review of )", "below 0.9 for " + "a" * 5000]


def test_odd_content_does_not_stop_the_migration(tmp_path: Path) -> None:
    filled(tmp_path, [(str(number), "a", odd) for number, odd in enumerate([*ODD, None])], [])
    with open_catalog(tmp_path) as catalog:
        rows = catalog.connection.execute("SELECT reason_code, reason_params FROM decisions").fetchall()

    assert sorted([("text", True)] * len(ODD) + [(None, False)], key=str) == sorted(
        [(code, params is not None and json.loads(params).keys() == {"text"}) for code, params in rows], key=str
    )


def read_failed(sentence: str) -> Reason:
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

    assert reason == read_failed(str(reason_message(reason)))


@given(st.text() | st.sampled_from(["it is no file", "9 x 9 is 1.2.3 megapixels; the limit is 1", "x: y"]))
def test_a_failure_that_is_not_known_is_kept_as_it_is(sentence: str) -> None:
    assert sentence == str(reason_message(read_failed(sentence)))


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
