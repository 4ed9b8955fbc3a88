"""A damaged journal or trail: what is whole is undone, what is not is named, and no file anywhere else is touched."""

from __future__ import annotations

import json
import shutil
import sqlite3
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.move_log import NAME as TRAIL
from classifier.catalog.move_log import checksum, read_move_log, row_checksum
from classifier.catalog.moves import MOVE_COLUMNS, damaged_rows, select
from classifier.catalog.values import to_bytes, to_path
from classifier.filing.path_scope import PathScope
from classifier.filing.refile import refile_images, remove_empty_folders
from classifier.filing.undo import UndoSummary, undo
from classifier.filing.verify import verify
from classifier.progress import SilentProgress
from classifier.records import Action, Decision, Method
from kit import reasons
from kit.filing import hashes, image_id_of, sort
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CRAWL = {"a.jpg": b"cat", "b.jpg": b"dog", "c.jpg": b"eel"}
THESIS = {"thesis.jpg": b"dog", "cat.jpg": b"another cat"}
ODD: list[Any] = [None, -1, 0, 2**62, 1.5, "x", "é" * 32, b"\xff\xfe", b"", b"\0"]
"""What no column holds, or not that."""
HASH = "0" * 64


class Setup:
    """A crawl of three pictures that was filed by moving, a person's folder beside it, and a way to begin again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crawl, self.library, self.own = folder / "x/crawl", folder / "x/library", folder / "x/own"
        make_tree(self.crawl, CRAWL)
        make_tree(self.own, THESIS)
        (self.library / "way").parent.mkdir(parents=True)
        (self.library / "way").symlink_to(self.own)
        (self.crawl / "way").symlink_to(self.own)
        sort(self.library, self.crawl, method=Method.MOVE)
        shutil.copytree(folder / "x", folder / "kept", symlinks=True)

    @property
    def trail(self) -> Path:
        """The plain record beside the catalog."""
        return self.library / ".illsort" / TRAIL

    def again(self) -> None:
        """Everything as it was after the sort."""
        shutil.rmtree(self.folder / "x")
        shutil.copytree(self.folder / "kept", self.folder / "x", symlinks=True)

    def undone(self, case: object, *, others: bool = True) -> UndoSummary:
        """Undo and sort again: no traceback, nothing lost, nothing of the person's touched, the `others` came back."""
        summary = undo(self.library, run=None)
        back = {path.name for path in self.crawl.glob("*.jpg")}
        self.check(case)
        sort(self.library, self.crawl, method=Method.MOVE)
        self.check(case)
        assert not others or {"a.jpg", "c.jpg"} <= back, case
        return summary

    def check(self, case: object) -> None:
        """Nothing is lost, and nothing beside the crawl and the library was touched."""
        assert THESIS == all_files(self.own), case
        assert {"own", "crawl", "library"} == {path.name for path in (self.folder / "x").iterdir()}, case
        assert set(hashes(self.folder / "kept")) <= set(hashes(self.folder / "x")), case

    def elsewhere(self) -> list[bytes]:
        """Paths that a change must not lead to, or come from."""
        inner = ("../own/new.jpg", "kind_d/../../own/new.jpg", "way/new.jpg", ".illsort/new.jpg", "way/thesis.jpg")
        outer = [self.own / "new.jpg", self.own / "thesis.jpg", self.crawl / "way/new.jpg"]
        outer += [self.crawl / "../own/new.jpg", self.crawl / "..", self.crawl, Path("/")]
        return [*(str(path).encode() for path in outer), *(path.encode() for path in inner), b"a/" * 2000, b"b" * 300]


@pytest.fixture(params=[7, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def step(request: pytest.FixtureRequest) -> int:
    """One case of so many is tried."""
    return int(request.param)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def flipped(content: bytes) -> Iterator[bytes]:
    """The content with each of its bits flipped, one at a time."""
    for at in range(len(content)):
        for bit in range(8):
            yield content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def test_whichever_bit_of_the_trail_flips_the_other_changes_are_read(setup: Setup, step: int) -> None:
    whole = read_move_log(setup.library)
    assert ({1, 2, 3}, ()) == (set(whole.changes), whole.damaged)
    flips = list(flipped(setup.trail.read_bytes()))[:: 3 * step - 2]
    for content in flips:
        setup.trail.write_bytes(content)
        read = read_move_log(setup.library)
        assert all(whole.changes[number] == change for number, change in read.changes.items())
        assert len(read.changes) + bool(read.damaged) >= 3
    assert len(flips) > 8000 // (3 * step)


def test_a_trail_with_a_flipped_bit_is_undone_but_for_that_line(setup: Setup) -> None:
    first, line, last = setup.trail.read_bytes().splitlines(keepends=True)
    for damage in list(flipped(line))[::611]:
        setup.again()
        setup.trail.write_bytes(first + damage + last)
        (setup.library / ".illsort/catalogue.sqlite").unlink()
        summary = setup.undone(damage)
        told = [left.reason for left in summary.left]
        assert (3, []) == (summary.restored, told) or (2, "damaged") == (summary.restored, told[0].split()[3])


def spoiled(line: dict[str, Any], paths: list[bytes]) -> Iterator[dict[str, Any]]:
    """A line of the trail with one key gone, or another value for it."""
    for key in line:
        yield {name: value for name, value in line.items() if name != key}
        odd = [value for value in ODD if not isinstance(value, bytes)] + [[], {}, True, "9" * 5000]
        yield from ({**line, key: value} for value in odd)
    for end in ("source", "target", "crawl"):
        yield from ({**line, end: b64encode(path).decode()} for path in paths)
    yield from ({**line, "method": method.value} for method in Method)


@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_line_of_a_stranger_is_obeyed_in_the_library_and_the_crawl_only(
    setup: Setup, has_checksum: bool, step: int
) -> None:
    first, line, last = setup.trail.read_text().splitlines()
    kept = json.loads(line)
    kept.pop("sum")
    cases = list(spoiled(kept, setup.elsewhere()))
    accepted = []
    for case in cases:
        body = json.dumps(case)
        seal = f', "sum": "{checksum(body.encode())}"' if has_checksum else ""
        text = f"{first}\n{body[:-1]}{seal}}}\n{last}\n"
        setup.trail.write_text(text)
        read = read_move_log(setup.library)
        assert {1, 3} <= set(read.changes), text
        accepted += [text] if len(read.changes) == 3 and not read.damaged else []
    assert len(cases) // 8 < len(accepted) < len(cases) // 2
    for text in accepted[::step]:
        setup.again()
        setup.trail.write_text(text)
        (setup.library / ".illsort/catalogue.sqlite").unlink()
        setup.undone(text)


def write_row(library: Path, column: str, value: Any, *, seal: Callable[[tuple[Any, ...]], str | None] | None) -> None:
    """Change one column of the second row, and its checksum: as it was, none, or one that holds."""
    with open_catalog(library) as catalog:
        connection = catalog.connection
        connection.execute(f"UPDATE moves SET {column} = ? WHERE id = 2", (value,))  # noqa: S608
        if seal is not None:
            connection.text_factory = lambda kept: kept.decode(errors="surrogateescape")
            names = ", ".join(MOVE_COLUMNS)
            row = connection.execute(f"SELECT {names} FROM moves ORDER BY id != 1, id LIMIT 1 OFFSET 1").fetchone()  # noqa: S608
            connection.execute("UPDATE moves SET checksum = ? WHERE id = ?", (seal(row), row[0]))


@pytest.mark.parametrize("column", MOVE_COLUMNS)
def test_a_damaged_journal_row_is_restored_from_the_log_or_named(setup: Setup, column: str, step: int) -> None:
    same = None if column in {"temporary", "undoes", "beside"} else ...
    values = [value for value in ODD if value is not same]
    values += setup.elsewhere()[:2] if column in {"source", "target", "temporary"} else []
    for value in values[len(column) % step :: step]:
        setup.again()
        try:
            write_row(setup.library, column, value, seal=None)
        except (OverflowError, sqlite3.Error):  # SQLite refuses it in this column
            continue
        assert any("damaged" in one.what for one in verify(setup.library).off), value
        summary = setup.undone(value)
        lost = [left for left in summary.left if "damaged" in left.reason]
        assert (3, 0) == (summary.restored, len(lost)) or (column, 2, 1) == ("id", summary.restored, len(lost)), value


def strange(column: str, paths: list[bytes]) -> list[tuple[Any, str]]:
    """Values of a column that a stranger might write into a row, and the state of that row."""
    if column in {"source", "target", "temporary"}:
        return [(path, state) for state in ("done", "intent", "claimed") for path in paths]
    values = {"method": [method.value for method in Method], "undoes": [1, 2, 7], "run": [2, 7], "picture": [HASH]}
    return [(value, state) for state in ("done", "intent", "claimed") for value in values[column]]


@pytest.mark.parametrize("column", ["source", "target", "temporary", "method", "undoes", "run", "picture"])
@pytest.mark.parametrize("seal", [row_checksum, lambda _: None], ids=["right checksum", "no checksum"])
def test_a_row_of_a_stranger_is_obeyed_in_the_library_and_the_crawl_only(
    setup: Setup, column: str, seal: Callable[[tuple[Any, ...]], str | None], step: int
) -> None:
    for value, state in strange(column, setup.elsewhere())[::step]:
        setup.again()
        write_row(setup.library, column, value, seal=None)
        write_row(setup.library, "state", state, seal=seal)
        setup.undone((value, state), others=column not in {"undoes", "run"})


def test_a_place_of_a_stranger_moves_nothing_into_the_library(setup: Setup) -> None:
    dog = Decision(
        image_id=image_id_of(b"dog"), action=Action.FILE, category="birds", confidence=1.0, reason=reasons.ANY
    )
    for path in [path for path in setup.elsewhere() if b"thesis" in path]:
        with open_catalog(setup.library) as catalog:
            catalog.connection.execute("UPDATE places SET path = ? WHERE picture = ?", (path, dog.image_id))
            made = refile_images(catalog, setup.library, [dog], run=1, progress=SilentProgress())
        assert (0, 1) == (made.moved, len(made.left))
        setup.check(path)


@pytest.mark.parametrize("where", ["../empty", "way/empty", "kind_c/../../empty"])
def test_a_folder_of_a_stranger_is_not_removed(setup: Setup, where: str) -> None:
    for folder in (setup.folder / "x/empty", setup.own / "empty"):
        folder.mkdir()
    with open_catalog(setup.library) as catalog:
        catalog.connection.execute("INSERT INTO folders VALUES (?, 1)", (where.encode(),))
        remove_empty_folders(catalog, setup.library, [setup.library / where])
    assert 3 == undo(setup.library).restored
    assert [True, True] == [folder.is_dir() for folder in (setup.folder / "x/empty", setup.own / "empty")]


def test_a_row_of_an_older_catalog_is_not_damage(setup: Setup) -> None:
    with open_catalog(setup.library) as catalog:
        catalog.connection.execute("UPDATE moves SET checksum = NULL")
        assert [] == damaged_rows(catalog)
    assert (3, []) == ((summary := setup.undone("older")).restored, summary.left)


def test_no_file_but_a_copy_of_that_change_is_taken_for_a_copy_under_way(setup: Setup) -> None:
    with open_catalog(setup.library) as catalog:
        entry, bounds = select(catalog, "id = 2")[0], PathScope(catalog, setup.library)
        copy = to_path(entry.target or b"").with_name(f".illsort-{entry.run}-{entry.id}.part")
        assert bounds.trouble(replace(entry, temporary=to_bytes(copy))) is None
        for name in ("mine.jpg", f".illsort-{entry.run}-{entry.id + 1}.part"):
            trouble = bounds.trouble(replace(entry, temporary=to_bytes(copy.with_name(name))))
            assert trouble is not None
            assert "no copy under way" in trouble
