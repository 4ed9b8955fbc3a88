from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Self

import pytest

from classifier.doctor.finding import Level
from classifier.doctor.long_paths import examine_paths, has_limit


class Key:
    """An open key of a registry."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def give_windows(monkeypatch: pytest.MonkeyPatch, value: int | None) -> None:
    """Pretend that this is Windows, with LongPathsEnabled at `value`, or without it."""

    def query(_: Key, name: str) -> tuple[int, int]:
        assert name == "LongPathsEnabled"
        if value is None:
            raise FileNotFoundError(name)
        return value, 4

    registry = ModuleType("winreg")
    registry.HKEY_LOCAL_MACHINE = 1  # type: ignore[attr-defined]
    registry.OpenKey = lambda *_: Key()  # type: ignore[attr-defined]
    registry.QueryValueEx = query  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "winreg", registry)
    monkeypatch.setattr(sys, "platform", "win32")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows may have the limit")
def test_other_systems_than_windows_have_no_such_limit() -> None:
    assert not has_limit()
    assert [] == list(examine_paths(Path("sorted"), longest_path=999, longest_name=200, depth=1))


@pytest.mark.parametrize(("value", "expected"), [(1, False), (0, True), (None, True)])
def test_windows_has_the_limit_until_its_registry_says_otherwise(
    value: int | None, *, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_windows(monkeypatch, value)

    assert expected is has_limit()


@pytest.mark.parametrize(
    ("longest_path", "longest_name", "depth", "level"),
    [(300, 20, 1, Level.PROBLEM), (200, 199, 1, Level.HINT), (200, 150, 1, Level.OK), (200, 150, 3, Level.HINT)],
)
def test_long_paths_are_told_where_windows_takes_none(
    longest_path: int, longest_name: int, depth: int, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_windows(monkeypatch, 0)
    out, longest = Path("/pictures/of/mine/sorted"), {"longest_path": longest_path, "longest_name": longest_name}
    [only] = examine_paths(out, **longest, depth=depth)

    assert ("paths.long", level) == (only.code, only.level)
    assert ("LongPathsEnabled 1" in (only.remedy or "")) is (level is not Level.OK)
