from __future__ import annotations

import os
import sys
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import paths
from classifier.catalog.category_folders import FLAT
from classifier.catalog.values import to_bytes
from classifier.filing.destination import candidate_names, folder_for
from classifier.records import Action, Decision, ImageId
from kit import reasons
from kit.filing import image_id_of

CAT = image_id_of(b"cat")


def decision(category: str, action: Action = Action.FILE) -> Decision:
    """A decision for the picture `cat`."""
    return Decision(image_id=CAT, action=action, category=category, confidence=0.9, reason=reasons.ANY)


def test_a_taken_name_gets_a_number_before_the_extension() -> None:
    assert ("a.b.jpg", f"a.b_{CAT[:8]}.jpg", f"a.b_{CAT[:16]}.jpg", f"a.b_{CAT}.jpg") == candidate_names("a.b.jpg", CAT)


def test_a_name_without_extension_is_marked_at_its_end() -> None:
    assert (".hidden", f".hidden_{CAT[:8]}") == candidate_names(".hidden", CAT)[:2]
    assert f"a.{'x' * 40}_{CAT[:8]}" == candidate_names(f"a.{'x' * 40}", CAT)[1]


def test_a_long_name_is_shortened_in_its_stem_between_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_IS_WINDOWS", False)
    name = "\u732b" * 83 + ".jpg"
    marked = candidate_names(name, CAT)[1]
    assert name == candidate_names(name, CAT)[0]
    assert "\u732b" * 80 + f"_{CAT[:8]}.jpg" == marked


def test_windows_counts_a_name_in_utf_16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_IS_WINDOWS", True)
    name = "\u732b" * 240 + ".jpg"
    kept, marked, *_ = candidate_names(name, CAT)
    assert name == kept
    assert "\u732b" * 240 + f"_{CAT[:8]}.jpg" == marked
    assert "\u732b" * 242 + f"_{CAT[:8]}.jpg" == candidate_names("\u732b" * 250 + ".jpg", CAT)[1]
    assert "\U00020bb7" * 121 + f"_{CAT[:8]}.jpg" == candidate_names("\U00020bb7" * 125 + ".jpg", CAT)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are no bytes")
@given(
    st.binary(min_size=1, max_size=255).filter(
        lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."} and not name.endswith(b".")
    )
)
def test_every_name_gives_four_valid_names_with_the_same_extension(name: bytes) -> None:
    text = os.fsdecode(name)
    names = candidate_names(text, CAT)
    assert 4 == len(set(names))
    assert text == names[0]
    assert all(len(os.fsencode(each)) <= 255 for each in names)
    if len(PurePath(text).suffix.encode(errors="surrogateescape")) <= 32:
        assert {PurePath(text).suffix} == {PurePath(each).suffix for each in names}


def test_a_filed_image_goes_to_its_category_and_others_to_review() -> None:
    assert Path("red pandas") == folder_for(decision("red pandas"))
    assert Path("cats/red") == folder_for(decision("cats/red"))
    assert Path("_review/cats/red") == folder_for(decision("cats/red", Action.REVIEW))
    assert Path("_review/cats") == folder_for(decision("cats", Action.REVIEW))
    assert Path("_unknown") == folder_for(decision("cats", Action.UNKNOWN))


@pytest.mark.parametrize(
    "category", [".", "..", "../cats", "a/../b", "a//b", "/a", "a/", "a/_b", "a\\b", "a\0b", "_review", ".illsort"]
)
@pytest.mark.parametrize("action", list(Action))
def test_a_category_that_is_not_a_plain_folder_name_is_refused(category: str, action: Action) -> None:
    with pytest.raises(ValueError, match="not a category"):
        folder_for(decision(category, action))


def test_a_picture_id_is_only_text_to_the_names() -> None:
    assert "a_0123.jpg" == candidate_names("a.jpg", ImageId("0123"))[1]


def test_copies_lie_beside_their_category_nested_ones_too_and_count_there() -> None:
    known = FLAT.with_names(["原神/甘雨"])

    for category in ("cats", "原神/甘雨"):
        folder = folder_for(decision(category, Action.DUPLICATE))
        assert Path("_duplicates", *category.split("/")) == folder
        assert (Action.DUPLICATE, category) == known.decision_for(to_bytes(folder))
    assert (Action.DUPLICATE, "") == known.decision_for(b"_duplicates")
    assert Path("_duplicates") == folder_for(decision("", Action.DUPLICATE))


def test_an_image_without_a_guess_waits_in_review_itself() -> None:
    assert Path("_review") == folder_for(decision("", Action.REVIEW))
    assert Path("_unknown") == folder_for(decision("", Action.UNKNOWN))
    for nothing in ("", None):  # of a damaged row
        with pytest.raises(ValueError, match="not a category"):
            folder_for(decision(nothing))  # type: ignore[arg-type]
