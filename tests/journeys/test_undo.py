"""Sort, undo, sort again, as a person does it at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifier.filing.undo import undo
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit import commands
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.tree import Tree, make_tree, read_tree

CRAWL: Tree = {
    "a.png": encoded(varied(COLORS["red"], seed=1), "PNG"),
    "in": {
        "a.png": encoded(varied(COLORS["red"], seed=2), "PNG"),
        "b.png": encoded(varied(COLORS["blue"], seed=3), "PNG"),
    },
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


def illsort(*words: str | Path) -> tuple[int, dict[str, Any], str]:
    ended = commands.illsort(*words, "--json")
    return ended.returncode, ended.json if ended.stdout else {}, ended.stderr


@pytest.mark.parametrize("mode", [Mode.MOVE])
def test_a_sort_is_undone_and_sorted_again(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl, library = make_tree(tmp_path / "crawl", CRAWL), tmp_path / "sorted"
    words = ("sort", crawl, "--out", library, "--model", bundle, "--mode", mode.value, "--workers", "0")
    first = illsort(*words)[1]
    filed = read_tree(library)
    assert (0, 3) == (illsort("verify", library)[0], first["filed"])

    assert [False] == [run["undone"] for run in illsort("status", library)[1]["runs"]]
    status, undone, said = illsort("undo", library)
    assert (0, 1, 3) == (status, undone["undone"], undone["restored"] + undone["removed"])
    assert f"illsort undo {library} --run 2 makes its changes again" in said
    assert [True, False] == [run["undone"] for run in illsort("status", library)[1]["runs"]]
    _, nothing, said = illsort("undo", library)
    assert (None, 2) == (nothing["undone"], nothing["last_undo"])
    assert f"there is nothing to undo; illsort undo {library} --run 2 takes the last undo back" in said
    assert (CRAWL, {}) == (read_tree(crawl), read_tree(library))
    assert (0, 0) == (illsort("verify", library)[0], illsort("status", library)[1]["filed"].get("red", 0))

    again = illsort(*words[:4], "--mode", mode.value, "--workers", "0")[1]
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert filed == read_tree(library)
    edited = next(library.glob("blue/*"))
    edited.unlink()
    edited.write_bytes(b"painted over")
    status, undone, said = illsort("undo", library, "--run", "3")
    assert (1, [{"path": str(edited), "reason": "it was changed since"}]) == (status, undone["left"])
    assert "1 were left as they are" in said
    assert {"blue": {"b.png": b"painted over"}} == read_tree(library)
    assert (0, None) == (illsort("undo", library)[0], illsort("undo", library)[1]["undone"])


@pytest.mark.parametrize("mode", [Mode.LINK, Mode.MOVE])
def test_sidecars_are_sorted_and_undone_even_after_an_interruption(
    tmp_path: Path, bundle: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: Tree = {"a.png.txt": b"words", "other.txt": b"not beside any"}
    crawl, library = make_tree(tmp_path / "crawl", {**CRAWL, **beside}), tmp_path / "sorted"
    chosen = Settings(sort=SortSettings(mode=mode, sidecars=True), runtime=RuntimeSettings(workers=0))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    calls = iter([lambda *_, **__: [], stop])
    with monkeypatch.context() as patched:
        patched.setattr("classifier.sort.apply.sidecar_moves", lambda *_, **__: next(calls)())
        with pytest.raises(KeyboardInterrupt):
            sort(crawl, library=library, bundle=bundle, settings=chosen)
    assert not list(library.rglob("*.txt"))
    sort(crawl, library=library, bundle=bundle, settings=chosen)
    sort(crawl, library=library, bundle=bundle, settings=chosen)
    assert [library / "red/a.png.txt"] == list(library.rglob("*.txt"))
    for _ in range(2):
        undo(library)
    assert ({**CRAWL, **beside}, {}) == (read_tree(crawl), read_tree(library))
