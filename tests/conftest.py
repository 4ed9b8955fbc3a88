"""What a system cannot do is skipped with the reason: pipes and, without the right, symbolic links on Windows.

No example of a property has a deadline: on a busy machine it would fail for being slow. No crawl is waited for: tests
have just drawn theirs, so each sort would look again at every picture after a second. What illsort notes of the person
who uses it, or keeps for them, lies in a temporary folder, and commands print English whatever the locale, also in
processes that a test starts. No transaction begins while rows of the same connection are still being read. Audits that
a test draws itself are the same ones each time: a test that holds of most draws would fail one time in twenty.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: as many processes as cores, each with one thread

from classifier.audit import draw
from classifier.images import ignored_files
from tests.kit.open_reads import refuse_open_reads

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ignored_files.SECOND_LOOK_S = 0.0

refuse_open_reads()

_STATE = tempfile.TemporaryDirectory(prefix="illsort-state-")
os.environ |= dict.fromkeys(("XDG_STATE_HOME", "XDG_CACHE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"), _STATE.name)
os.environ["ILLSORT_LANG"] = "en"


@pytest.fixture(autouse=True)
def _same_audits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "new_seed", itertools.count().__next__)


_NO_RIGHT_TO_LINK = 1314  # Windows: "a required privilege is not held by the client"


def _no_pipes(*_: object) -> None:
    pytest.skip("this system has no named pipes in folders")


if not hasattr(os, "mkfifo"):
    os.mkfifo = _no_pipes


_make_symlink = os.symlink


def _symlink(*arguments: Any, **options: Any) -> None:
    _make_symlink(*arguments, **options)
    if not os.path.islink(arguments[1]):  # noqa: PTH114 - as os.symlink was called
        pytest.skip("this system makes no symbolic links, and does not say so")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip a test whose symbolic link Windows refused to make: it takes developer mode or an administrator."""
    if sys.platform == "win32":
        os.symlink = _symlink  # only here: pytest's own links to its folders may be missing
    try:
        return (yield)
    except OSError as error:
        if getattr(error, "winerror", None) == _NO_RIGHT_TO_LINK:
            pytest.skip("this user may not make symbolic links")
        raise
    finally:
        os.symlink = _make_symlink
