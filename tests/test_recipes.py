"""Recipes are taken by name, wherever illsort is installed; a file of the user's goes first."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from classifier.errors import SettingsError
from classifier.recipes import recipe_names, recipe_or_file
from classifier.settings import load

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("given", ["anime", "anime.toml", "configs/anime.toml"])
def test_a_recipe_is_taken_by_its_name_in_any_folder(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "wd-vit-tagger-v3" in load(Path(given)).model.backbone


@pytest.mark.parametrize("given", ["anime", "anime.toml", "configs/anime.toml"])
def test_a_file_of_that_name_goes_first(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("configs").mkdir()
    Path(given).write_text("[train]\nepochs = 3\n", encoding="utf-8")

    assert 3 == load(Path(given)).train.epochs


@pytest.mark.parametrize("given", ["animé", "other/anime.toml", "anime.json"])
def test_a_file_that_is_not_there_is_one_line_with_the_recipes(given: str) -> None:
    assert Path(given) == recipe_or_file(Path(given))
    with pytest.raises(SettingsError, match=r"there is no such file; .* or one of anime, anime-large, cpu"):
        load(Path(given))


def test_an_installation_has_every_recipe() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]

    assert {"configs": "classifier/configs"} == wheel["wheel"]["force-include"]
    assert {path.stem for path in (ROOT / "configs").glob("*.toml")} == {*recipe_names(), "default"}
