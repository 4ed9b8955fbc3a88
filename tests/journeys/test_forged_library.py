"""A stranger's library names a folder of the person's as its crawl: no command changes a file there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.audit.session import open_session
from classifier.catalog.connection import NAME, open_catalog
from classifier.catalog.move_log import NAME as TRAIL
from classifier.catalog.move_log import checksum, row_checksum
from classifier.catalog.moves import MOVE_COLUMNS
from classifier.catalog.values import to_bytes
from classifier.errors import IllsortError, LibraryError
from classifier.i18n import Language, translate
from classifier.model.bundle import Bundle
from classifier.records import AnnotationKind
from classifier.web.pending_moves import file_decided
from kit import commands
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import blended, served
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifier.catalog.connection import Catalog

RED = encoded(varied(COLORS["red"], seed=1), "PNG")
CRAWL = {"red.png": RED, "blue.png": encoded(varied(COLORS["blue"], seed=2), "PNG"), "unsure.png": blended(1)}
ID = 1000
"""Of the row that is forged."""
PART = f".illsort-1-{ID}.part"
OWN = encoded(varied(COLORS["green"], seed=3), "PNG")
HOME = {"red.png": RED, "own.png": OWN, "empty.png": b"", PART: RED, "letters": {"dear.txt": b"dear"}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", labeled=True, novelty=True)


@pytest.fixture(scope="module")
def sorted_by_move(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    folder = tmp_path_factory.mktemp("stranger")
    make_tree(folder / "crawl", CRAWL)
    assert 0 == sort(folder / "crawl", folder / "sorted", bundle, "--mode", "move")[0]
    return folder / "sorted"


@pytest.fixture
def library(tmp_path: Path, sorted_by_move: Path) -> Path:
    """The stranger's library, downloaded to another folder; beside it lies a folder of the person's."""
    shutil.copytree(sorted_by_move, tmp_path / "downloaded")
    make_tree(tmp_path / "home", HOME)
    return tmp_path / "downloaded"


class Terminal(io.StringIO):
    """A person who types this."""

    def isatty(self) -> bool:
        """As a terminal says it."""
        return True


def illsort(*words: str | Path, stdin: io.StringIO | None = None) -> tuple[int, str]:
    """The command in this process, by default with a stdin that is no terminal: exit code, and all that it said."""
    ended = commands.illsort(*words, stdin=stdin or io.StringIO("n\n" * 500))
    return ended.returncode, ended.stderr + ended.stdout


def sort(crawl: Path, library: Path, bundle: Bundle, *words: str) -> tuple[int, str]:
    return illsort("sort", crawl, "--out", library, "--model", bundle.folder, "--workers", "0", *words)


def name_home(catalog: Catalog, home: Path) -> None:
    """Have all that was moved come from `home`, with checksums that hold."""
    catalog.connection.execute("UPDATE runs SET crawl = ?", (to_bytes(home),))
    for number, source in catalog.connection.execute("SELECT id, source FROM moves").fetchall():
        write(catalog, number, source=to_bytes(home / Path(os.fsdecode(source)).name))


def write(catalog: Catalog, number: int, **values: Any) -> None:
    """Write these columns of a row of the journal, and its checksum."""
    for name, value in values.items():
        catalog.connection.execute(f"UPDATE moves SET {name} = ? WHERE id = ?", (value, number))  # noqa: S608
    row = catalog.connection.execute(f"SELECT {', '.join(MOVE_COLUMNS)} FROM moves WHERE id = ?", (number,)).fetchone()  # noqa: S608
    catalog.connection.execute("UPDATE moves SET checksum = ? WHERE id = ?", (row_checksum(row), number))


def red_row(catalog: Catalog) -> int:
    """The row that moved the red picture."""
    return int(catalog.connection.execute("SELECT id FROM moves WHERE target = ?", (b"red/red.png",)).fetchone()[0])


def add(catalog: Catalog, **values: Any) -> None:
    """Add a row that is like the one that moved the red picture but for these columns."""
    columns = ", ".join(name for name in (*MOVE_COLUMNS, "at") if name != "id")
    catalog.connection.execute(
        f"INSERT INTO moves (id, {columns}) SELECT {ID}, {columns} FROM moves WHERE id = ?",  # noqa: S608
        (red_row(catalog),),
    )
    write(catalog, ID, **values)


def open_move(catalog: Catalog, home: Path) -> None:
    """A move by copy that was stopped: its source is still there, and would go."""
    add(catalog, state="intent", source=to_bytes(home / "red.png"), temporary=f"red/{PART}".encode())


def placeholder(catalog: Catalog, home: Path) -> None:
    """An undo that was stopped, with an empty file of ours where the picture was to go back to."""
    back = {"source": b"red/red.png", "target": to_bytes(home / "empty.png")}
    add(catalog, method="restore", state="claimed", **back)


def rescue(catalog: Catalog, home: Path) -> None:
    """An undo by copy that was stopped, whose source is gone: the copy would be renamed."""
    ends = {"source": b"red/gone.png", "target": to_bytes(home / "back.png"), "temporary": to_bytes(home / PART)}
    add(catalog, method="restore", state="intent", **ends)


def half_a_copy(catalog: Catalog, home: Path) -> None:
    """An undo by copy that was stopped: its copy would be removed."""
    ends = {"source": b"red/red.png", "target": to_bytes(home / "back.png"), "temporary": to_bytes(home / PART)}
    add(catalog, method="restore", state="intent", **ends)


def done(_: Catalog, __: Path) -> None:
    """Nothing more: undoing what was moved would make files."""


def undone(catalog: Catalog, home: Path) -> None:
    """An undo that brought the picture back: undoing that would move it away."""
    columns = "crawl, mode, model, backbone, bundle, settings, started, finished, summary, state"
    catalog.connection.execute(
        f"INSERT INTO runs (id, kind, undoes, {columns}) SELECT 2, 'undo', 1, {columns} FROM runs WHERE id = 1"  # noqa: S608
    )
    ends = {"source": b"red/red.png", "target": to_bytes(home / "red.png")}
    add(catalog, method="restore", run=2, undoes=red_row(catalog), **ends)
    catalog.connection.execute("DELETE FROM places WHERE path = ?", (b"red/red.png",))


FORGERIES = [open_move, placeholder, rescue, half_a_copy, done, undone]


def forge(library: Path, home: Path, forgery: Callable[[Catalog, Path], None]) -> None:
    """Have the library's record name `home`."""
    if forgery is undone:
        (library / "red/red.png").unlink()
    with open_catalog(library) as catalog, catalog.transaction():
        name_home(catalog, home)
        forgery(catalog, home)


def forge_trail(library: Path, home: Path) -> None:
    """Have the trail name `home`, and the catalog be lost."""
    (library / ".illsort" / NAME).unlink()
    trail = library / ".illsort" / TRAIL
    lines = []
    for line in map(json.loads, trail.read_text().splitlines()):
        source = home / Path(os.fsdecode(b64decode(line["source"]))).name
        body = {key: value for key, value in line.items() if key != "sum"}
        text = json.dumps(body | {"source": coded(source), "crawl": coded(home)})
        lines.append(f'{text[:-1]}, "sum": "{checksum(text.encode())}"}}\n')
    trail.write_text("".join(lines))


def coded(path: Path) -> str:
    return b64encode(to_bytes(path)).decode()


def run_all(library: Path, bundle: Bundle) -> Iterator[str]:
    """Every command, then what the page does; what each said that names the folder."""
    crawl = make_tree(library.with_name("crawl"), {"new.png": blended(7)})
    judge_all_wrong(library)
    for words in (
        ("status",),
        ("report",),
        ("verify",),
        ("audit", "--json", "--yes"),
        ("undo",),
        ("undo", "--run", "1"),
    ):
        yield str(illsort(words[0], library, *words[1:]))
    yield str(illsort("undo", library, "--run", "2"))
    yield str(sort(crawl, library, bundle, "--mode", "move"))
    with served(library) as page:
        yield page.get("/api/next").text
    file_decided(library)
    yield "the page files"


def judge_all_wrong(library: Path) -> None:
    """An audit of which every answer is "wrong", where the library can be audited."""
    with contextlib.suppress(IllsortError), open_session(library) as session:
        while session.state.current is not None:
            session.answer(AnnotationKind.WRONG)


def forged(library: Path, home: Path, forgery: Callable[[Catalog, Path], None] | None) -> None:
    """The forgery, or None for one of the trail."""
    forge_trail(library, home) if forgery is None else forge(library, home, forgery)


every_forgery = pytest.mark.parametrize(
    "forgery", [*FORGERIES, None], ids=lambda forgery: getattr(forgery, "__name__", "trail")
)


@every_forgery
def test_no_command_changes_a_folder_that_only_a_record_names(
    tmp_path: Path, library: Path, bundle: Bundle, forgery: Callable[[Catalog, Path], None] | None
) -> None:
    forged(library, tmp_path / "home", forgery)
    for said in run_all(library, bundle):
        assert HOME == read_tree(tmp_path / "home", hidden=True), said


@every_forgery
def test_each_of_these_records_is_obeyed_once_a_person_names_the_folder(
    tmp_path: Path, library: Path, forgery: Callable[[Catalog, Path], None] | None
) -> None:
    forged(library, tmp_path / "home", forgery)
    run = ("--run", "2") if forgery is undone else ()
    status, said = illsort("undo", library, *run)
    refused = [line for line in said.splitlines() if "the catalog was lost" not in line]
    assert (2, 1) == (status, len(refused))
    assert f"illsort undo {library} --crawl {tmp_path / 'home'}" in refused[0]
    illsort("undo", library, *run, "--crawl", tmp_path / "home")
    assert HOME != read_tree(tmp_path / "home", hidden=True)


@pytest.mark.parametrize(("typed", "options", "status"), [("\n", (), 2), ("y\n", (), 0), ("y\n", ("--json",), 2)])
def test_at_a_terminal_undo_asks_and_enter_means_no(
    tmp_path: Path, library: Path, typed: str, options: tuple[str, ...], status: int
) -> None:
    forge(library, tmp_path / "home", done)
    ended, said = illsort("undo", library, *options, stdin=Terminal(typed))
    assert (status, status == 0) == (ended, HOME != read_tree(tmp_path / "home", hidden=True))
    assert bool(options) != ("is it your crawl? [y/N]" in said)


def test_a_sort_says_which_changes_stay_open_and_goes_on(tmp_path: Path, library: Path, bundle: Bundle) -> None:
    forge(library, tmp_path / "home", open_move)
    crawl = make_tree(tmp_path / "crawl", {"new.png": encoded(varied(COLORS["red"], seed=9), "PNG")})
    status, said = sort(crawl, library, bundle)
    (line,) = [line for line in said.splitlines() if "stays open" in line]
    assert "run 1 was stopped, and 1 change of it stays open until that crawl is sorted: only this library" in line
    assert f"illsort undo {library} --crawl {tmp_path / 'home'}" in line
    assert (0, True) == (status, (library / "red/new.png").exists())
    assert f"--crawl {tmp_path / 'home'}" in illsort("verify", library)[1]


def test_the_page_moves_nothing_out_of_a_folder_that_only_a_record_names(
    tmp_path: Path, library: Path, bundle: Bundle
) -> None:
    home = tmp_path / "home"
    forge(library, home, done)
    learner = Learner(library)
    learner.learn()
    with pytest.raises(LibraryError, match="only this library's record names it; sort it first") as refused:
        file_learned(library, learner, send=lambda _: None)
    assert "只有图库的记录提到它" in translate(refused.value.message, Language.CHINESE)
    assert HOME == read_tree(home, hidden=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("classifier.active.apply._refuse_unnamed", lambda *_: None)
        file_learned(library, learner, send=lambda _: None)
    assert HOME == read_tree(home, hidden=True)
    sort(home, library, bundle, "--mode", "move")
    assert not (home / "own.png").exists()
