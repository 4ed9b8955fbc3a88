"""Times that no 64 bits of nanoseconds hold: before 1677, after 2262, and all between."""

from __future__ import annotations

import ast
import itertools
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.filing import fsops
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import Method, time_of
from kit.filing import World, move_of, sort

_SECOND = 10**9
_YEAR_2262 = 2**63
_KNOWN = st.integers(-_YEAR_2262, _YEAR_2262 - 1)
_ANY = st.integers(-(2**63), 2**63 - 1).map(lambda seconds: seconds * _SECOND)
_MOST_YEARS = 584 * 365 * 24 * 3600 * _SECOND

_number = itertools.count()


def _status(time: int) -> os.stat_result:
    return cast("os.stat_result", SimpleNamespace(st_mtime_ns=time))


@given(_KNOWN)
def test_a_time_of_these_centuries_stays_itself(time: int) -> None:
    assert time == time_of(_status(time))


@given(_ANY, st.integers(1, _MOST_YEARS))
def test_any_time_fits_sqlite_and_differs_from_those_near(time: int, apart: int) -> None:
    one, other = time_of(_status(time)), time_of(_status(time + apart))
    assert -(2**63) <= min(one, other) <= max(one, other) < 2**63
    assert one != other


@pytest.mark.skipif(sys.platform != "linux", reason="its temporary folders hold times far from now")
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(-(2**35), 2**35) | st.sampled_from([-(2**35), 0, 2**31, 2**32, 10_413_792_000, 253_402_300_800]),
    st.sampled_from([Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]),
)
def test_a_file_of_any_time_is_filed_verified_and_brought_back(tmp_path: Path, seconds: int, method: Method) -> None:
    folder = tmp_path / str(next(_number))
    crawl, library = folder / "crawl", folder / "library"
    crawl.mkdir(parents=True)
    (crawl / "a.jpg").write_bytes(b"a")
    os.utime(crawl / "a.jpg", ns=(0, seconds * _SECOND))
    dated = (crawl / "a.jpg").stat().st_mtime_ns

    sort(library, crawl, method=method)
    assert dated == (library / "kind_a/a.jpg").stat().st_mtime_ns
    assert not verify(library, quick=True).off
    assert not undo(library).left
    assert dated == (crawl / "a.jpg").stat().st_mtime_ns
    assert not (library / "kind_a/a.jpg").exists()


@pytest.mark.parametrize("error", [OverflowError("timestamp out of range"), OSError(22, "Invalid argument")])
def test_a_copy_keeps_its_content_where_its_time_cannot_be_kept(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(fsops.os, "utime", refuse)
    (outcome,) = world.execute(move_of(world.add("a.jpg", b"cat"), method=Method.COPY))
    assert outcome.path is not None
    assert b"cat" == (world.library / outcome.path).read_bytes()


def test_times_are_compared_as_they_are_stored() -> None:
    """One place reads a file's time for what is recorded; what sets times, or sorts our own files, needs it whole."""
    whole = {
        "records.py",
        "fsops.py",
        "thumbnails.py",
        "onnx_cache.py",
        "facts.py",
        "library_diff.py",
    }  # the last asks time_of where the whole one differs
    files = (Path(__file__).parents[2] / "classifier").rglob("*.py")
    reads = {
        path.name
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"st_mtime_ns", "st_mtime"}
    }
    assert set() == reads - whole
