"""One real bundle that answers by color, for all tests of the review page."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.bundles import color_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder
