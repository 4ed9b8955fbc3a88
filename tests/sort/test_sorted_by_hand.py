"""A folder that a person sorted by hand goes on as the library: what lies there is of it, and is what is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.stats import library_stats
from classifier.errors import LibraryError
from classifier.filing.manual_changes import adopt_labels
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images.hashing import hash_bytes
from classifier.labels.load import read_labels
from classifier.model.bundle import open_bundle
from classifier.model.trained import load_network, save_bundle
from classifier.records import Mode
from classifier.settings import LabelSettings, LibrarySettings, RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.sort.preview import preview
from classifier.training.labels import gather
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.reviewing import served
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path


def png(color: str, seed: int) -> bytes:
    return encoded(varied(COLORS[color], seed=seed), "PNG")


MINE = {
    "red": {"a.png": png("red", 1), "older": {"b.png": png("red", 2)}},
    "blue": {"c.png": png("blue", 3), "f.png": png("blue", 7), "wrong.png": png("green", 4)},
    "green": {"d.png": png("green", 5), "e.png": png("green", 6)},
    "notes.txt": b"where they are from",
}
WRONG = hash_bytes(png("green", 4))
CRAWL = {"new.png": png("red", 10), "copy of b.png": png("red", 2), "sub": {"wrong again.png": png("green", 4)}}


@dataclass(frozen=True)
class Sorted:
    """A folder sorted by hand, a crawl, and a model that learned from the folder."""

    folder: Path
    crawl: Path
    model: Path

    @property
    def settings(self) -> Settings:
        """Those of its training."""
        return Settings(
            labels=LabelSettings(folder=self.folder),
            sort=SortSettings(mode=Mode.COPY, unknown=False),
            runtime=RuntimeSettings(workers=0),
        )

    def sort(self) -> tuple[dict[str, object], list[str]]:
        """Sort the crawl into the folder: the summary, and what was said."""
        progress = SavingProgress()
        settings = self.settings.model_copy(update={"labels": LabelSettings()})
        summary = sort(self.crawl, library=self.folder, bundle=self.model, settings=settings, progress=progress)
        return summary, progress.messages

    def files(self) -> dict[str, bytes]:
        """All that a person sees there."""
        found = all_files(self.folder)
        return {name: content for name, content in found.items() if not name.startswith((".illsort", "_broken"))}

    def labels(self) -> dict[str, str]:
        """The labels of the next training: file name and category."""
        found = gather(self.settings, SavingProgress()).labels
        return {label.path.relative_to(self.folder).as_posix(): label.category for label in found}


@pytest.fixture
def mine(tmp_path: Path, bundle: Path) -> Sorted:
    folder = make_tree(tmp_path / "sorted", MINE)
    of = open_bundle(bundle)
    manifest = of.manifest.model_copy(update={"settings": {"labels": {"folder": str(folder)}}})
    doubt = {"category": "blue", "likely": "green", "wrong": 0.9, "confidence": 0.98, "picture": WRONG}
    evaluation = {"doubts": {"labels": [doubt | {"path": (folder / "blue" / "wrong.png").as_posix()}]}}
    model = save_bundle(tmp_path / "model", network=load_network(of), manifest=manifest, evaluation=evaluation).folder
    return Sorted(folder=folder, crawl=make_tree(tmp_path / "crawl", CRAWL), model=model)


def test_what_lies_there_counts_and_its_copies_in_the_crawl_are_known(mine: Sorted) -> None:
    before = mine.files()
    summary, said = mine.sort()

    assert before | {"red/new.png": png("red", 10)} == mine.files()
    assert {"red": 3, "blue": 3, "green": 2} == library_stats(mine.folder).filed
    assert 8 == verify(mine.folder).checked
    assert [] == verify(mine.folder).off
    assert any("7 pictures that you sorted are of the library" in one for one in said)
    assert 3 == summary["pictures"]


def test_a_folder_renamed_between_preview_and_first_sort_is_the_new_name(mine: Sorted) -> None:
    settings = mine.settings.model_copy(update={"labels": LabelSettings()})
    preview(mine.crawl, library=mine.folder, bundle=mine.model, settings=settings)
    (mine.folder / "red").rename(mine.folder / "rot")
    _, said = mine.sort()

    assert "the category red is called rot now, as you renamed its folder" in said
    assert {"rot": 3, "blue": 3, "green": 2} == library_stats(mine.folder).filed
    assert {"rot/a.png", "rot/older/b.png", "rot/new.png"} < mine.files().keys()
    assert not (mine.folder / "red").exists()


def test_a_copy_that_lies_in_two_folders_is_not_called_copied(mine: Sorted) -> None:
    (mine.folder / "red" / "new.png").write_bytes(png("red", 10))
    (mine.folder / "green" / "the same.png").write_bytes(png("red", 10))
    progress = SavingProgress()
    settings = mine.settings.model_copy(update={"labels": LabelSettings(), "sort": SortSettings(unknown=False)})
    before = mine.files()
    sort(mine.crawl, library=mine.folder, bundle=mine.model, settings=settings, progress=progress)

    assert before == mine.files()
    assert not [one for one in progress.messages if "copied" in one]


@pytest.mark.parametrize("where", ["red", "red/more"])
def test_a_library_in_a_category_of_the_labels_is_refused(mine: Sorted, where: str) -> None:
    before = all_files(mine.folder)

    with pytest.raises(LibraryError, match="would take what is filed for labels"):
        sort(mine.crawl, library=mine.folder / where, bundle=mine.model, settings=mine.settings)
    assert before == all_files(mine.folder)


def test_a_library_beside_the_categories_may_have_a_name_that_is_none(mine: Sorted) -> None:
    sort(mine.crawl, library=mine.folder / "_sorted", bundle=mine.model, settings=mine.settings)

    assert set(MINE["red"]) - {"older"} <= {name.split("/")[-1] for name in mine.labels() if name.startswith("red/")}
    assert not any(name.startswith("_sorted") for name in mine.labels())


def test_a_picture_that_the_model_takes_for_another_stays_where_it_was_put(mine: Sorted) -> None:
    mine.sort()
    mine.sort()

    assert png("green", 4) == mine.files()["blue/wrong.png"]


def test_undo_takes_back_what_was_filed_and_nothing_of_yours(mine: Sorted) -> None:
    before = mine.files()
    mine.sort()
    undo(mine.folder)

    assert before == mine.files()
    assert {"red": 2, "blue": 3, "green": 2} == library_stats(mine.folder).filed
    assert [] == verify(mine.folder).off


def test_a_preview_counts_what_lies_there_and_changes_no_file(mine: Sorted) -> None:
    before = mine.files()
    planned: list[object] = []
    preview(
        mine.crawl,
        library=mine.folder,
        bundle=mine.model,
        settings=mine.settings.model_copy(update={"labels": LabelSettings()}),
        show=lambda *moves: planned.append(moves),
    )

    assert before == {name: one for name, one in mine.files().items() if not name.startswith("_")}
    assert 1 == len(planned)
    mine.sort()
    assert before | {"red/new.png": png("red", 10)} == {
        name: one for name, one in mine.files().items() if not name.startswith("_")
    }


def test_what_a_model_filed_there_is_no_label_of_the_next_one(mine: Sorted) -> None:
    before = mine.labels()
    mine.sort()

    assert before == mine.labels()
    progress = SavingProgress()
    found = read_labels(folder=mine.folder, csv_file=None, progress=progress)
    assert set(before) == {label.path.relative_to(mine.folder).as_posix() for label in found}
    assert any("1 picture was filed there by a model, and is no label" in one for one in progress.messages)


def test_what_is_moved_or_put_in_there_later_is_a_label_without_a_question(mine: Sorted) -> None:
    before = mine.labels()
    mine.sort()
    (mine.folder / "red" / "new.png").rename(mine.folder / "blue" / "new.png")
    (mine.folder / "green" / "more.png").write_bytes(png("green", 20))

    assert before | {"blue/new.png": "blue", "green/more.png": "green"} == mine.labels()


def test_with_leave_nothing_new_there_is_a_label(mine: Sorted) -> None:
    before = mine.labels()
    mine.sort()
    (mine.folder / "red" / "new.png").rename(mine.folder / "blue" / "new.png")
    (mine.folder / "green" / "more.png").write_bytes(png("green", 20))
    settings = mine.settings.model_copy(update={"library": LibrarySettings(moved="leave")})
    found = gather(settings, SavingProgress()).labels

    assert set(before) == {label.path.relative_to(mine.folder).as_posix() for label in found}


def test_a_doubtful_label_there_is_asked_about_and_moves_by_the_answer(mine: Sorted) -> None:
    mine.sort()
    with served(mine.folder) as client:
        doubts = client.get("/api/doubts").json()["doubts"]
        answer = {"picture": WRONG, "said": "right", "category": "green"}
        said = client.post("/api/doubts/say", json={"answers": [answer]}).raise_for_status().json()
        client.post("/api/file", json={}).raise_for_status()

    assert (1, 1, [WRONG]) == (doubts["left"], doubts["here"], [one["picture"] for one in doubts["pictures"]])
    assert (0, 1) == (said["doubts"]["left"], said["state"]["to_file"])
    assert png("green", 4) == mine.files()["green/wrong.png"]
    assert "green" == mine.labels()["green/wrong.png"]


def test_a_label_that_a_person_confirmed_is_in_doubt_no_longer(mine: Sorted) -> None:
    mine.sort()
    with served(mine.folder) as client:
        answer = {"picture": WRONG, "said": "right", "category": "blue"}
        said = client.post("/api/doubts/say", json={"answers": [answer]}).raise_for_status().json()
        back = client.post("/api/doubts/back", json={}).json()["doubts"]
        client.post("/api/file", json={}).raise_for_status()

    assert (0, 1) == (said["doubts"]["left"], back["left"])
    assert png("green", 4) == mine.files()["blue/wrong.png"]


def test_nested_categories_of_the_model_are_those_of_the_folders(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "sorted", MINE)
    with hold_lock(folder), open_catalog(folder) as catalog:
        names = ("blue", "green", "red", "red/older")
        adopt_labels(catalog, folder, names, max_megapixels=10, progress=SavingProgress())

    assert {"red": 1, "red/older": 1, "blue": 3, "green": 2} == library_stats(folder).filed


def test_what_a_person_put_aside_before_stays_theirs(mine: Sorted) -> None:
    aside = {
        "_unknown": {"u.png": png("red", 20)},
        "_review": {"red": {"r.png": png("red", 21)}},
        "red": {"_review": {"p.png": png("red", 22)}},
    }
    make_tree(mine.folder, aside)
    names = ("_unknown/u.png", "_review/red/r.png", "red/_review/p.png")
    mine.sort()
    stats, checked = library_stats(mine.folder), verify(mine.folder)
    labels = mine.labels()
    undo(mine.folder)

    assert ({"red": 3, "blue": 3, "green": 2}, {}, 0) == (stats.filed, stats.review, stats.unknown)
    assert [] == checked.off
    assert {mine.folder / name for name in names} <= set(checked.yours)
    assert not {*names} & labels.keys()
    assert {*names} <= mine.files().keys()
