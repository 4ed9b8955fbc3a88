"""Crawls and libraries that overlap, loop or hold what is no file: refused before anything is touched, or safe."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from classifier.errors import CrawlError, LibraryError
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.sort.scan import checked_crawl
from kit.bundles import color_bundle
from kit.filing import hashes
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAN_BIND = sys.platform == "linux" and os.geteuid() == 0
MODES = [Mode.LINK, Mode.MOVE]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


def fill(folder: Path) -> Path:
    """A few pictures, one in a folder of its own."""
    png = {name: encoded(varied(COLORS[name], seed=1), "PNG") for name in ("red", "green", "blue")}
    return make_tree(folder, {"a.png": png["red"], "b.png": png["green"], "deep": {"c.png": png["blue"]}})


def everything(folder: Path) -> dict[str, tuple[int, ...]]:
    """Whatever is under `folder`, hidden too, as the disk has it: kind, inode, size, time."""
    found = {folder, *folder.rglob("*")}
    seen = {str(path): path.lstat() for path in found}
    return {name: (stat.st_mode, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in seen.items()}


def run(crawl: Path, library: Path, bundle: Path, mode: Mode) -> dict[str, Any]:
    """Sort."""
    settings = Settings(sort=SortSettings(mode=mode), runtime=RuntimeSettings(workers=0))
    return sort(crawl, library=library, bundle=bundle, settings=settings)


def pictures(folder: Path) -> dict[str, tuple[int, int]]:
    """The pictures under `folder`: where, and which file."""
    paths = [path for path in folder.rglob("*.png") if path.is_file() and not path.is_symlink()]
    return {str(path): (path.stat().st_ino, path.stat().st_size) for path in paths}


def check_sorted_and_the_second_run_does_nothing(
    root: Path, crawl: Path, library: Path, bundle: Path, mode: Mode
) -> None:
    """All is filed, nothing is lost, and sorting again changes no picture."""
    before = set(hashes(root))
    run(crawl, library, bundle, mode)
    assert before <= set(hashes(library))
    once = pictures(root)
    run(crawl, library, bundle, mode)
    assert once == pictures(root)


@contextmanager
def bound(source: Path, target: Path) -> Iterator[Path]:
    """`source` also at `target`, by a bind mount."""
    if not CAN_BIND:
        pytest.skip("BIND MOUNTS ARE NOT TESTED HERE: only root on Linux can make them")
    target.mkdir(parents=True)
    subprocess.run(["mount", "--bind", source, target], check=True)
    try:
        yield target
    finally:
        subprocess.run(["umount", target], check=True)


def check_refused_untouched(root: Path, crawl: Path, library: Path, bundle: Path) -> None:
    """It is refused, and there is nothing new, gone or changed."""
    before = everything(root)
    with pytest.raises((CrawlError, LibraryError)):
        checked_crawl(crawl, library)
    for mode in Mode:
        with pytest.raises((CrawlError, LibraryError)):
            run(crawl, library, bundle, mode)
    assert before == everything(root)


@pytest.mark.parametrize("mode", Mode)
def test_a_library_inside_the_crawl_is_not_sorted_into_itself(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl = fill(tmp_path / "crawl")
    run(crawl, crawl / "sorted", bundle, mode)
    once = everything(crawl)
    run(crawl, crawl / "sorted", bundle, mode)
    state = str(crawl / "sorted" / ".illsort")
    again = everything(crawl)
    assert {n: s for n, s in once.items() if not n.startswith(state)} == {
        n: s for n, s in again.items() if not n.startswith(state)
    }
    assert 3 == len([path for path in (crawl / "sorted").rglob("*.png") if path.parent.name in COLORS])


@pytest.mark.parametrize(
    "spelling", ["library", "library/deep", "library/../library", "link", "link/deep", "./library"]
)
def test_a_crawl_in_the_library_is_refused_however_it_is_spelled(tmp_path: Path, bundle: Path, spelling: str) -> None:
    library = fill(tmp_path / "library")
    (tmp_path / "link").symlink_to(library)
    check_refused_untouched(tmp_path, tmp_path / spelling, library, bundle)


@pytest.mark.parametrize("spelling", ["link", "crawl/../link", "crawl/../crawl"])
def test_a_library_that_is_the_crawl_by_another_name_is_refused(tmp_path: Path, bundle: Path, spelling: str) -> None:
    crawl = fill(tmp_path / "crawl")
    (tmp_path / "link").symlink_to(crawl)
    check_refused_untouched(tmp_path, crawl, tmp_path / spelling, bundle)


@pytest.mark.parametrize("inside", [".", "deep"])
def test_a_crawl_that_is_the_library_by_a_bind_mount_is_refused(tmp_path: Path, bundle: Path, inside: str) -> None:
    library = fill(tmp_path / "library")
    with bound(library, tmp_path / "elsewhere") as view:
        check_refused_untouched(tmp_path, view / inside, library, bundle)


@pytest.mark.parametrize("mode", MODES)
def test_a_bound_view_of_a_folder_of_the_library_changes_no_picture(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    run(fill(tmp_path / "crawl"), tmp_path / "library", bundle, Mode.MOVE)
    once = pictures(tmp_path / "library")
    with bound(tmp_path / "library" / "red", tmp_path / "view") as view:
        run(view, tmp_path / "library", bundle, mode)
    assert once == pictures(tmp_path / "library")


@pytest.mark.parametrize("mode", MODES)
def test_the_library_bound_into_the_crawl_is_left_out(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl, library = fill(tmp_path / "crawl"), tmp_path / "library"
    library.mkdir()
    with bound(library, crawl / "view"):
        check_sorted_and_the_second_run_does_nothing(tmp_path, crawl, library, bundle, mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_crawl_bound_into_itself_loses_nothing(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl = fill(tmp_path / "crawl")
    with bound(crawl / "deep", crawl / "again"):
        check_sorted_and_the_second_run_does_nothing(tmp_path, crawl, tmp_path / "library", bundle, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_library_that_is_a_link_into_the_crawl_is_left_out(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl = fill(tmp_path / "crawl")
    (crawl / "real").mkdir()
    (tmp_path / "library").symlink_to(crawl / "real")
    check_sorted_and_the_second_run_does_nothing(tmp_path, crawl, tmp_path / "library", bundle, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_crawl_that_is_given_by_a_link_is_sorted(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    fill(tmp_path / "real")
    (tmp_path / "crawl").symlink_to("real")
    check_sorted_and_the_second_run_does_nothing(tmp_path, tmp_path / "crawl", tmp_path / "library", bundle, mode)


@pytest.mark.parametrize("mode", MODES)
def test_links_that_loop_or_lead_elsewhere_are_not_followed(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl = fill(tmp_path / "crawl")
    outside = fill(tmp_path / "outside")
    (crawl / "up").symlink_to("..")
    (crawl / "self").symlink_to("self")
    (crawl / "deep" / "loop").symlink_to(crawl)
    (crawl / "elsewhere").symlink_to(outside)
    (crawl / "elsewhere.png").symlink_to(outside / "a.png")
    untouched = everything(outside)
    check_sorted_and_the_second_run_does_nothing(crawl, crawl, crawl / "library", bundle, mode)
    assert untouched == everything(outside)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none in folders")
@pytest.mark.parametrize("mode", MODES)
def test_pipes_sockets_and_devices_named_like_pictures_are_left_alone(
    tmp_path: Path, bundle: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl = fill(tmp_path / "crawl")
    os.mkfifo(crawl / "pipe.png")
    monkeypatch.chdir(crawl)  # a socket's path may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        with suppress(PermissionError):
            os.mknod(crawl / "zero.png", 0o20600, os.makedev(1, 5))
        specials = {
            name: stat for name, stat in everything(crawl).items() if "/deep" not in name and stat[0] >> 12 != 8
        }
        check_sorted_and_the_second_run_does_nothing(crawl, crawl, crawl / "library", bundle, mode)
        now = everything(crawl)
    del specials[str(crawl)]
    assert specials == {name: now[name] for name in specials}


@pytest.mark.parametrize("mode", MODES)
def test_hard_links_and_equal_files_lose_nothing(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl = fill(tmp_path / "crawl")
    (crawl / "deep" / "again.png").hardlink_to(crawl / "a.png")
    (crawl / "equal.png").write_bytes((crawl / "b.png").read_bytes())
    check_sorted_and_the_second_run_does_nothing(tmp_path, crawl, tmp_path / "library", bundle, mode)


def test_a_library_that_is_a_file_is_refused(tmp_path: Path, bundle: Path) -> None:
    crawl = fill(tmp_path / "crawl")
    check_refused_untouched(tmp_path, crawl, crawl / "a.png", bundle)
