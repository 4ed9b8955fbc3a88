"""Answers in any order, undone any number of times; the bounds that follow are those of the tables."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from classifier.audit.estimate import CONFIDENCE
from classifier.model.binomial_bounds import finite_upper_bound, look_confidence, upper_bound
from classifier.progress import percent_up
from classifier.records import AnnotationKind
from kit.audits import answered, audit_of

R, W, S, BACK = AnnotationKind.RIGHT, AnnotationKind.WRONG, AnnotationKind.SKIPPED, AnnotationKind.TAKEN_BACK


def test_nothing_is_known_before_the_first_answer() -> None:
    state = answered(audit_of({"a": 3000}, [("a", 0.9)] * 150), [])

    assert 0 == state.asked
    assert "nothing is known yet" == state.bound().sentence


@pytest.mark.parametrize(
    ("asked", "wrong", "sentence"),
    [
        (170, 0, "at most 1.9% wrong, 95% confidence; 0 of 170"),
        (160, 0, "at most 2.0% wrong, 95% confidence; 0 of 160"),
        (31, 0, "at most 9.9% wrong, 95% confidence; 0 of 31"),
        (160, 1, "at most 3.1% wrong, 95% confidence; 1 of 160"),
    ],
)
def test_the_bound_of_a_large_library_is_the_known_one(asked: int, wrong: int, sentence: str) -> None:
    audit = audit_of({"a": 200_000, "b": 100_000}, [("a", 0.9), ("b", 0.9)] * 85)
    state = answered(audit, [(position, W if position < wrong else R) for position in range(asked)])

    assert sentence == state.bound().sentence


def test_before_thirty_answers_no_bound_is_stated() -> None:
    audit = audit_of({"a": 374}, [("a", 0.9)] * 160)
    few, enough = (answered(audit, [(n, R) for n in range(count)]).bound() for count in (3, 30))

    assert "0 of 3 judged so far are wrong; from 30 on it says how many of all can be" == few.sentence
    assert "at most" in enough.sentence


def test_of_a_small_library_the_draw_without_replacement_counts() -> None:
    state = answered(audit_of({"a": 200}, [("a", 0.9)] * 150, simple=True), [(n, R) for n in range(150)])

    assert finite_upper_bound(0, 150, 200, 0.96) == state.bound().at_most <= 0.01


def test_judging_every_image_gives_the_exact_error_rate() -> None:
    state = answered(audit_of({"a": 4}, [("a", 0.9)] * 4, simple=True), [(0, R), (1, W), (2, R), (3, R)])

    assert "at most 25.0% wrong, 95% confidence; 1 of 4, all there are" == state.bound().sentence


def test_a_categorys_bound_is_that_of_its_own_pictures() -> None:
    audit = audit_of({"few": 20, "many": 5000}, [("few", 0.9)] * 5 + [("many", 0.9)] * 60)
    state = answered(audit, [(n, W if n == 0 else R) for n in range(65)])

    few, many = state.bound("few"), state.bound("many")
    assert (5, 1, finite_upper_bound(1, 5, 20, 0.96)) == (few.asked, few.wrong, few.at_most)
    assert (60, 0, finite_upper_bound(0, 60, 5000, 0.96)) == (many.asked, many.wrong, many.at_most)
    assert ["many", "few"] == [bound.category for bound in state.bounds()]


def test_a_skipped_image_comes_again_at_the_end_then_counts_as_wrong() -> None:
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


def test_an_undone_skip_does_not_count() -> None:
    audit = audit_of({"a": 3000}, [("a", 0.9)] * 2)

    assert audit.drawn[0] == answered(audit, [(0, S), (1, R), (0, S), (0, BACK)]).current
    assert 1 == answered(audit, [(0, S), (0, BACK), (0, R)]).asked


@given(st.lists(st.sampled_from([R, W, S, BACK]), max_size=60))
def test_retracted_answers_count_as_never_given(words: list[AnnotationKind]) -> None:
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
    assert straight.kinds == went.kinds
    assert straight.current == went.current
    assert straight.bound() == went.bound()


@given(st.lists(st.sampled_from([R, W, S]), max_size=40))
def test_every_audit_ends(words: list[AnnotationKind]) -> None:
    audit = audit_of({"a": 3000}, [("a", 0.9)] * 5)
    given_: list[tuple[int, AnnotationKind]] = []
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
    assert text == percent_up(share)


def test_a_further_audit_of_the_same_sort_has_a_higher_confidence() -> None:
    audit = audit_of({"a": 300_000}, [("a", 0.9)] * 263)
    first, second = (answered(replace(audit, number=k), [(n, R) for n in range(263)]).bound() for k in (1, 2))

    assert "at most 1.3% wrong, 95% confidence; 0 of 263" == first.sentence
    assert "at most 2.0% wrong, 95% confidence; 0 of 263; audit 2 of this sort, so judged at 99.5%" == second.sentence


def test_twenty_audits_pass_a_bad_library_in_at_most_5_percent() -> None:
    """Exactly: how often so few of a library with just over 2% wrong are found wrong, at each number of audits."""
    of, rate = 800, 0.02
    passes = [_false_good(of, rate, look_confidence(number, CONFIDENCE)) for number in range(1, 21)]
    uncorrected = [_false_good(of, rate, CONFIDENCE)] * 20

    assert all(passes[:5])  # larger than one audit that can only fail
    assert sum(passes) <= 0.05
    assert 1 - math.prod(1 - one for one in uncorrected) > 0.5


def _false_good(of: int, rate: float, confidence: float) -> float:
    """How often an audit of `of` pictures shows `rate` where just so many are wrong."""
    good = [wrong for wrong in range(of) if upper_bound(wrong, of, confidence) <= rate]
    return float(binom.cdf(max(good, default=-1), of, rate))
