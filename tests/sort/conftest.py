"""One real bundle that answers by color, and what was read, for all tests of sorting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifier.inference.reader import Reader
from kit.bundles import color_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read to be decoded."""
    read, real = list[Path](), Reader.read

    def reading(self: Reader, path: Path) -> Any:
        read.append(path)
        return real(self, path)

    monkeypatch.setattr(Reader, "read", reading)
    return read
