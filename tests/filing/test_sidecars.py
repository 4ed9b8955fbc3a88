"""Files beside pictures go where their picture goes, and come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.places import place_of
from classifier.filing.executor import execute
from classifier.filing.results import Status
from classifier.filing.sidecars import sidecar_moves, sidecar_name
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import Method
from kit.filing import World, image_file, image_id_of, move_of, name
from kit.tree import Tree, make_tree, read_tree

MODES = [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]
PICTURES = [image_id_of(content) for content in (b"cat", b"dog", b"cow")]
MARK = PICTURES[1][:8]
CRAWL: Tree = {
    "a": {"x.jpg": b"cat", "X.JPG.txt": b"same words", "x.XMP": b"<x/>", "y.txt": b"nobody's"},
    "b": {"x.jpg": b"dog", "x.jpg.txt": b"same words", "x.png": b"cow", "x.txt": b"shared"},
}
FILED: Tree = {
    "x.jpg": b"cat",
    "x.jpg.txt": b"same words",
    "x.XMP": b"<x/>",
    f"x_{MARK}.jpg": b"dog",
    f"x_{MARK}.jpg.txt": b"same words",
    f"x_{MARK}.txt": b"shared",
    "x.png": b"cow",
}


def file_run(folder: Path, method: Method, *, to: str = "cats") -> None:
    """A run that files the three pictures or renames them to another folder, then their sidecars."""
    library = folder / "library"
    with open_catalog(library) as catalog:
        here, crawl = Path(), folder / "crawl"
        name(catalog, crawl)
        run = runs.begin(catalog, kind="sort", crawl=crawl, mode="", model="", bundle=here, settings={})
        paths = [folder / "crawl" / name for name in ("a/x.jpg", "b/x.jpg", "b/x.png")]
        if method is Method.RENAME:
            kept = [place for picture in PICTURES if (place := place_of(catalog, picture)) is not None]
            paths = [library / place.path.decode() for place in kept]
        moves = [
            replace(move_of(path, method=method, folder=to), image_id=picture, source=image_file(path))
            for path, picture in zip(paths, PICTURES, strict=True)
        ]
        placed = execute(catalog, library=library, run=run, moves=moves)
        beside = sidecar_moves(catalog, PICTURES, library=library, method=method)
        placed += execute(catalog, library=library, run=run, moves=beside)
        assert {Status.PLACED} == {outcome.status for outcome in placed}
        assert [] == sidecar_moves(catalog, PICTURES, library=library, method=method)
        runs.finish(catalog, run, {})


@pytest.mark.parametrize("method", MODES)
def test_sidecars_go_with_their_pictures_follow_them_and_come_back(tmp_path: Path, method: Method) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    file_run(tmp_path, method)
    assert {"cats": FILED} == read_tree(library)
    seen = verify(library)
    assert (7, [], []) == (seen.checked, seen.off, seen.yours)
    file_run(tmp_path, Method.RENAME, to="dogs")
    assert {"cats": {}, "dogs": FILED} == read_tree(library)
    assert [] == verify(library).off
    undo(library)
    assert {"cats": FILED} == read_tree(library)
    own = undo(library)
    assert ([], CRAWL, {}) == (own.left, read_tree(tmp_path / "crawl"), read_tree(library))
    assert [] == undo(library, run=own.run).left
    assert {"cats": FILED} == read_tree(library)
    assert [] == verify(library).off


@pytest.mark.parametrize(
    ("picture", "asked", "expected"),
    [
        (Method.MOVE, Method.MOVE, Method.MOVE),
        (Method.LINK, Method.MOVE, Method.LINK),
        (Method.COPY, Method.MOVE, Method.COPY),
        (Method.SYMLINK, Method.MOVE, Method.SYMLINK),
        (Method.MOVE, Method.LINK, Method.LINK),
        (Method.LINK, Method.COPY, Method.COPY),
    ],
)
def test_a_sidecar_leaves_the_crawl_only_with_its_moved_image(
    world: World, picture: Method, asked: Method, expected: Method
) -> None:
    path = world.add("x.jpg", b"cat")
    world.execute(move_of(path, method=picture))
    world.add("x.txt", b"words")
    (found,) = sidecar_moves(world.catalog, [image_id_of(b"cat")], library=world.library, method=asked)
    assert expected is found.method


@pytest.mark.parametrize(
    ("sidecar", "now", "expected"),
    [
        ("x.jpg.txt", "x.jpg", "x.jpg.txt"),
        ("X.JPG.TXT", "x_1.jpg", "x_1.jpg.TXT"),
        ("x.xmp", "x_1.jpg", "x_1.xmp"),
        ("x.jpg.json", "x.jpg", "x.jpg.json"),
    ],
)
def test_a_sidecar_is_named_after_the_name_that_its_picture_got(sidecar: str, now: str, expected: str) -> None:
    assert expected == sidecar_name(sidecar, image="x.jpg", now=now)
