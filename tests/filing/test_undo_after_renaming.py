"""Undo after a person renamed the folder of a category: its pictures are taken back from there, and go back there."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.catalog.stats import library_stats
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import Method
from kit.by_hand import drag, pictures_in
from kit.sorting import MANIFEST, sort

MODELS = {
    "flat": (MANIFEST, "kind_a", "kind_b", "kind_a", "renamed"),
    "nested": (
        MANIFEST.model_copy(update={"categories": ("game/a", "game/b")}),
        "game/a",
        "game/b",
        "game",
        "Games",
    ),
}


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    (tmp_path / "crawl").mkdir()
    for name in ("a1", "a2", "a3", "b1", "b2", "b3"):
        (tmp_path / "crawl" / f"{name}.jpg").write_bytes(name.encode())
    (tmp_path / "crawl" / "a1.jpg.txt").write_text("words")
    return tmp_path / "library", request.param


def sort_again(library: Path, kind: str, *, method: Method = Method.COPY, model: int = 0) -> None:
    manifest, crawl = MODELS[kind][0], library.parent / "crawl"
    sort(library, crawl, method=method, batch=10, sidecars=True, manifest=manifest, threshold=0.6, model=model)


@pytest.mark.parametrize("method", [Method.LINK, Method.MOVE])
@pytest.mark.parametrize("is_sorted_again", [False, True])
def test_an_earlier_sort_is_taken_back_whole(case: tuple[Path, str], method: Method, *, is_sorted_again: bool) -> None:
    library, kind = case
    crawl = library.parent / "crawl"
    before = pictures_in(crawl)
    sort_again(library, kind, method=method)
    drag(library, MODELS[kind][3], MODELS[kind][4])
    if is_sorted_again:
        sort_again(library, kind, method=method)
    done = undo(library)

    assert ([], 7) == (done.left, done.taken_back)
    assert (set(), before) == (pictures_in(library), pictures_in(crawl))
    assert [] == [path.name for path in library.iterdir() if path.name != ".illsort"]


def test_what_a_sort_moved_goes_back_into_the_renamed_folder(case: tuple[Path, str]) -> None:
    library, kind = case
    _, first, _, old, new = MODELS[kind]
    sort_again(library, kind)
    filed = pictures_in(library)
    sort_again(library, kind, model=1)
    moved = pictures_in(library)
    assert filed != moved
    drag(library, old, new)
    undo(library)

    renamed = first.replace(old, new, 1)
    wanted = {name.replace(old, new, 1) if name.startswith(old) else name for name in filed}
    stats = library_stats(library)
    assert wanted == pictures_in(library)
    assert 3 == stats.filed[renamed]
    assert not (library / old).exists()
    sort_again(library, kind)
    assert wanted == pictures_in(library)
    assert [] == verify(library).off
