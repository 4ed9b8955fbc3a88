"""One category has one folder, in whichever form of Unicode it was made."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from classifier.catalog.connection import copy_in_memory
from classifier.filing.destination import CategoryFolders, is_in_its_folder
from classifier.records import Action, Decision, ImageId, Method
from classifier.sort.planned_moves import plan_only
from kit import reasons
from kit.filing import World, move_of
from kit.tree import make_tree

NFC = "ガール"
NFD = unicodedata.normalize("NFD", NFC)


def decision(category: str, action: Action = Action.FILE) -> Decision:
    return Decision(image_id=ImageId("0" * 64), action=action, category=category, confidence=1.0, reason=reasons.ANY)


@pytest.mark.parametrize("category", [NFC, NFD])
@pytest.mark.parametrize("there", [NFC, NFD])
def test_the_folder_that_is_there_is_taken_as_it_is_spelled(tmp_path: Path, there: str, category: str) -> None:
    make_tree(tmp_path, {there: {}, "_review": {there: {}}})
    spelled = next(path.name for path in tmp_path.iterdir() if path.name != "_review")  # HFS+ has forms of its own
    folders = CategoryFolders(tmp_path)

    assert Path(spelled) == folders(decision(category))
    assert Path("_review", spelled) == folders(decision(category, Action.REVIEW))
    assert is_in_its_folder(Path(spelled, "a.png"), decision(category))


def test_of_two_folders_that_are_one_category_the_composed_one_is_taken(tmp_path: Path) -> None:
    make_tree(tmp_path, {NFC: {}, NFD: {}})
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system has one form alone")

    assert {Path(NFC)} == {CategoryFolders(tmp_path)(decision(category)) for category in (NFC, NFD)}


@pytest.mark.parametrize("action", [Action.FILE, Action.REVIEW, Action.UNKNOWN])
def test_where_nothing_is_there_the_category_names_its_folder(tmp_path: Path, action: Action) -> None:
    expected = {Action.FILE: Path(NFC), Action.REVIEW: Path("_review", NFC), Action.UNKNOWN: Path("_unknown")}

    assert expected[action] == CategoryFolders(tmp_path / "none")(decision(NFC, action))


def test_a_link_or_file_of_that_name_is_not_taken_for_the_folder(tmp_path: Path) -> None:
    make_tree(tmp_path, {NFD: b"", "elsewhere": {}})

    assert Path(NFC) == CategoryFolders(tmp_path)(decision(NFC))


def test_a_dry_run_says_what_the_sort_will_of_a_file_in_a_folders_place(world: World) -> None:
    """The same reason in both, and nothing is planned into what cannot be a folder."""
    move = move_of(world.add("a.jpg", b"a"), method=Method.LINK, folder="cats")
    (world.library / "cats").write_text("a person's file")
    told: list[str] = []
    with copy_in_memory(world.library) as catalog:
        (planned,) = plan_only(catalog, world.library, lambda planned: told.append(planned.message), [move])
    (made,) = world.execute(move)

    assert [f"not filed: {move.source.path}: {world.library / 'cats'} is not a folder"] == told
    assert (planned.status, planned.reason) == (made.status, made.reason)
