"""Which crawl a person named is noted outside of every library, and asked for where it is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.catalog.connection import open_catalog
from classifier.errors import LibraryError
from classifier.filing.path_scope import name_crawl, named_root, record_named_crawl, record_named_crawls
from classifier.filing.undo import undo
from classifier.paths import from_text
from classifier.records import Method
from kit.filing import sort
from kit.progress import SavingProgress
from kit.tree import make_tree, read_tree

CRAWL = {"a.jpg": b"cat", "in": {"b.jpg": b"dog"}}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's state folder, which is not there yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def library(tmp_path: Path, state: Path) -> Path:
    """A library that was sorted by move, of which nothing is noted: as by an earlier version."""
    make_tree(tmp_path / "crawl", CRAWL)
    sort(tmp_path / "library", tmp_path / "crawl", method=Method.MOVE)
    shutil.rmtree(state)
    return tmp_path / "library"


def root(library: Path, crawl: Path) -> Path | None:
    """What a command that was named nothing takes for named."""
    with open_catalog(library) as catalog:
        return named_root(catalog, library, crawl)


def notes(state: Path) -> list[Path]:
    return [path for path in state.rglob("*") if path.is_file()]


def test_an_older_library_asks_once(tmp_path: Path, library: Path) -> None:
    asked: list[str] = []
    with pytest.raises(LibraryError, match=re.escape(f"illsort undo {library} --crawl {tmp_path / 'crawl'}")):
        undo(library)
    with pytest.raises(LibraryError, match="run 1 is not undone: only this library's record names"):
        undo(library, on_unnamed=lambda _: False)
    assert {"in": {}} == read_tree(tmp_path / "crawl")
    assert 2 == undo(library, on_unnamed=lambda question: bool(asked.append(question) or True)).restored
    (question,) = asked
    assert question.startswith(f"undoing run 1 changes files in {tmp_path / 'crawl'}, which only this library's record")
    assert CRAWL == read_tree(tmp_path / "crawl")
    assert 2 == undo(library, run=2).filed_again
    assert 2 == undo(library).restored


def test_a_library_that_was_moved_asks_again(tmp_path: Path, library: Path) -> None:
    assert 2 == undo(library, crawl=tmp_path / "crawl").restored
    undo(library, run=2)
    library.rename(tmp_path / "moved")
    with pytest.raises(LibraryError, match="only this library's record names"):
        undo(tmp_path / "moved")
    assert 2 == undo(tmp_path / "moved", crawl=tmp_path / "crawl").restored


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.SYMLINK])
def test_undo_asks_nothing_about_what_was_not_moved(tmp_path: Path, state: Path, method: Method) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    sort(tmp_path / "library", tmp_path / "crawl", method=method)
    shutil.rmtree(state)
    assert 2 == undo(tmp_path / "library").removed
    assert 2 == undo(tmp_path / "library", run=2).filed_again
    assert not state.exists()


def test_a_folder_above_the_crawl_may_be_named_but_none_below_it(tmp_path: Path, library: Path) -> None:
    crawl = tmp_path / "crawl"
    with pytest.raises(LibraryError, match="only this library's record names"):
        undo(library, crawl=crawl / "in")
    assert root(library, crawl) is None
    assert 2 == undo(library, crawl=tmp_path).restored
    assert tmp_path == root(library, crawl)


@pytest.mark.parametrize("where", ["crawl/../home", "crawl/way"])
def test_a_recorded_path_cannot_leave_the_crawl_by_dots_or_a_link(tmp_path: Path, library: Path, where: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "crawl/way").symlink_to(tmp_path / "home")
    crawl = os.fsencode(tmp_path / where)
    with open_catalog(library) as catalog:
        catalog.connection.execute("UPDATE runs SET crawl = ?", (crawl,))
        rows = catalog.connection.execute("SELECT id FROM moves").fetchall()
        for (number,) in rows:
            source = crawl + b"/%d.jpg" % number
            catalog.connection.execute("UPDATE moves SET source = ?, checksum = NULL WHERE id = ?", (source, number))
    summary = undo(library, crawl=tmp_path / "crawl")
    assert (0, 2) == (summary.restored, len(summary.left))
    assert [] == list((tmp_path / "home").iterdir())


def test_a_note_names_its_crawl_and_is_readable_only_by_its_owner(tmp_path: Path, state: Path) -> None:
    record_named_crawl(tmp_path / "library", tmp_path / "crawl")
    (path,) = notes(state)
    kept = {key: from_text(value) for key, value in json.loads(path.read_text()).items()}
    assert {"library": tmp_path / "library", "crawl": tmp_path / "crawl"} == kept
    if os.name == "posix":
        assert (0o600, 0o700) == (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode))


@given(name=st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & set(b"/\0")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@pytest.mark.skipif(os.name == "nt", reason="names of any bytes")
def test_a_crawl_of_any_name_is_noted(tmp_path: Path, state: Path, name: bytes) -> None:
    assert state.name
    crawl = tmp_path / os.fsdecode(name)
    record_named_crawl(tmp_path / "library", crawl)
    assert crawl == root(tmp_path / "library", crawl)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 100, None])
def test_a_damaged_note_counts_as_none_and_is_named(
    tmp_path: Path, library: Path, state: Path, damage: bytes | None
) -> None:
    record_named_crawl(library, tmp_path / "crawl")
    (path,) = notes(state)
    if damage is None:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes(damage)
    with pytest.raises(LibraryError, match=re.escape(f"the note of it is damaged: {path}")) as refused:
        undo(library)
    assert 1 == len(str(refused.value).splitlines())
    assert 2 == undo(library, crawl=tmp_path / "crawl").restored
    undo(library, run=2)
    assert 2 == undo(library).restored


def test_where_nothing_can_be_noted_a_sort_goes_on_and_says_what_follows(tmp_path: Path, state: Path) -> None:
    state.write_text("no folder")
    make_tree(tmp_path / "crawl", CRAWL)
    assert 2 == len(sort(tmp_path / "library", tmp_path / "crawl", method=Method.MOVE))
    progress = SavingProgress()
    with open_catalog(tmp_path / "library") as catalog:
        name_crawl(catalog, tmp_path / "crawl")
        record_named_crawls(catalog, tmp_path / "library", progress)
    (line,) = progress.messages
    assert f"cannot note that you named {tmp_path / 'crawl'} (" in line
    assert "illsort undo will ask for it" in line
    with pytest.raises(LibraryError, match="only this library's record names"):
        undo(tmp_path / "library")
    assert 2 == undo(tmp_path / "library", crawl=tmp_path / "crawl").restored


def test_without_a_home_nothing_is_read_from_the_current_folder(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.filing.path_scope.user_state_path", lambda *_, **__: Path("state/illsort"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="there is no home folder"):
        record_named_crawl(library, tmp_path / "crawl")
    assert root(library, tmp_path / "crawl") is None


def test_several_processes_note_at_once(tmp_path: Path, state: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from classifier.filing.path_scope import record_named_crawl\n"
        "for number in range(40): record_named_crawl(Path(sys.argv[1]), Path(sys.argv[2], str(number)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "library"), str(tmp_path)]
    started = [subprocess.Popen(command) for _ in range(4)]
    assert [0] * 4 == [process.wait() for process in started]
    assert 40 == len(notes(state))
    assert all(tmp_path / str(number) == root(tmp_path / "library", tmp_path / str(number)) for number in range(40))
