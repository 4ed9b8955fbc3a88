"""Sidecars are moved by the sort of their own crawl only."""

from __future__ import annotations

from pathlib import Path

from classifier.records import Mode
from classifier.settings import Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.pictures import COLORS, encoded, plain
from kit.tree import make_tree

SETTINGS = Settings(sort=SortSettings(mode=Mode.MOVE, sidecars=True)).model_copy(
    update={"runtime": Settings().runtime.model_copy(update={"workers": 0})}
)


def picture(color: str) -> bytes:
    return encoded(plain(COLORS[color]), "PNG")


def test_sorting_one_crawl_leaves_the_sidecars_of_another_alone(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path, {"a": {"x.png": picture("red")}, "b": {"y.png": picture("blue")}})
    library = tmp_path / "sorted"
    sort(tmp_path / "a", library=library, bundle=bundle, settings=SETTINGS)
    (tmp_path / "a" / "x.txt").write_text("written since")
    sort(tmp_path / "b", library=library, bundle=bundle, settings=SETTINGS)

    assert "written since" == (tmp_path / "a" / "x.txt").read_text()
    sort(tmp_path / "a", library=library, bundle=bundle, settings=SETTINGS)
    assert "written since" == (library / "red" / "x.txt").read_text()
