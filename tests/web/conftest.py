"""One real bundle that answers by colour, for all tests of the review page."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.bundles import colour_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_bundle(tmp_path_factory.mktemp("model") / "colours").folder
