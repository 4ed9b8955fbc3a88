"""Every category has a key as far as keys go, and none is one of the page's own."""

from __future__ import annotations

from classifier.web.category_edits import keys_for


def test_the_first_ten_categories_have_digits() -> None:
    names = [f"kind {number}" for number in range(10)]

    assert dict(zip(names, "1234567890", strict=True)) == keys_for(names)


def test_further_categories_have_a_free_letter_of_their_name() -> None:
    names = [*(f"{number}" for number in range(10)), "scenery", "comic", "cat", "风景"]
    keys = keys_for(names)

    assert ("e", "m", "a", "b") == tuple(keys[name] for name in ("scenery", "comic", "cat", "风景"))


def test_no_key_is_given_twice_and_none_of_the_page() -> None:
    keys = keys_for([f"{number}" for number in range(70)])

    assert 10 + 17 + 25 == len(keys) == len(set(keys.values()))
    assert set() == set(keys.values()) & set("sugofzncyF?")
