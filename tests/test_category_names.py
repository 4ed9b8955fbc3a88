"""Category names must be good folder names on every system."""

from __future__ import annotations

import pytest

from classifier.category_names import check_names
from classifier.errors import LabelsError


@pytest.mark.parametrize(
    "name", ["cat", "猫耳", "chibi (sd)", "1girl", "a.b", "console", "Ünïcode", "-x", "a/b", "原神/甘雨/冬"]
)
def test_ordinary_names_pass(name: str) -> None:
    assert check_names([name], where="labels") is None


@pytest.mark.parametrize(
    "name",
    [
        "a:b",
        "a/",
        "/a",
        "a//b",
        "a/b/c/d",
        "a/con",
        "a/_review",
        "a/..",
        "con/a",
        "a/b ",
        "a./b",
        "a\\b",
        "what?",
        "_review",
        ".git",
        "dot.",
        " space",
        "space ",
        "",
        "con",
        "NUL.png",
        "x" * 201,
        "a\nb",
    ],
)
def test_a_name_that_is_no_folder_somewhere_is_refused(name: str) -> None:
    with pytest.raises(LabelsError, match="rename it"):
        check_names([name], where="labels")


def test_names_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(LabelsError, match="'Cat' and 'cat' are one folder"):
        check_names(["Cat", "cat"], where="labels")


def test_folders_above_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(LabelsError, match="'Cat' and 'cat' are one folder"):
        check_names(["Cat/small", "cat/large"], where="labels")


def test_a_category_may_contain_others_and_have_pictures_itself() -> None:
    assert check_names(["cat", "cat/large", "cat/small", "small"], where="labels") is None
