"""Thresholds are offered as far as the answers carry, in the order that was fixed before them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.audit.estimate import AuditState
from classifier.audit.thresholds import (
    ThresholdOffer,
    keeps_target,
    loosest_threshold,
    next_sample_size,
    threshold_steps,
)
from classifier.records import AnnotationKind
from kit.audits import answered, audit_of

STEPS = tuple((1 - n / 20, 5000 * n) for n in range(1, 21))


def judged(wrong: set[int], *, count: int = 150, skipped: frozenset[int] = frozenset()) -> AuditState:
    """Confidences evenly from 1 down to 0; `wrong` by rank."""
    audit = audit_of({"a": 100_000}, [("a", 1 - (n + 0.5) / count) for n in range(count)], steps=STEPS)
    once = [
        (n, AnnotationKind.SKIPPED if n in skipped else AnnotationKind.WRONG if n in wrong else AnnotationKind.RIGHT)
        for n in range(count)
    ]
    return answered(audit, [*once, *((n, AnnotationKind.SKIPPED) for n in sorted(skipped))])


def test_a_library_that_keeps_the_rate_needs_no_threshold() -> None:
    assert keeps_target(judged(set(), count=160), 0.02)
    assert not keeps_target(judged({3}, count=160), 0.02)


def test_an_unfinished_audit_has_shown_nothing() -> None:
    state = judged(set(), count=200)

    assert keeps_target(state, 0.02)
    assert not keeps_target(AuditState(state.audit, state.answers[:199]), 0.02)


def test_mistakes_among_the_least_confident_are_cut_off() -> None:
    state = judged({130, 135, 138, 141, 144, 146, 149})

    assert not keeps_target(state, 0.05)
    assert ThresholdOffer(threshold=pytest.approx(0.1), kept=90_000, filed=100_000) == loosest_threshold(state, 0.05)


def test_a_skipped_picture_counts_as_wrong_here_too() -> None:
    bad = {130, 135, 138, 141, 144, 146, 149}

    assert loosest_threshold(judged(bad), 0.05) == loosest_threshold(
        judged(bad - {130}, skipped=frozenset({130})), 0.05
    )


def test_the_first_threshold_that_fails_ends_the_search() -> None:
    # After two mistakes among the surest, the first step fails; with all pictures it would be 5 in 150.
    assert loosest_threshold(judged({1, 2, 3}), 0.05) is None


def test_too_few_pictures_offer_nothing_and_say_how_many_would_do() -> None:
    state = judged({149}, count=60)

    assert loosest_threshold(state, 0.02) is None
    assert 526 == next_sample_size(state, 0.02)


def test_no_audit_draws_more_images_than_there_are() -> None:
    state = answered(
        audit_of({"a": 80}, [("a", 0.9)] * 60, simple=True), [(n, AnnotationKind.WRONG) for n in range(60)]
    )

    assert 80 == next_sample_size(state, 0.02)


def test_an_unfinished_audit_offers_nothing() -> None:
    audit = audit_of({"a": 100_000}, [("a", 1 - n / 300) for n in range(300)], steps=STEPS)

    assert loosest_threshold(answered(audit, [(n, AnnotationKind.RIGHT) for n in range(299)]), 0.05) is None


def test_a_small_library_is_judged_as_drawn_without_replacement() -> None:
    steps = tuple((1 - n / 20, 10 * n) for n in range(1, 21))
    audit = audit_of({"a": 200}, [("a", 1 - (n + 0.5) / 160) for n in range(160)], simple=True, steps=steps)
    state = answered(audit, [(n, AnnotationKind.WRONG if n > 150 else AnnotationKind.RIGHT) for n in range(160)])

    assert not keeps_target(state, 0.02)
    assert ThresholdOffer(threshold=pytest.approx(0.05), kept=190, filed=200) == loosest_threshold(state, 0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_steps_go_from_strict_to_loose_and_end_with_all(confidences: list[float]) -> None:
    found = threshold_steps(confidences)

    assert [step for step, _ in found] == sorted({step for step, _ in found}, reverse=True)
    assert (min(confidences), len(confidences)) == found[-1]
    assert all(kept == sum(one >= step for one in confidences) for step, kept in found)


def test_nothing_filed_has_no_steps() -> None:
    assert () == threshold_steps([])
