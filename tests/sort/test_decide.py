"""All the judgement of a sort, on plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.records import Action, Decision, PictureId
from classifier.sort.decide import decide

CATEGORIES = ("cat", "dog", "fox")


def one(
    probabilities: Sequence[float], *, truncated: bool = False, novelty: float | None = None, **by: Any
) -> Decision:
    """The decision of one picture."""
    by = {"categories": CATEGORIES, "thresholds": (0.9,) * 3} | by
    (decision,) = decide([PictureId("p")], np.array([probabilities]), truncated=[truncated], novelties=[novelty], **by)
    return decision


def decided(*probabilities: float, threshold: float = 0.9, truncated: bool = False) -> Decision:
    return one(probabilities, thresholds=(threshold,) * 3, truncated=truncated)


def promised(*probabilities: float, thresholds: tuple[float, ...], truncated: bool = False) -> tuple[Action, str]:
    decision = one(probabilities, thresholds=thresholds, truncated=truncated, promised=True)
    return decision.action, decision.reason


@pytest.mark.parametrize(
    ("probabilities", "action", "category", "reason"),
    [
        ((0.97, 0.02, 0.01), Action.FILE, "cat", "0.97 cat, 0.02 dog: at least 0.9"),
        ((0.90, 0.08, 0.02), Action.FILE, "cat", "0.90 cat, 0.08 dog: at least 0.9"),
        ((0.899, 0.101, 0.0), Action.REVIEW, "cat", "0.89 cat, 0.10 dog: below 0.9"),
        ((0.1, 0.35, 0.55), Action.REVIEW, "fox", "0.55 fox, 0.35 dog: below 0.9"),
    ],
)
def test_a_sure_picture_is_filed_and_an_unsure_one_reviewed_with_the_reason(
    probabilities: tuple[float, ...], action: Action, category: str, reason: str
) -> None:
    expected = Decision(
        picture=PictureId("p"), action=action, category=category, confidence=max(probabilities), reason=reason
    )

    assert expected == decided(*probabilities)


UNLIKE = "0.99 cat, 0.01 dog: unlike every labelled picture (distance 0.250, yours are below 0.250)"


@pytest.mark.parametrize(
    ("novelty", "truncated", "action"),
    [
        (None, False, Action.FILE),
        (0.24, False, Action.FILE),
        (0.25, False, Action.UNKNOWN),
        (0.25, True, Action.REVIEW),
    ],
)
def test_a_picture_unlike_every_labelled_one_is_unknown_however_sure_unless_only_a_part_was_seen(
    novelty: float | None, truncated: bool, action: Action
) -> None:
    decision = one((0.99, 0.01, 0.0), truncated=truncated, novelty=novelty, unknown_from=0.25)

    assert (action, "cat") == (decision.action, decision.category)
    assert (UNLIKE == decision.reason) == (action is Action.UNKNOWN)


def test_a_truncated_picture_is_never_filed_however_sure() -> None:
    decision = decided(1.0, 0.0, 0.0, truncated=True)

    assert Action.REVIEW is decision.action
    assert "only a part" in decision.reason


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), st.floats(0.01, 0.99), st.booleans())
def test_nothing_below_the_threshold_is_ever_filed(weights: list[float], threshold: float, truncated: bool) -> None:
    probabilities = [weight / sum(weights) for weight in weights]
    decision = decided(*probabilities, threshold=threshold, truncated=truncated)

    assert decision.confidence == max(probabilities)
    assert (decision.action is Action.FILE) == (max(probabilities) >= threshold and not truncated)


@pytest.mark.parametrize(
    ("probabilities", "action", "reason"),
    [
        ((0.97, 0.02, 0.01), Action.FILE, "0.9700 cat, 0.0200 dog: at least 0.9612 for cat"),
        ((0.96125, 0.03, 0.00875), Action.REVIEW, "0.9612 cat, 0.0300 dog: below 0.9613 for cat"),
        ((0.2, 0.75, 0.05), Action.FILE, "0.7500 dog, 0.2000 cat: at least 0.5 for dog"),
        ((0.0, 0.0, 1.0), Action.REVIEW, "1.0000 fox, 0.0000 cat: no error rate can be promised for fox"),
    ],
)
def test_where_an_error_rate_is_promised_the_guessed_category_s_own_threshold_decides(
    probabilities: tuple[float, ...], action: Action, reason: str
) -> None:
    assert (action, reason) == promised(*probabilities, thresholds=(0.96127, 0.5, 2.0))


def test_no_promise_files_a_truncated_picture() -> None:
    action, reason = promised(1.0, 0.0, 0.0, thresholds=(0.5, 0.5, 0.5), truncated=True)

    assert Action.REVIEW is action
    assert "only a part" in reason


@given(st.floats(0.34, 1), st.floats(0.001, 1.001))
def test_what_a_promised_reason_reads_as_is_what_was_decided(confidence: float, threshold: float) -> None:
    rest = (1 - confidence) / 2
    action, reason = promised(confidence, rest, rest, thresholds=(threshold, 0.5, 0.5))
    shown, why = float(reason.split()[0]), reason.split(": ")[1].split()
    if "promised" in why:
        assert threshold > 1
    elif action is Action.FILE:
        assert shown >= float(why[2])
    else:
        assert shown < float(why[1])


def test_a_picture_hardly_like_any_label_is_looked_at_however_sure_the_network_is() -> None:
    decision = one(
        (0.99, 0.01),
        categories=CATEGORIES[:2],
        thresholds=(0.9, 0.9),
        novelty=0.5,
        unknown_from=0.6,
        strange_from=0.45,
    )

    assert Action.REVIEW is decision.action
    assert "0.99 cat, 0.01 dog: hardly like any labelled picture (distance 0.500, " in decision.reason


FEW = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0])  # so that equals meet


@given(
    st.lists(st.tuples(st.tuples(FEW, FEW, FEW), st.booleans(), st.one_of(st.none(), FEW)), min_size=1, max_size=8),
    st.booleans(),
)
def test_what_is_decided_of_many_is_what_is_decided_of_each(
    found: list[tuple[tuple[float, float, float], bool, float | None]], promised: bool
) -> None:
    by: dict[str, Any] = {"thresholds": (0.9, 0.5, 2.0), "promised": promised, "unknown_from": 0.9, "strange_from": 0.5}
    shares, truncated, novelties = zip(*found, strict=True)
    together = decide(
        [PictureId("p")] * len(found),
        np.array(shares),
        categories=CATEGORIES,
        truncated=truncated,
        novelties=novelties,
        **by,
    )

    assert [one(row, truncated=cut, novelty=odd, **by) for row, cut, odd in found] == together


def test_of_equally_likely_categories_the_first_is_the_guess_and_the_next_the_runner_up() -> None:
    assert "0.10 dog, 0.10 fox: below 0.9" == decided(0.0, 0.1, 0.1).reason


def test_one_category_alone_has_no_runner_up() -> None:
    assert "1.00 cat: at least 0.9" == one((1.0,), categories=("cat",), thresholds=(0.9,)).reason
