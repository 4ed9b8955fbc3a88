"""Counting the pictures of a crawl beside the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classifier.web.home import crawl_count
from classifier.web.home.crawl_count import CrawlCount, CrawlCounter
from kit.jobs import until


def test_a_count_is_stopped_also_among_documents(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_bytes(b"text")
    count = CrawlCount(tmp_path, is_stopped=True)
    count.run((), ())

    assert 0 == count.found.others
    assert not count.is_done


def test_a_crawl_is_counted_once_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def walk(crawl: Path, **_: Any) -> Iterator[Any]:
        assert let_go.wait(30), crawl
        yield from ()

    monkeypatch.setattr(crawl_count, "find_images", walk)
    counter = CrawlCounter()
    first = counter.count(tmp_path, skip=(), exclude=())
    assert first is counter.count(tmp_path, skip=(), exclude=(), again=True)
    other = counter.count(tmp_path / "other", skip=(), exclude=())
    assert first.is_stopped
    let_go.set()
    until(lambda: other.is_done)
    assert other is not counter.count(tmp_path / "other", skip=(), exclude=(), again=True)


def test_videos_ugoira_and_archives_are_counted_apart(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.ugoira", "c.zip", "d.rar"):
        (tmp_path / name).write_bytes(b"no picture")
    count = CrawlCount(tmp_path)
    count.run((), ())

    counted = count.as_dict()
    assert (1, 1, 2) == (counted["videos"], counted["ugoira"], counted["archives"])
