"""Undo, as folders before and after."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import stat
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.places import all_places, place_of
from classifier.errors import FilingStopped, LibraryError
from classifier.filing.executor import execute
from classifier.filing.recovery import recover
from classifier.filing.results import Status
from classifier.filing.undo import UndoSummary, undo
from classifier.records import ImageFile, Method, Move
from fault_injection import strace, undo_process
from fault_injection.faulty_disks import Failing, FatDisk, OtherDisk
from kit.filing import hashes, image_file, image_id_of, move_of, name
from kit.progress import SavingProgress
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.filing.fsops import Disk

MODES = [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]
CRAWL = {"a.jpg": b"cat", "in": {"a.jpg": b"other cat", "b.jpg": b"dog"}}
State = dict[str, tuple[object, ...]]


def crawl_of(moves: Sequence[Move], library: Path) -> Path:
    """The folder that what comes from outside of the library comes from."""
    folders = [move.source.path.parent for move in moves if move.method is not Method.RENAME]
    return Path(os.path.commonpath(folders)) if folders else library.parent / "crawl"


def file_run(library: Path, moves: Sequence[Move], *, batch: int = 256, disk: Disk | None = None) -> int:
    """File `moves` as one finished run; its number."""
    with hold_lock(library), open_catalog(library) as catalog:
        crawl, nowhere = crawl_of(moves, library), Path()
        name(catalog, crawl)
        run = runs.begin(catalog, kind="sort", crawl=crawl, mode="", model="", bundle=nowhere, settings={})
        for start in range(0, len(moves), batch):
            for outcome in execute(catalog, library=library, run=run, moves=moves[start : start + batch], disk=disk):
                assert outcome.status is Status.PLACED
        runs.finish(catalog, run, {})
    return run


def file_all(folder: Path, method: Method, *, disk: Disk | None = None) -> int:
    """File every file of the crawl into cats/."""
    paths = [path for path in sorted((folder / "crawl").rglob("*")) if path.is_file()]
    return file_run(folder / "library", [move_of(path, method=method) for path in paths], disk=disk)


def rename_all(folder: Path, to: str) -> int:
    """Move everything in the library into another folder of it."""
    library = folder / "library"
    with read_catalog(library) as catalog:
        kept = list(all_places(catalog))
    moves = [
        Move(
            image_id=place.image_id,
            source=image_file(library / os.fsdecode(place.path)),
            folder=Path(to),
            names=(Path(os.fsdecode(place.path)).name, f"{place.image_id}.jpg"),
            method=Method.RENAME,
        )
        for place in kept
    ]
    return file_run(library, moves)


def state(*folders: Path) -> State:
    """Every name under `folders` but the library's own state: content, time and permissions; of folders that only."""
    found: State = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if ".illsort" in path.parts:
                continue
            seen = path.lstat()
            mode = stat.S_IMODE(seen.st_mode)
            if path.is_symlink():
                found[str(path)] = ("link", str(path.readlink()))
            elif path.is_dir():
                found[str(path)] = ("folder", mode)
            else:
                found[str(path)] = (path.read_bytes(), seen.st_mtime_ns, mode)
    return found


def spread(folder: Path) -> State:
    """The crawl as CRAWL with odd times and permissions, and the state of it all."""
    make_tree(folder / "crawl", CRAWL)
    os.utime(folder / "crawl/a.jpg", ns=(1, 1_234_567_890_123_456_789))
    (folder / "crawl/in/b.jpg").chmod(0o640)
    return state(folder)


def reasons(summary: UndoSummary) -> dict[str, str]:
    """Names left, and why."""
    return {left.path.name: left.reason for left in summary.left}


@pytest.mark.parametrize("method", MODES)
def test_undo_gives_back_the_tree_as_it_was(tmp_path: Path, method: Method) -> None:
    before = spread(tmp_path)
    file_all(tmp_path, method)
    assert 3 == len(list((tmp_path / "library/cats").iterdir()))
    summary = undo(tmp_path / "library")
    assert before == {path: kept for path, kept in state(tmp_path).items() if path != str(tmp_path / "library")}
    assert (3, [], 1) == (summary.restored + summary.removed, summary.left, summary.folders_removed)
    with read_catalog(tmp_path / "library") as catalog:
        assert [] == list(all_places(catalog))


@pytest.mark.parametrize("disk", [FatDisk, OtherDisk])
def test_undo_restores_on_disks_that_lack_something(tmp_path: Path, disk: type[Disk]) -> None:
    before = spread(tmp_path)
    file_all(tmp_path, Method.MOVE)
    undo(tmp_path / "library", disk=OtherDisk(tmp_path / "library") if disk is OtherDisk else FatDisk())
    assert before == {path: kept for path, kept in state(tmp_path).items() if path != str(tmp_path / "library")}
    assert [] == list(tmp_path.rglob("*.part"))


def test_undo_restores_across_disks(tmp_path: Path, memory_disk: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    before = state(tmp_path)
    paths = [path for path in sorted((tmp_path / "crawl").rglob("*")) if path.is_file()]
    file_run(memory_disk / "library", [move_of(path, method=Method.MOVE) for path in paths])
    assert 3 == undo(memory_disk / "library").restored
    assert before == state(tmp_path)


@pytest.mark.parametrize("method", MODES)
def test_an_undo_can_be_undone_and_that_one_too(tmp_path: Path, method: Method) -> None:
    before = spread(tmp_path)
    file_all(tmp_path, method)
    filed = state(tmp_path)
    library = tmp_path / "library"
    own = undo(library).run
    again = undo(library, run=own)
    assert (3, [], filed) == (again.filed_again, again.left, state(tmp_path))
    with read_catalog(library) as catalog:
        assert 3 == len(list(all_places(catalog)))
    undo(library, run=again.run)
    assert before == {path: kept for path, kept in state(tmp_path).items() if path != str(library)}


def test_without_a_number_each_undo_takes_back_one_run_more(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    file_all(tmp_path, Method.MOVE)
    rename_all(tmp_path, "dogs")
    assert 2 == undo(library).undone
    assert {"cats"} == set(read_tree(library))
    assert 1 == undo(library).undone
    assert {} == read_tree(library)
    assert CRAWL == read_tree(tmp_path / "crawl")
    assert None is undo(library).undone


def test_an_earlier_run_is_undone_for_what_is_still_where_it_put_it(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    first = file_all(tmp_path, Method.MOVE)
    with read_catalog(library) as catalog:
        place = place_of(catalog, image_id_of(b"dog"))
    assert place is not None
    source = image_file(library / "cats/b.jpg")
    file_run(
        library,
        [Move(image_id=place.image_id, source=source, folder=Path("dogs"), names=("b.jpg",), method=Method.RENAME)],
    )
    summary = undo(library, run=first)
    assert {"b.jpg": "it is no longer there"} == reasons(summary)
    assert {"dogs": {"b.jpg": b"dog"}} == read_tree(library)
    assert {"a.jpg": b"cat", "in": {"a.jpg": b"other cat"}} == read_tree(tmp_path / "crawl")


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.MOVE])
def test_a_file_edited_since_is_left_and_listed(tmp_path: Path, method: Method) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    file_all(tmp_path, method)
    edited = tmp_path / "library/cats/b.jpg"
    edited.write_bytes(b"dog with a hat")
    summary = undo(tmp_path / "library")
    assert {"b.jpg": "it was changed since"} == reasons(summary)
    assert {"cats": {"b.jpg": b"dog with a hat"}} == read_tree(tmp_path / "library")


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY])
def test_the_last_file_with_a_picture_is_never_removed(tmp_path: Path, method: Method) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    file_all(tmp_path, method)
    (tmp_path / "crawl/a.jpg").unlink()
    (tmp_path / "crawl/in/b.jpg").unlink()
    (tmp_path / "crawl/in/b.jpg").write_bytes(b"a new one")
    summary = undo(tmp_path / "library")
    assert {"a.jpg", "b.jpg"} == set(reasons(summary))
    assert {"cats": {"a.jpg": b"cat", "b.jpg": b"dog"}} == read_tree(tmp_path / "library")


def test_a_crawl_that_is_the_library_by_another_name_keeps_its_files(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.jpg": b"cat"})
    file_all(tmp_path, Method.LINK)
    shutil.rmtree(tmp_path / "crawl")
    (tmp_path / "crawl").symlink_to(tmp_path / "library/cats")
    assert {"a.jpg"} == set(reasons(undo(tmp_path / "library")))
    assert {"cats": {"a.jpg": b"cat"}} == read_tree(tmp_path / "library")


def test_undo_removes_a_symbolic_link_whose_image_is_gone(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    file_all(tmp_path, Method.SYMLINK)
    shutil.rmtree(tmp_path / "crawl")
    assert 3 == undo(tmp_path / "library").removed
    assert {"library": {}} == read_tree(tmp_path)


def test_a_taken_old_place_is_never_overwritten(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    file_all(tmp_path, Method.MOVE)
    make_tree(tmp_path / "crawl", {"a.jpg": b"new", "a (restored).jpg": b"newer"})
    summary = undo(tmp_path / "library")
    crawl = tmp_path / "crawl"
    assert {
        "a.jpg": b"new",
        "a (restored).jpg": b"newer",
        "a (restored 2).jpg": b"cat",
        "in": CRAWL["in"],
    } == read_tree(crawl)
    assert [(crawl / "a.jpg", crawl / "a (restored 2).jpg")] == summary.elsewhere
    assert [] == summary.left


def test_an_old_folder_that_is_gone_is_made_again(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    file_all(tmp_path, Method.MOVE)
    shutil.rmtree(tmp_path / "crawl")
    undo(tmp_path / "library")
    assert CRAWL == read_tree(tmp_path / "crawl")


def test_only_folders_that_the_run_made_go_and_only_empty_ones(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    make_tree(tmp_path / "library", {"mine": {}})
    paths = [tmp_path / "crawl/a.jpg", tmp_path / "crawl/in/a.jpg", tmp_path / "crawl/in/b.jpg"]
    folders = ("mine", "new/inner", "filled")
    file_run(
        tmp_path / "library",
        [move_of(path, method=Method.MOVE, folder=folder) for path, folder in zip(paths, folders, strict=True)],
    )
    make_tree(tmp_path / "library/filled", {"note.txt": b"by hand"})
    undo(tmp_path / "library")
    assert {"mine": {}, "filled": {"note.txt": b"by hand"}} == read_tree(tmp_path / "library")


def test_the_trail_alone_suffices_when_the_catalog_is_lost(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    file_all(tmp_path, Method.MOVE)
    rename_all(tmp_path, "dogs")
    undo(library)
    rename_all(tmp_path, "birds")
    (library / ".illsort/catalogue.sqlite").unlink()
    progress = SavingProgress()
    undone = [undo(library, progress=progress).undone for _ in range(3)]
    assert [4, 1, None] == undone
    assert CRAWL == read_tree(tmp_path / "crawl")
    assert "catalog was lost" in progress.messages[0]


def test_an_older_move_log_without_the_crawl_is_undone_into_a_folder(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    file_all(tmp_path, Method.MOVE)
    trail = library / ".illsort/moves.jsonl"
    older = [json.loads(line) for line in trail.read_text().splitlines()]
    newer = {"crawl", "sum"}
    trail.write_text("".join(json.dumps({k: v for k, v in line.items() if k not in newer}) + "\n" for line in older))
    (library / ".illsort/catalogue.sqlite").unlink()
    summary = undo(library)
    assert (0, 3) == (summary.restored, len(summary.left))
    assert all("undo --crawl FOLDER" in left.reason for left in summary.left)
    assert 0 == undo(library, run=1, crawl=tmp_path / "elsewhere").restored
    assert 3 == undo(library, run=1, crawl=tmp_path / "crawl").restored
    assert CRAWL == read_tree(tmp_path / "crawl")


def test_after_a_lost_catalog_filing_goes_on_and_can_be_undone(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    file_all(tmp_path, Method.MOVE)
    rename_all(tmp_path, "dogs")
    with read_catalog(library) as catalog:
        before = list(all_places(catalog))
    (library / ".illsort/catalogue.sqlite").unlink()
    with hold_lock(library), open_catalog(library) as catalog:
        assert 6 == recover(catalog, library).rebuilt
        assert before == list(all_places(catalog))
        assert 0 == recover(catalog, library).rebuilt
    make_tree(tmp_path / "crawl", {"new.jpg": b"new"})
    assert 3 == file_run(library, [move_of(tmp_path / "crawl/new.jpg", method=Method.MOVE)])
    (library / ".illsort/catalogue.sqlite").unlink()
    assert [3, 2, 1, None] == [undo(library).undone for _ in range(4)]
    assert {**CRAWL, "new.jpg": b"new"} == read_tree(tmp_path / "crawl")


def test_a_disk_that_stops_leaves_an_undo_that_goes_on(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    library = tmp_path / "library"
    file_all(tmp_path, Method.MOVE)
    with pytest.raises(FilingStopped):
        undo(library, disk=Failing("rename_exclusively", errno.EIO, number=2))
    summary = undo(library)
    assert (1, 2) == (summary.undone, summary.run)
    assert CRAWL == read_tree(tmp_path / "crawl")


def test_no_library_or_no_such_run_is_an_error_that_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="there is no such folder"):
        undo(tmp_path / "none")
    assert [] == list(tmp_path.iterdir())
    make_tree(tmp_path / "crawl", CRAWL)
    file_all(tmp_path, Method.LINK)
    with pytest.raises(LibraryError, match="no run 7"):
        undo(tmp_path / "library", run=7)


def random_moves(rng: random.Random, folder: Path, fresh: list[Path]) -> list[Move]:
    """Some of what is in the library to other folders, and `fresh` files of the crawl in all modes, into five names."""
    library = folder / "library"
    moves = [move_of(path, method=rng.choice(MODES), folder=f"kind{rng.randrange(5)}") for path in fresh]
    with open_catalog(library) as catalog:
        kept = rng.sample(found := list(all_places(catalog)), len(found) // 4)
    for place in kept:
        path = library / os.fsdecode(place.path)
        names = (path.name, f"{place.image_id}.jpg")
        source: ImageFile = image_file(path)
        to = f"kind{rng.randrange(5)}/deep"
        if path.parent != library / to:
            moves.append(
                Move(image_id=place.image_id, source=source, folder=Path(to), names=names, method=Method.RENAME)
            )
    rng.shuffle(moves)
    return moves


def thousand(folder: Path, rng: random.Random) -> list[Path]:
    """A thousand different files of fifty names, times and permissions at random."""
    paths = []
    for number in range(1000):
        path = folder / "crawl" / f"{number // 50}" / f"{number % 50}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture %d" % number)
        path.chmod(rng.choice([0o600, 0o644, 0o444]))
        os.utime(path, ns=(0, rng.randrange(10**18)))
        paths.append(path)
    return paths


@pytest.mark.parametrize("seed", range(2))
def test_any_runs_undone_in_reverse_leave_the_identical_tree(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    paths = thousand(tmp_path, rng)
    states = [state(tmp_path)]
    library = tmp_path / "library"
    library.mkdir()
    rng.shuffle(paths)
    for number in range(4):
        file_run(library, random_moves(rng, tmp_path, paths[number * 250 : number * 250 + 250]), batch=100)
        states.append(state(tmp_path))
    for number in range(4, 0, -1):
        assert states[number] == state(tmp_path)
        summary = undo(library)
        assert (number, [], []) == (summary.undone, summary.left, summary.elsewhere)
    found = state(tmp_path)
    del found[str(library)]
    assert states[0] == found


def test_files_changed_since_the_run_are_kept_and_listed(tmp_path: Path) -> None:
    rng = random.Random(3)
    paths = thousand(tmp_path, rng)
    library = tmp_path / "library"
    file_run(library, [move_of(path, method=Method.MOVE, folder=f"kind{rng.randrange(5)}") for path in paths])
    filed = [path for path in sorted(library.glob("kind*/*")) if path.is_file()]
    picked = rng.sample(filed, 50)
    for path in picked[:25]:
        path.chmod(0o644)
        path.write_bytes(b"edited " + path.read_bytes())
    for path in picked[25:]:
        path.rename(path.with_name("mine " + path.name))
    added = rng.sample(paths, 50)
    for path in added:
        path.write_bytes(b"added later")
    before = hashes(tmp_path)
    summary = undo(library)
    assert before == hashes(tmp_path)
    assert {*picked} == {left.path for left in summary.left}
    assert all(path.read_bytes() == b"added later" for path in added)
    assert 950 == summary.restored
    assert {old for old, _ in summary.elsewhere} <= set(added)


def filed_world(folder: Path, method: Method) -> State:
    """Twelve files of four names in three folders, filed; the state before."""
    for number in range(12):
        path = folder / "crawl" / f"{number % 3}" / f"{number // 3}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number * 1000)
    before = state(folder)
    file_all(folder, method)
    return before


def sweep(folder: Path, method: Method, *, share: int) -> Counter[str]:
    """Kill undo at every `share`-th of its calls; nothing is lost, and the next one finishes."""
    hit: Counter[str] = Counter()
    filed_world(folder / "counted", method)
    found = undo_process.points(folder / "counted/library", log=folder / "log")
    for count, (call, number) in enumerate(found[::share]):
        world = folder / f"{count}"
        before = filed_world(world, method)
        contents = set(hashes(world))
        hit[call] += undo_process.killed(world / "library", call=call, number=number)
        assert contents <= set(hashes(world))
        undo(world / "library", run=1)
        after = state(world)
        after.pop(str(world / "library"))
        assert before == after
    return hit


@pytest.mark.skipif(bool(strace.unavailable_reason()), reason=strace.unavailable_reason())
@pytest.mark.parametrize("method", MODES)
def test_an_undo_killed_at_any_call_is_finished_by_the_next(tmp_path: Path, method: Method) -> None:
    assert sweep(tmp_path, method, share=9).total() > 5


@pytest.mark.slow
@pytest.mark.skipif(bool(strace.unavailable_reason()), reason=strace.unavailable_reason())
@pytest.mark.parametrize("method", MODES)
def test_an_undo_killed_at_every_call_loses_nothing(tmp_path: Path, method: Method) -> None:
    hit = sweep(tmp_path, method, share=1)
    print(method, dict(hit), hit.total())  # noqa: T201 - the figure that a sweep is run for
    assert hit.total() > 50


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY])
def test_read_only_pictures_are_taken_back_and_stay_read_only(tmp_path: Path, method: Method) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    pictures = [path for path in (tmp_path / "crawl").rglob("*") if path.is_file()]
    for path in pictures:
        path.chmod(stat.S_IREAD)
    file_all(tmp_path, method)
    done = undo(tmp_path / "library")
    permissions = [path.stat().st_mode & stat.S_IWRITE for path in pictures]
    for path in pictures:
        path.chmod(stat.S_IREAD | stat.S_IWRITE)

    assert (3, [], [0, 0, 0]) == (done.removed, done.left, permissions)
    assert CRAWL == read_tree(tmp_path / "crawl")
