"""Thresholds that guarantee an error rate, their evidence, and the refusal when there are none."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logit

from classifier.errors import NoGuarantee
from classifier.i18n import Language, translate
from classifier.model.binomial_bounds import look_confidence, upper_bound
from classifier.model.calibration import probabilities
from classifier.model.drawn_rows import ENOUGH_FOR_ITS_OWN
from classifier.model.holdout import NO_CATEGORY, HoldoutMethod, HoldoutPredictions
from classifier.model.risk_control import RiskGuarantee, guarantee_risk, least_rate, no_guarantee
from classifier.records import ImageId, Selection

CATEGORIES = ("cat", "dog", "狐")


def evidence(
    confidences: NDArray[np.float64] | list[float],
    is_wrong: NDArray[np.bool_] | list[bool],
    guesses: list[int] | None = None,
) -> HoldoutPredictions:
    """Images whose guess (category 0, unless told) has that probability; the others share the rest."""
    count = len(confidences)
    guessed = np.zeros(count, np.int64) if guesses is None else np.array(guesses)
    shares = np.repeat((1 - np.array(confidences, dtype=np.float64))[:, None] / 2, 3, axis=1)
    shares[np.arange(count), guessed] = confidences
    return HoldoutPredictions(
        logits=np.log(shares).astype(np.float32),
        targets=np.where(is_wrong, (guessed + 1) % 3, guessed).astype(np.int64),
        groups=np.arange(count),
        image_ids=tuple(ImageId(hashlib.sha256(bytes([row % 256, row // 256])).hexdigest()) for row in range(count)),
        paths=tuple(f"{row}.png" for row in range(count)),
        method=HoldoutMethod(3),
        selections=(Selection.RANDOM,) * count,
    )


def drawn(count: int, *, seed: int = 0, groups: int | None = None) -> HoldoutPredictions:
    """Calibrated guesses of all three categories, right about 19 times in 20."""
    rng = np.random.default_rng(seed)
    confidences = 0.34 + 0.6599 * rng.beta(6, 0.35, count)
    found = evidence(confidences, rng.random(count) > confidences, rng.integers(0, 3, count).tolist())
    return found if groups is None else replace(found, groups=np.arange(count) % groups)


def promised(seen: HoldoutPredictions, max_error: float = 0.05, *, temperature: float = 1.0) -> RiskGuarantee:
    return guarantee_risk(seen, categories=CATEGORIES, temperature=temperature, max_error=max_error)


def filed(seen: HoldoutPredictions, by: RiskGuarantee, *, temperature: float = 1.0) -> NDArray[np.bool_]:
    """Which rows the thresholds file, as sorting does it."""
    shares = probabilities(seen.logits, temperature)
    thresholds = np.array([2.0 if threshold is None else threshold for threshold in by.thresholds])
    return np.asarray(shares.max(axis=1) >= thresholds[shares.argmax(axis=1)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(100, 900), st.sampled_from([0.05, 0.1]), st.sampled_from([0.5, 1.0, 3.0]))
def test_the_thresholds_file_what_was_tested(seed: int, count: int, max_error: float, temperature: float) -> None:
    seen = drawn(count, seed=seed)
    seen = replace(seen, logits=seen.logits * np.float32(temperature))
    try:
        by = promised(seen, max_error, temperature=temperature)
    except NoGuarantee as refused:
        assert "no guarantee of" in str(refused)  # noqa: PT017 - not every draw can be promised anything
        return
    rows = filed(seen, by, temperature=temperature)
    wrong = seen.logits.argmax(axis=1) != seen.targets
    spare = 1 if max(np.bincount(seen.logits.argmax(axis=1))) < ENOUGH_FOR_ITS_OWN else 0.05 * count

    assert abs(int(rows.sum()) - by.filed) <= spare
    assert abs(int(wrong[rows].sum()) - by.wrong) <= spare
    assert upper_bound(by.wrong, by.filed, 0.95) == by.bound <= max_error + 1e-12
    assert count == by.pictures
    assert by.filed / count == by.coverage


def test_near_duplicates_count_and_groups_must_pass_too() -> None:
    assert 900 == promised(drawn(900, groups=300)).pictures
    with pytest.raises(NoGuarantee, match=": 900 pictures drawn by chance were judged"):
        promised(drawn(900, groups=40))


def test_the_order_of_the_evidence_does_not_matter() -> None:
    seen = drawn(600, groups=200)
    order = np.random.default_rng(0).permutation(600)
    shuffled = replace(
        seen,
        logits=seen.logits[order],
        targets=seen.targets[order],
        groups=seen.groups[order],
        image_ids=tuple(seen.image_ids[row] for row in order),
    )

    assert promised(seen) == promised(shuffled)


def test_few_pictures_of_a_category_share_the_threshold_of_all() -> None:
    assert 1 == len(set(promised(drawn(3 * ENOUGH_FOR_ITS_OWN - 200)).thresholds))


def test_a_category_with_enough_images_has_its_own_threshold() -> None:
    """Both are said to be as sure; the dogs are wrong four times as often."""
    rng = np.random.default_rng(2)
    guesses = np.arange(3000) % 2
    confidences = 0.5 + 0.4999 * rng.beta(4, 0.5, 3000)
    odds = logit(confidences) + np.where(guesses == 0, 0.7, -0.7)
    by = promised(evidence(confidences, rng.random(3000) > 1 / (1 + np.exp(-odds)), guesses.tolist()))
    cats, dogs, foxes = by.thresholds

    assert cats is not None
    assert dogs is not None
    assert cats < dogs - 0.05
    assert foxes is None


def test_a_category_that_was_never_guessed_is_not_filed_into() -> None:
    by = promised(evidence([0.999] * 200, [False] * 200, [0, 1] * 100))

    assert [False, False, True] == [threshold is None for threshold in by.thresholds]


def test_when_all_may_be_filed_the_threshold_is_zero() -> None:
    by = promised(evidence([0.9] * 200, [False] * 200, [0, 1] * 100))

    assert (0.0, 0.0, None) == by.thresholds
    assert 1.0 == by.coverage


def test_the_sentence_names_the_evidence() -> None:
    said = promised(evidence([0.99] * 1412, [False] * 1412), 0.02).sentence

    assert (
        "at most 2% wrong among the filed, 95% confidence, on pictures like your labels in the same mix: "
        "by 1,412 of them drawn by chance, cross-fitted in 3 parts"
    ) == said


def refusal(seen: HoldoutPredictions, max_error: float) -> str:
    with pytest.raises(NoGuarantee) as caught:
        promised(seen, max_error)
    assert 1 == len(str(caught.value).splitlines())
    return str(caught.value)


def test_the_refusal_names_the_sample_size_and_a_feasible_rate() -> None:
    said = refusal(evidence([0.99] * 100, [False] * 100), 0.02)

    assert (
        "no guarantee of 2%: 100 pictures drawn by chance were judged, it takes at least 149 with none "
        "wrong, with guesses like these about 420, so 320 more; 3% is the least that can be guaranteed: --best takes it"
    ) == said
    assert 0.03 == promised(evidence([0.99] * 100, [False] * 100), 0.03).max_error


def test_the_refusal_is_complete_in_chinese() -> None:
    with pytest.raises(NoGuarantee) as caught:
        promised(evidence([0.99] * 100, [False] * 100), 0.02)

    assert (
        "不能保证 2%：评估了 100 张随机抽取的图片，全对也至少要 149 张，像这样的大约要 420 张，还差 320 张；"
        "能保证的最低是 3%：用 --best 采用它"
    ) == translate(caught.value.message, Language.CHINESE)


def test_a_handful_gives_no_estimate_of_the_sample_size() -> None:
    said = refusal(evidence([0.7] * 20, np.arange(20) % 10 < 3), 0.02)

    assert (
        "20 pictures drawn by chance were judged, it takes at least 149 with none wrong, and so few cannot tell" in said
    )


def test_the_refusal_says_when_more_images_would_not_help() -> None:
    said = refusal(evidence([0.7] * 400, np.arange(400) % 10 < 3), 0.02)

    assert "but of guesses like these no number would do; " in said
    assert "; 50% is the least that can be guaranteed" in said


@pytest.mark.parametrize("count", [1, 2])
def test_next_to_no_evidence_guarantees_nothing(count: int) -> None:
    said = refusal(evidence([0.9] * count, [False] * count), 0.02)

    assert f": {count} pictures drawn by chance were judged, it takes at least 149" in said
    assert "can be guaranteed" not in said


def test_the_refusal_names_the_guesses_that_are_wrong_most_often() -> None:
    guesses = [0] * 100 + [1] * 100 + [2] * 100
    is_wrong = np.array([row in {3, 5, 7, 103} for row in range(300)])
    said = refusal(evidence([0.99] * 200 + [0.6] * 100, is_wrong, guesses), 0.005)

    assert "of the surest half most wrong are those taken for cat (3/" in said
    assert "狐 (" not in said


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(60, 900), st.sampled_from([0.005, 0.02, 0.05]))
def test_the_least_rate_is_one_that_is_guaranteed(seed: int, count: int, max_error: float) -> None:
    seen = drawn(count, seed=seed)
    best = least_rate(seen, categories=CATEGORIES, temperature=1.0, max_error=max_error)

    if best is None:
        assert "can be guaranteed" not in refusal(seen, max_error)
    else:
        assert best == promised(seen, best).max_error >= max_error
    if best is not None and best > max_error:
        assert f"{best * 100:g}% is the least that can be guaranteed" in refusal(seen, max_error)


def test_extreme_logits_count_as_equal() -> None:
    seen = evidence([0.99] * 300, [False] * 300)
    seen = replace(seen, logits=np.array([[500, 0, 0], [90, 0, 0], [40, 0, 0]] * 100, dtype=np.float32))

    assert 0.0 == promised(seen, 0.02).thresholds[0]


def test_the_rate_is_kept_in_95_percent_of_draws() -> None:
    """300 draws of 400 images; what is filed of a crawl of the same kind is counted by its true chances."""
    crawl = drawn(60_000, seed=99)
    shares = probabilities(crawl.logits, 1.0).max(axis=1)
    broken = promises = 0
    for seed in range(300):
        try:
            by = promised(drawn(400, seed=seed))
        except NoGuarantee:
            continue
        promises += 1
        broken += bool((1 - shares[filed(crawl, by)]).mean() > 0.05)

    assert promises > 250
    assert broken <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)


@given(st.lists(st.sampled_from([*Selection]), min_size=1, max_size=700), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_only_randomly_drawn_images_enter_a_guarantee(origins: list[Selection], seed: int) -> None:
    """With the others replaced by any answers at all, or left out, the outcome is the same."""
    seen = replace(drawn(len(origins), seed=seed), selections=tuple(origins))
    is_random = np.array([one is Selection.RANDOM for one in origins], dtype=bool)
    altered = replace(
        seen,
        logits=np.where(is_random[:, None], seen.logits, np.float32(7) * np.eye(3, dtype=np.float32)[0]),
        targets=np.where(is_random, seen.targets, 0),
    )
    outcomes = [outcome(one) for one in (seen, altered, seen.by_chance)]

    assert set(seen.by_chance.selections) <= {Selection.RANDOM}
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] == outcomes[2] or "picked" in str(outcomes[2]) or "learned" in str(outcomes[0])


def outcome(seen: HoldoutPredictions) -> RiskGuarantee | str:
    try:
        return promised(seen, 0.1)
    except NoGuarantee as error:
        return str(error)


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection.PERSON, "no guarantee: the labels were picked, not drawn by chance"),
        (Selection.MODEL, "no guarantee: the labels were picked, not drawn by chance"),
        (Selection.GRID, "no guarantee: the labels were picked, not drawn by chance"),
        (Selection.FILED, "no guarantee: the labels were picked, not drawn by chance"),
        (Selection.FITTED, "no guarantee: the backbone has learned from these labels, or may have"),
    ],
)
def test_correct_but_selected_images_guarantee_nothing(selection: Selection, says: str) -> None:
    seen = replace(evidence([0.99] * 1000, [False] * 1000), selections=(selection,) * 1000)

    assert says == outcome(seen)


def test_unjudged_drawn_images_count_as_filed_and_wrong() -> None:
    seen = evidence([0.99] * 400, [False] * 400)
    by = promised(replace(seen, unjudged=1), 0.02)

    assert (401, 401, 1) == (by.pictures, by.filed, by.wrong)
    assert "no guarantee of 2%: 409 pictures" in outcome_at(replace(seen, unjudged=9), 0.02)


def outcome_at(seen: HoldoutPredictions, max_error: float) -> str:
    with pytest.raises(NoGuarantee) as caught:
        promised(seen, max_error)
    return str(caught.value)


def test_a_drawn_image_of_no_category_is_always_wrong() -> None:
    right = evidence([0.99] * 300, [False] * 300)
    unknown = np.arange(300) >= 280
    seen = replace(right, targets=np.where(unknown, NO_CATEGORY, right.targets))

    assert promised(right, 0.05).wrong == 0
    assert "no guarantee of 5%" in outcome_at(seen, 0.05)
    assert promised(seen, 0.15).wrong == 20


def test_the_line_says_why_and_what_would_give_a_guarantee() -> None:
    error = NoGuarantee("no guarantee: the labels were picked, not drawn by chance", why="picked")
    line = no_guarantee(error, 0.02, library=Path("/a b/sorted"))

    assert (
        "no guarantee: the labels were picked, not drawn by chance; for a guarantee "
        "answer 160 random pictures of what was filed (all, where fewer are), none of them wrong: "
        "illsort audit '/a b/sorted' --count 160, or Audit on the page"
    ) == line
    assert upper_bound(0, 160, look_confidence(1, 0.95)) <= 0.02 < upper_bound(0, 159, look_confidence(1, 0.95))
