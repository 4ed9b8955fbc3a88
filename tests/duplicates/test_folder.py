"""The copies in a folder: read by workers with limits, or known from the library that keeps their looks."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import LOOKS
from classifier.catalog.lock import hold_lock
from classifier.duplicates import folder as folder_module
from classifier.duplicates.folder import Duplicates, find_duplicates
from classifier.errors import CrawlError
from classifier.filing.verify import verify
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings, load
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.copies import drawing
from kit.pictures import encoded
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

BIG = drawing(1)
CRAWL = {
    "big.png": encoded(BIG, "PNG"),
    "again.png": encoded(BIG, "PNG"),
    "small.jpg": encoded(BIG.resize((200, 260)), "JPEG", quality=85),
    "other.jpg": encoded(drawing(2), "JPEG"),
    "other.webp": encoded(drawing(2), "WEBP", quality=80),
    "alone.png": encoded(drawing(3), "PNG"),
    "broken.png": b"\x89PNG\r\n\x1a\n???",
}


def found_in(folder: Path, *, library: Path | None = None, workers: int = 0) -> Duplicates:
    settings = Settings(runtime=RuntimeSettings(workers=workers))
    return find_duplicates(folder, library=library, settings=settings, progress=SavingProgress())


def names(found: Duplicates) -> list[list[str]]:
    return [[one.path.name for one in group] for group in found.groups]


@pytest.mark.parametrize("workers", [0, 2])
def test_copies_are_groups_with_the_largest_and_least_compressed_first(tmp_path: Path, workers: int) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    before = all_files(tmp_path)

    found = found_in(tmp_path / "crawl", workers=workers)

    assert [["again.png", "big.png", "small.jpg"], ["other.jpg", "other.webp"]] == names(found)
    assert [False, True, False] == [one.is_same for one in found.groups[0]]
    assert (400, 520, len(CRAWL["big.png"])) == (
        found.groups[0][0].width,
        found.groups[0][0].height,
        found.groups[0][0].size_bytes,
    )
    assert (6, 7) == (found.pictures, found.read)
    assert ["broken.png"] == [path.name for path, _ in found.failures]
    assert before == all_files(tmp_path)


def test_a_file_that_ends_early_is_never_the_best_of_its_copies(tmp_path: Path) -> None:
    whole = encoded(BIG, "PNG")
    make_tree(tmp_path / "crawl", {"cut off.png": whole[: -len(whole) // 50], "small.jpg": CRAWL["small.jpg"]})
    library = tmp_path / "sorted"
    settings = Settings(runtime=RuntimeSettings(workers=0))
    sort(tmp_path / "crawl", library=library, bundle=color_bundle(tmp_path / "model").folder, settings=settings)

    read, known = found_in(tmp_path / "crawl"), found_in(tmp_path / "crawl", library=library)

    assert (2, 0) == (read.read, known.read)
    assert [["small.jpg", "cut off.png"]] == names(read) == names(known)


def test_a_second_name_of_one_file_is_no_copy(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.png": CRAWL["alone.png"]})
    os.link(tmp_path / "a.png", tmp_path / "b.png")

    assert () == found_in(tmp_path).groups


@pytest.mark.parametrize("mode", Mode)
def test_what_a_library_keeps_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    expected = names(found_in(tmp_path / "crawl"))
    settings = Settings(sort=SortSettings(mode=mode), runtime=RuntimeSettings(workers=0))
    library = tmp_path / "sorted"
    sort(tmp_path / "crawl", library=library, bundle=color_bundle(tmp_path / "model").folder, settings=settings)
    monkeypatch.setattr(folder_module, "runtime_from_settings", None)  # nothing is read
    (tmp_path / "crawl/broken.png").unlink()

    of_library = found_in(library)

    assert 0 == of_library.read
    assert [2, 2] == [len(group) for group in of_library.groups]  # what is byte for byte the same is filed once
    if mode is not Mode.MOVE:
        of_crawl = found_in(tmp_path / "crawl", library=library)
        assert (0, expected) == (of_crawl.read, names(of_crawl))


def said_of_looks(library: Path) -> list[str]:
    """What `illsort status` says of pictures whose look is not kept."""
    return [line for line in illsort("status", library).stdout.splitlines() if "what copies are found by" in line]


def words_of(said: str) -> list[str]:
    """The words of the command in it, after illsort."""
    return shlex.split(said.partition(": illsort ")[2].rpartition(" reads")[0])


@pytest.mark.parametrize("mode", ["link", "symlink"])
def test_what_an_earlier_version_sorted_is_read_once_and_kept(tmp_path: Path, mode: str) -> None:
    make_tree(tmp_path / "crawl", {name: CRAWL[name] for name in ("big.png", "small.jpg", "alone.png")})
    settings = load(None, ["runtime.workers=0", f"sort.mode={mode}"])
    library = tmp_path / "sorted"
    sort(tmp_path / "crawl", library=library, bundle=color_bundle(tmp_path / "model").folder, settings=settings)
    with open_catalog(library) as catalog:
        catalog.connection.execute("DELETE FROM embeddings WHERE backbone = ?", (LOOKS,))

    (said,) = said_of_looks(library)
    assert said.startswith("3 pictures were read without what copies are found by: illsort duplicates")
    words = [*words_of(said), "--json", "--set", "runtime.workers=0"]
    with hold_lock(library):
        busy = illsort(*words).json
    first, second = illsort(*words).json, found_in(tmp_path / "crawl", library=library)

    assert [] == said_of_looks(library)
    assert [3, 3, 0] == [busy["read"], first["read"], second.read]
    assert [["big.png", "small.jpg"]] == names(second)
    assert busy["groups"] == first["groups"]
    assert 1 == len(first["groups"])
    assert [] == verify(library).off


def test_a_changed_file_of_a_library_is_read(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", {name: CRAWL[name] for name in ("big.png", "alone.png")})
    settings = Settings(runtime=RuntimeSettings(workers=0))
    library = tmp_path / "sorted"
    sort(tmp_path / "crawl", library=library, bundle=color_bundle(tmp_path / "model").folder, settings=settings)
    (tmp_path / "crawl/alone.png").unlink()
    (tmp_path / "crawl/alone.png").write_bytes(CRAWL["small.jpg"])

    found = found_in(tmp_path / "crawl", library=library)

    assert 1 == found.read
    assert [["big.png", "alone.png"]] == names(found)


def test_a_folder_without_pictures_has_no_copies(tmp_path: Path) -> None:
    found = found_in(tmp_path)

    assert ((), 0, 0, ()) == (found.groups, found.pictures, found.read, found.failures)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CrawlError, match="cannot be listed"):
        found_in(tmp_path / "none")


def test_the_command_lists_groups_and_says_what_could_not_be_read(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)

    ended = illsort("duplicates", tmp_path / "crawl", "--set", "runtime.workers=0")

    first, *rest = ended.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'crawl' / 'again.png'}  400 x 520, ")
    assert rest[0].endswith(", the same file")
    assert rest[1].startswith(f"  {tmp_path / 'crawl' / 'small.jpg'}  200 x 260, ")
    listed = ended.stderr.splitlines().index("1 picture could not be read:")
    assert "broken.png: " in ended.stderr.splitlines()[listed + 1]
    assert "3 of 6 pictures are copies of a better one; in 2 groups, the copies take " in ended.stderr
    assert 1 == ended.returncode


def test_the_command_says_that_there_are_no_copies(tmp_path: Path) -> None:
    make_tree(tmp_path, {"alone.png": CRAWL["alone.png"]})

    ended = illsort("duplicates", tmp_path, "--set", "runtime.workers=0")

    assert ("", "1 picture, no copies") == (ended.stdout, ended.stderr.splitlines()[-1])


def test_the_command_prints_one_json_object(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", {name: data for name, data in CRAWL.items() if "broken" not in name})

    ended = illsort("duplicates", tmp_path / "crawl", "--json", "--set", "runtime.workers=0")

    assert 0 == ended.returncode
    assert {"pictures": 6, "read": 6, "failed": []} == {
        key: value for key, value in ended.json.items() if key != "groups"
    }
    assert [[False, True, False], [False, False]] == [
        [one["same_as_best"] for one in group] for group in ended.json["groups"]
    ]
