"""A link among illsort's own files in a library leads no command to a file elsewhere: its bytes never change."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.catalog.lock import hold_lock
from classifier.catalog.stats import library_stats
from classifier.errors import IllsortError, LibraryError
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.model.bundle import Bundle
from classifier.records import ImageId
from classifier.report.library_report import write_library_report
from classifier.web.server import serve
from classifier.web.thumbnails import ThumbnailCache
from kit.bundles import color_bundle
from kit.reviewing import blended, sort_again, unsure_library

THUMBNAIL = ImageId("ab" * 32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", labeled=True, novelty=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """A folder with a crawl and a library in which every kind of state was written."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "crawl").mkdir()
    (folder / "crawl" / "broken.jpg").write_text("no picture")
    library = unsure_library(folder, bundle.folder, 3)
    learner = Learner(library)
    learner.learn()
    file_learned(library, learner, send=lambda _: None)
    learner.learn()
    ThumbnailCache(library).keep(THUMBNAIL, b"small")
    write_library_report(library)
    return folder


def learn(library: Path) -> None:
    learner = Learner(library)
    learner.learn()
    file_learned(library, learner, send=lambda _: None)


def thumbnails(library: Path) -> None:
    shelf = ThumbnailCache(library, limit_bytes=0)
    shelf.keep(THUMBNAIL, b"other")
    shelf.tidy()


def commands(folder: Path, bundle: Path, name: str) -> Iterator[Callable[[], object]]:
    """All that writes to a library, and what reads it first; learning only where it comes near to `name`."""
    library = folder / "sorted"
    yield lambda: library_stats(library)
    yield lambda: verify(library)
    (folder / "crawl" / "new.png").write_bytes(blended(7))
    yield lambda: sort_again(folder, bundle)
    yield lambda: thumbnails(library)
    if name == ".illsort" or any(part in name for part in ("outlook", "embeddings", "models")):
        yield lambda: learn(library)
    yield lambda: write_library_report(library)
    yield lambda: undo(library)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_all(folder: Path, bundle: Path, victims: Path, name: str) -> list[str]:
    """Run every command; what those said that were refused."""
    said, before = [], hashes(victims)
    for command in commands(folder, bundle, name):
        try:
            command()
        except IllsortError as error:
            said.append(str(error))
        assert before == hashes(victims)
    assert all(1 == len(line.splitlines()) for line in said)
    return said


def state_of(made: Path) -> list[str]:
    """Every kind of path that a full run makes, and those that are there for a moment only."""
    library = made / "sorted"
    kept = [path.relative_to(library).as_posix() for path in sorted((library / ".illsort").rglob("*"))]
    model = {"illsort.json", "model.safetensors"}  # of a bundle's files two: all are put in place by one function
    kept = [path for path in kept if not (path.count("/") == 3 and "/models/" in path and Path(path).name not in model)]
    passing = ["catalogue.sqlite-wal", "catalogue.sqlite-shm", "catalogue.sqlite-journal", "outlook-9.db.part"]
    beside = ["report.html", "_broken.csv", ".illsort-report.html.part", ".illsort-_broken.csv.part"]
    return [".illsort", *kept, *(f".illsort/{name}" for name in passing), *beside]


def test_a_full_run_makes_every_kind_of_state(made: Path) -> None:
    kinds = {path.split("/")[1] for path in state_of(made) if "/" in path}
    assert {"catalogue.sqlite", "lock", "moves.jsonl", "embeddings", "models", "thumbnails"} <= kinds
    assert any(kind.startswith("outlook-") for kind in kinds)
    assert (made / "sorted" / "_broken.csv").exists()


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="needs links")
def test_a_link_in_place_of_any_state_changes_nothing_elsewhere(tmp_path: Path, made: Path, bundle: Bundle) -> None:
    for number, name in enumerate(state_of(made)):
        folder, victims = tmp_path / f"{number}", tmp_path / f"{number} elsewhere"
        shutil.copytree(made, folder, symlinks=True)
        victims.mkdir()
        path = folder / "sorted" / name
        if path.exists():
            path.rename(victims / "victim")
        else:
            (victims / "victim").write_text("the only copy")
        path.symlink_to(victims / "victim")

        said = run_all(folder, bundle.folder, victims, name)
        if name == ".illsort" or name.count("/") == 1:
            assert said, name
            assert any(f"{path} is a link" in line for line in said), said


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="needs links")
def test_a_second_name_of_any_state_is_never_changed(tmp_path: Path, made: Path, bundle: Bundle) -> None:
    files = [name for name in state_of(made) if (made / "sorted" / name).is_file() and "/models/" not in name]
    for number, name in enumerate(files):
        folder, victims = tmp_path / f"{number}", tmp_path / f"{number} elsewhere"
        shutil.copytree(made, folder, symlinks=True)
        victims.mkdir()
        os.link(folder / "sorted" / name, victims / "victim")

        run_all(folder, bundle.folder, victims, name)


def test_the_page_does_not_open_over_a_link(tmp_path: Path, made: Path) -> None:
    shutil.copytree(made, tmp_path / "made")
    library = tmp_path / "made" / "sorted"
    (library / ".illsort" / "thumbnails").rename(tmp_path / "photos")
    (library / ".illsort" / "thumbnails").symlink_to(tmp_path / "photos")
    with pytest.raises(LibraryError, match="thumbnails is a link; illsort follows none among its own files: remove it"):
        serve(library, host="127.0.0.1", port=0, token=None, opened=lambda _: None)


def test_a_pipe_in_place_of_a_state_file_is_reported_without_waiting(tmp_path: Path) -> None:
    (tmp_path / ".illsort").mkdir()
    os.mkfifo(tmp_path / ".illsort" / "moves.jsonl")
    with pytest.raises(LibraryError, match=r"moves\.jsonl is no regular file"), hold_lock(tmp_path), suppress(OSError):
        pass
