"""Answers in any order, undone any number of times; the bounds that follow are those of the tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.audit.state import percent
from classifier.model.bounds import at_most_of
from classifier.records import Said
from kit.audits import answered, audit_of

R, W, S, BACK = Said.RIGHT, Said.WRONG, Said.SKIPPED, Said.TAKEN_BACK


def test_nothing_is_known_before_the_first_answer() -> None:
    state = answered(audit_of({"a": 3000}, [("a", 0.9)] * 150), [])

    assert 0 == state.asked
    assert "nothing is known yet" == state.bound().sentence


@pytest.mark.parametrize(
    ("asked", "wrong", "sentence"),
    [
        (157, 0, "at most 1.9% wrong, 95% confidence; 0 of 157"),
        (150, 0, "at most 2.0% wrong, 95% confidence; 0 of 150"),
        (31, 0, "at most 9.3% wrong, 95% confidence; 0 of 31"),
        (150, 1, "at most 3.2% wrong, 95% confidence; 1 of 150"),
    ],
)
def test_the_bound_of_a_large_library_is_the_known_one(asked: int, wrong: int, sentence: str) -> None:
    audit = audit_of({"a": 200_000, "b": 100_000}, [("a", 0.9), ("b", 0.9)] * 79)
    state = answered(audit, [(position, W if position < wrong else R) for position in range(asked)])

    assert sentence == state.bound().sentence


def test_of_a_small_library_the_draw_without_replacement_counts() -> None:
    state = answered(audit_of({"a": 200}, [("a", 0.9)] * 150, simple=True), [(n, R) for n in range(150)])

    assert at_most_of(0, 150, 200, 0.95) == state.bound().at_most <= 0.01


def test_all_judged_leaves_nothing_open() -> None:
    state = answered(audit_of({"a": 4}, [("a", 0.9)] * 4, simple=True), [(0, R), (1, W), (2, R), (3, R)])

    assert "at most 25.0% wrong, 95% confidence; 1 of 4, all there are" == state.bound().sentence


def test_a_categorys_bound_is_that_of_its_own_pictures() -> None:
    audit = audit_of({"few": 20, "many": 5000}, [("few", 0.9)] * 5 + [("many", 0.9)] * 60)
    state = answered(audit, [(n, W if n == 0 else R) for n in range(65)])

    few, many = state.bound("few"), state.bound("many")
    assert (5, 1, at_most_of(1, 5, 20, 0.95)) == (few.asked, few.wrong, few.at_most)
    assert (60, 0, at_most_of(0, 60, 5000, 0.95)) == (many.asked, many.wrong, many.at_most)
    assert ["many", "few"] == [bound.category for bound in state.bounds()]


def test_what_is_skipped_comes_once_more_at_the_end_and_then_counts_as_wrong() -> None:
    audit = audit_of({"a": 3000}, [("a", 0.9)] * 3)
    once = answered(audit, [(0, S), (1, R), (2, R)])
    twice = answered(audit, [(0, S), (1, R), (2, R), (0, S)])

    assert audit.drawn[0] == once.current
    assert twice.is_finished
    assert (0, 1) == (twice.bound().wrong, twice.bound().skipped)
    assert "0 of 3, and 1 skipped, counted as wrong" in twice.bound().sentence
    assert answered(audit, [(0, W), (1, R), (2, R)]).bound().at_most == twice.bound().at_most


def test_an_answer_after_a_skip_is_the_one_that_counts() -> None:
    state = answered(audit_of({"a": 3000}, [("a", 0.9)] * 2), [(0, S), (1, R), (0, R)])

    assert state.is_finished
    assert (2, 0, 0) == (state.bound().asked, state.bound().wrong, state.bound().skipped)


def test_a_skip_taken_back_is_no_skip() -> None:
    audit = audit_of({"a": 3000}, [("a", 0.9)] * 2)

    assert audit.drawn[0] == answered(audit, [(0, S), (1, R), (0, S), (0, BACK)]).current
    assert 1 == answered(audit, [(0, S), (0, BACK), (0, R)]).asked


@given(st.lists(st.sampled_from([R, W, S, BACK]), max_size=60))
def test_taking_back_any_number_of_times_is_as_if_those_answers_were_never_given(words: list[Said]) -> None:
    audit = audit_of({"a": 3000}, [("a", 0.9)] * 12)
    given_, kept = [], []
    for word in words:
        state = answered(audit, given_)
        if word is BACK and kept:
            given_.append((kept.pop()[0], BACK))
        elif word is not BACK and state.current is not None:
            given_.append((state.current.position, word))
            kept.append(given_[-1])

    went, straight = answered(audit, given_), answered(audit, kept)
    assert straight.said == went.said
    assert straight.current == went.current
    assert straight.bound() == went.bound()


@given(st.lists(st.sampled_from([R, W, S]), max_size=40))
def test_questions_come_to_an_end(words: list[Said]) -> None:
    audit = audit_of({"a": 3000}, [("a", 0.9)] * 5)
    given_: list[tuple[int, Said]] = []
    for word in [*words, *[S] * 10]:
        current = answered(audit, given_).current
        if current is not None:
            given_.append((current.position, word))

    assert answered(audit, given_).is_finished
    assert 5 == answered(audit, given_).asked


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0.0%"), (0.0189, "1.9%"), (0.01901, "2.0%"), (0.1, "10.0%"), (1, "100.0%")]
)
def test_a_bound_is_never_rounded_down(share: float, text: str) -> None:
    assert text == percent(share)
