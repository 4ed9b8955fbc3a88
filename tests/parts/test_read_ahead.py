from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from classifier.parts import read_ahead
from classifier.parts.read_ahead import flattened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def items_of(source: int, is_stopped: Callable[[], bool]) -> Iterator[tuple[int, int]] | tuple[int, int]:
    return _several(source, is_stopped) if source % 3 == 0 else (source, -1)


def _several(source: int, is_stopped: Callable[[], bool]) -> Iterator[tuple[int, int]]:
    for number in range(source * 7):
        if is_stopped():
            return
        yield source, number


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_items_come_in_the_order_of_their_sources(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "_CHUNK", 4)
    monkeypatch.setattr(read_ahead, "_ITEMS", 3)

    found = list(flattened(range(100), items_of, at_once=at_once))

    expected = [(source, n) for source in range(100) for n in (range(source * 7) if source % 3 == 0 else (-1,))]
    assert found == expected


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_a_source_raises_comes_after_its_items(at_once: int) -> None:
    def failing(source: int, _is_stopped: Callable[[], bool]) -> Iterator[int]:
        yield source
        if source == 2:
            raise ValueError("broken")

    found = list[int]()
    with pytest.raises(ValueError, match="broken"):
        found.extend(flattened(range(9), failing, at_once=at_once))  # extend keeps what came before

    assert found == [0, 1, 2]


def test_nothing_runs_on_after_an_early_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "_CHUNK", 1)

    def endless(source: int, is_stopped: Callable[[], bool]) -> Iterator[int]:
        while not is_stopped():
            yield source

    before = threading.active_count()
    with closing(flattened(range(1000), endless, at_once=4)) as found:
        assert [next(found) for _ in range(5)] == [0] * 5
        assert threading.active_count() > before

    assert threading.active_count() == before


def test_only_so_much_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "_CHUNK", 10)
    monkeypatch.setattr(read_ahead, "_LOOK_S", 0.01)
    made = list[int]()

    def counted(source: int, is_stopped: Callable[[], bool]) -> Iterator[int]:
        for _ in range(100_000):
            if is_stopped():
                return
            made.append(source)
            yield source

    with closing(flattened(range(50), counted, at_once=2)) as found:
        next(found)

    assert len(made) <= 2 * 10 * (read_ahead._CHUNKS + 2) + 10
