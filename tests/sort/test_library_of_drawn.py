"""A library of drawn pictures is as the answers decide, whatever became of the pictures, the folders and the disk."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog.chosen_pictures import sources
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.errors import LibraryError, StorageError
from classifier.parts.fetch_pictures import name_from
from classifier.parts.local_storage import LocalStorage
from classifier.progress import SilentProgress
from classifier.records import Action, Mode
from classifier.settings import ImageSettings, RuntimeSettings, Settings, SortSettings
from classifier.sort import pipeline
from classifier.sort.answer_decider import AnswerDecider, Asked, open_decider
from classifier.sort.draw_answers import draw_rows
from classifier.sort.library_of_drawn import file_drawn, pictures_of
from kit.answers import Answered, answered, decided
from kit.between import BETWEEN
from kit.bundles import color_bundle
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from classifier.model.bundle import Bundle
    from classifier.sort.library_of_drawn import DrawnLibrary

RUNTIME = RuntimeSettings(workers=0, device="cpu")
SETTINGS = Settings(runtime=RUNTIME)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return color_bundle(tmp_path_factory.mktemp("model") / "m", novelty=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, model: Bundle) -> Answered:
    crawl = make_tree(tmp_path_factory.mktemp("pictures") / "crawl", BETWEEN)
    return replace(answered(crawl, model, embeddings=True), source=str(crawl))


def decider_of(answers: Path, model: Bundle, settings: Settings = SETTINGS, **asked: Any) -> AnswerDecider:
    return open_decider(
        str(answers), bundle=model.folder, settings=settings, asked=Asked(**asked), progress=SilentProgress()
    )


def file(
    library: Path, answers: Path, model: Bundle, *, count: int = 5, settings: Settings = SETTINGS, **asked: Any
) -> DrawnLibrary:
    """File the first `count` rows of a draw from all."""
    decider = decider_of(answers, model, settings, **asked)
    draw = draw_rows(decider, {*Action}, count=count, seed=0, progress=SilentProgress())
    return file_drawn(decider, draw, library, settings=settings, asked=Asked(**asked), progress=SilentProgress())


def test_a_picture_that_was_changed_is_not_taken_for_the_drawn_one(
    tmp_path: Path, made: Answered, model: Bundle
) -> None:
    answers, library = made.write(tmp_path / "answers"), tmp_path / "library"
    file(library, answers, model)
    changed = min(pictures_of(library).glob("*.png"))
    before = decided(library)
    changed.unlink()
    changed.write_bytes(BETWEEN["yellow.png"] + b"own")

    with pytest.raises(StorageError, match=rf"{changed.name} is not the picture that was fetched"):
        file(library, answers, model, count=8)
    assert BETWEEN["yellow.png"] + b"own" == changed.read_bytes()
    assert before == decided(library)
    changed.rename(tmp_path / "own.png")
    assert {} == file(library, answers, model, count=8).failures
    assert 8 == len(decided(library))


def test_nothing_is_filed_while_the_source_is_not_there(tmp_path: Path, made: Answered, model: Bundle) -> None:
    (tmp_path / "unmounted").mkdir()
    answers = replace(made, source=str(tmp_path / "unmounted")).write(tmp_path / "answers")

    with pytest.raises(StorageError, match="nothing is there; mount it"):
        file(tmp_path / "library", answers, model)


def test_where_not_one_picture_can_be_had_nothing_is_filed(tmp_path: Path, made: Answered, model: Bundle) -> None:
    others = make_tree(tmp_path / "others", dict.fromkeys(BETWEEN, b"another"))
    answers = replace(made, source=str(others)).write(tmp_path / "answers")

    with pytest.raises(StorageError, match=r"none of the pictures that were drawn can be had; .*png: it has changed"):
        file(tmp_path / "library", answers, model)
    assert [] == decided(tmp_path / "library")


def test_what_the_system_says_of_a_disk_is_no_picture_that_is_bad(
    tmp_path: Path, made: Answered, model: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = made.write(tmp_path / "answers")

    def fail(*_: object, **__: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(LocalStorage, "read_bytes", fail)
    with pytest.raises(StorageError, match=os.strerror(errno.EIO)):
        file(tmp_path / "library", answers, model)


def test_answers_that_keep_embeddings_may_lie_beside_others(tmp_path: Path, made: Answered, model: Bundle) -> None:
    answers = made.write(tmp_path / "answers")
    name, content = next(iter(replace(made, embeddings=False).files().items()))
    (answers / name).write_bytes(content)
    file(tmp_path / "library", answers, model, count=99)

    assert len({*BETWEEN.values()}) - 1 == len(decided(tmp_path / "library"))


def test_a_stopped_sort_of_other_decisions_is_not_gone_on_with(
    tmp_path: Path, made: Answered, model: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, library = made.write(tmp_path / "answers"), tmp_path / "library"

    settings = Settings(runtime=RUNTIME, sort=SortSettings(unknown=False))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_filed", stop)
        with pytest.raises(KeyboardInterrupt):
            file(library, answers, model, count=99, settings=settings, threshold=0.4)
    for one in (library, tmp_path / "whole"):
        file(one, answers, model, count=99, settings=settings, threshold=0.9)

    assert decided(tmp_path / "whole") == decided(library)


def test_a_library_that_was_only_begun_is_begun_again(tmp_path: Path, made: Answered, model: Bundle) -> None:
    """A kill may come between any two of these: the folder, the catalog, what it says of itself."""
    answers = made.write(tmp_path / "answers")
    (tmp_path / "a" / ".illsort").mkdir(parents=True)
    open_catalog(tmp_path / "b").close()
    for name in ("a", "b"):
        file(tmp_path / name, answers, model)
        with read_catalog(tmp_path / name) as catalog:
            assert [str(answers)] == sources(catalog)


def test_settings_about_crawls_leave_the_drawn_pictures_alone(tmp_path: Path, made: Answered, model: Bundle) -> None:
    answers, library = made.write(tmp_path / "answers"), tmp_path / "library"
    settings = Settings(
        runtime=RUNTIME, sort=SortSettings(mode=Mode.MOVE), images=ImageSettings(exclude=("*.png", "0*"))
    )
    file(library, answers, model, settings=settings)

    assert 5 == len(all_files(pictures_of(library))) == len(all_files(library)) == len(decided(library))


def test_nothing_but_pictures_lies_in_the_folder_of_the_pictures(tmp_path: Path, made: Answered, model: Bundle) -> None:
    file(tmp_path / "library", made.write(tmp_path / "answers"), model)

    assert 5 == len([*pictures_of(tmp_path / "library").rglob("*")])


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_answers_and_a_library_may_have_any_names(tmp_path: Path, made: Answered, model: Bundle) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    for _ in range(2):
        file(folder / "library", made.write(folder / "answers"), model)

    assert 5 == len(decided(folder / "library"))


@pytest.mark.parametrize(
    ("given", "pictures"), [("a/b", "a/b-pictures"), ("a", "a-pictures"), ("a/b/..", "a-pictures")]
)
def test_pictures_lie_beside_the_library(tmp_path: Path, given: str, pictures: str) -> None:
    assert tmp_path / pictures == pictures_of(tmp_path / given)


def test_the_pictures_of_the_current_folder_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert tmp_path.with_name(f"{tmp_path.name}-pictures") == pictures_of(Path())


def test_a_whole_drive_is_no_library_of_drawn_pictures(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="a whole drive"):
        pictures_of(Path(tmp_path.anchor))


@pytest.mark.parametrize("letter", ["x", "é", "漢", "\U0001f600"])
def test_a_name_of_any_length_and_letters_can_be_written(tmp_path: Path, letter: str) -> None:
    names = [name_from("00000-000000", f"folder/{letter * count}.png") for count in (1, 45, 300)]
    for name in names:
        LocalStorage(tmp_path).write_atomically(name, b"x")

    assert 3 == len([*tmp_path.iterdir()])
    assert all(name.endswith(f"{letter}.png") for name in names)
