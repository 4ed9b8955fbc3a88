"""The recipes that illsort brings: files of settings, `configs/` in the repository, that `--config` takes by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PLACES: Final = (Path(__file__).parent / "configs", Path(__file__).parents[1] / "configs")
"""Where an installation has them, and where the repository does."""
_FOLDER: Final = "configs"


def recipe_names() -> tuple[str, ...]:
    """The names, without `default`, which changes nothing."""
    found = {path.stem for place in _PLACES for path in place.glob("*.toml")}
    return tuple(sorted(found - {"default"}))


def recipe_or_file(given: Path) -> Path:
    """The file meant: `given`, or where there is none, the recipe that `anime` or `configs/anime.toml` name."""
    is_name = given.suffix in {"", ".toml"} and given.parent in {Path(), Path(_FOLDER)}
    if is_name and not given.exists():
        recipes = (place / f"{given.stem}.toml" for place in _PLACES)
        return next((recipe for recipe in recipes if recipe.is_file()), given)
    return given
