"""Times are recorded in UTC and shown as the clock of this machine shows them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from classifier.local_time import local_date, local_time

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system has its time zone from elsewhere")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("shanghai")
def test_a_time_is_that_of_the_clock_here() -> None:
    assert "2026-11-30 04:16" == local_time("2026-11-29T20:16:25+00:00")
    assert "2026-11-30" == local_date("2026-11-29T20:16:25+00:00")


@pytest.mark.parametrize("damaged", ["", "yesterday", "2026-99-99T00:00:00+00:00"])
def test_what_is_no_time_is_shown_as_it_is(damaged: str) -> None:
    assert damaged == local_time(damaged)
