"""An audit until an error rate is shown: looked at after every answer, it ends by itself, and its bounds hold."""

from __future__ import annotations

import random
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING

import pytest

from classifier.audit.draw import draw_audit
from classifier.audit.estimate import AuditState
from classifier.audit.progress_text import progress_message
from classifier.audit.session import open_session
from classifier.audit.thresholds import keeps_target, loosest_threshold
from classifier.catalog.connection import open_catalog
from classifier.filing.undo import undo
from classifier.model.anytime_bounds import anytime_upper_bound, draws_at_rate
from classifier.records import AnnotationKind
from kit.audits import Kind, answered, audit_of, filed_library

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

R, W, S, BACK = AnnotationKind.RIGHT, AnnotationKind.WRONG, AnnotationKind.SKIPPED, AnnotationKind.TAKEN_BACK
HUNDRED = Kind(category="chibi", confidences=[1 - n / 200 for n in range(100)])
NONE_WRONG = 201


def of_many(words: Sequence[AnnotationKind], *, drawn: int = 2_000, until: float = 0.02) -> AuditState:
    """An audit of a large library, answered in its order."""
    audit = audit_of({"a": 300_000}, [("a", 0.9)] * drawn, simple=True, until=until)
    return answered(audit, list(enumerate(words)))


@cache
def first_shown(wrong: int) -> int:
    """After how many answers, so many of them wrong, 2% is shown."""
    return bisect_left(range(3_000), -0.02, lo=wrong, key=lambda n: -anytime_upper_bound(wrong, n, 300_000, 0.96))


def answer(library: Path, words: Sequence[AnnotationKind], **options: float) -> AuditState:
    with open_session(library, **options) as session:  # type: ignore[arg-type]
        for word in words:
            session.answer(word)
        return session.state


def test_it_ends_with_the_answer_that_shows_the_rate() -> None:
    before, shown = of_many([R] * (NONE_WRONG - 1)), of_many([R] * NONE_WRONG)

    assert (False, False, 1) == (before.is_finished, keeps_target(before, 0.02), before.left_at_this_rate)
    assert (True, True, True) == (shown.is_finished, shown.is_shown, keeps_target(shown, 0.02))
    assert "shown: at most 2.0%" == progress_message(shown)


def test_a_wrong_one_makes_it_longer_and_none_is_lost() -> None:
    state = of_many([R] * 150 + [W] + [R] * 49)

    assert (False, False) == (state.is_finished, state.is_hopeless)
    assert state.left_at_this_rate is not None
    assert state.bound().at_most == anytime_upper_bound(1, 200, 300_000, 0.96)
    assert of_many([R] * 150 + [W] + [R] * 174).is_shown  # 325 answers, one of them wrong


def test_so_many_more_at_this_rate_do_show_it() -> None:
    state = of_many(([R] * 149 + [W]) * 2)
    more = state.left_at_this_rate

    assert more is not None
    assert draws_at_rate(1 / 150, 300_000, 0.02, 0.96) == 300 + more
    assert f"about {more} more at this rate until at most 2.0% is shown" == progress_message(state)


def test_before_the_first_answer_there_is_no_rate() -> None:
    assert "no picture is judged yet" == progress_message(of_many([]))


def test_at_too_high_a_rate_it_says_so_and_goes_on() -> None:
    state = of_many(([R] * 29 + [W]) * 2)

    assert (False, None) == (state.is_finished, state.left_at_this_rate)
    assert "at this rate it will not be shown that at most 2.0% are wrong" == progress_message(state)


def test_it_ends_when_the_rate_cannot_be_shown_any_more() -> None:
    few = of_many([R] * 99 + [W] * 2, drawn=400)
    all_there = answered(audit_of({"a": 100}, [("a", 0.9)] * 100, simple=True, until=0.02), [(n, W) for n in range(3)])

    for state in (few, all_there):
        assert (True, True, False) == (state.is_finished, state.is_hopeless, state.is_shown)
        assert "at most 2.0% can no longer be shown" in progress_message(state)


def test_all_images_of_a_small_library_decide_exactly() -> None:
    audit = audit_of({"a": 50}, [("a", 0.9)] * 50, simple=True, until=0.02)

    assert answered(audit, [(n, W if n == 7 else R) for n in range(50)]).is_shown
    assert not answered(audit, [(n, W if n in {7, 30} else R) for n in range(50)]).is_shown


def test_a_skipped_image_counts_as_wrong_until_it_comes_again() -> None:
    skipped = [(0, S), *((n, R) for n in range(1, 50))]
    state = of_many([S] + [R] * 49)
    assert (1, 0.0) < (state.bound().skipped, state.bound().at_most)
    assert state.audit.drawn[0] == state.current

    again = answered(state.audit, [*skipped, (0, R)])
    assert (0, state.audit.drawn[50]) == (again.bound().skipped, again.current)
    assert again.bound().at_most < state.bound().at_most


def test_a_skip_alone_does_not_end_the_audit_as_not_shown() -> None:
    audit = audit_of({"a": 100}, [("a", 0.9)] * 100, simple=True, until=0.001)

    assert not answered(audit, [(0, S)]).is_hopeless
    assert answered(audit, [(0, S), *((n, R) for n in range(1, 50)), (0, S)]).is_hopeless


def test_the_bounds_of_categories_hold_for_any_stop_too() -> None:
    audit = audit_of({"a": 5_000, "b": 500}, [("a", 0.9), ("b", 0.9)] * 40, simple=True, until=0.02)
    state = answered(audit, [(n, W if n == 1 else R) for n in range(80)])

    assert anytime_upper_bound(1, 40, 500, 0.96) == state.bound("b").at_most
    assert anytime_upper_bound(0, 40, 5_000, 0.96) == state.bound("a").at_most


def test_a_stricter_threshold_is_offered_before_the_end() -> None:
    drawn = [("a", 0.99 if n % 2 else 0.6) for n in range(5_000)]
    steps = [(0.99, 150_000), (0.6, 300_000)]
    audit = audit_of({"a": 300_000}, drawn, simple=True, steps=steps, until=0.02)
    state = answered(audit, [(n, W if n % 20 == 0 else R) for n in range(700)])
    offer = loosest_threshold(state, 0.02)

    assert not state.is_finished
    assert offer is not None
    assert (0.99, 150_000) == (offer.threshold, offer.kept)
    assert loosest_threshold(answered(audit, [(n, W if n % 20 == 0 else R) for n in range(420)]), 0.02) is None


@pytest.mark.parametrize("share", [0.021, 0.03])
def test_a_bad_library_is_seldom_shown_to_be_good(share: float) -> None:
    """As it runs, with a look after every answer; at the stated 4% more than 10 of 100 are unlikely (1 in 300)."""
    false = 0
    for seed in range(100):
        chance = random.Random(f"{share} {seed}")
        wrong = [n for n in range(1, 2_001) if chance.random() < share]
        false += any(first_shown(seen) < next_ for seen, next_ in enumerate([*wrong, 2_001]))
    assert false <= 10


def test_it_goes_on_after_a_stop_and_an_answer_taken_back(tmp_path: Path) -> None:
    library = filed_library(tmp_path, HUNDRED)
    first = answer(library, [R] * 5 + [W], until=0.1)
    with open_session(library) as session:
        assert (first.audit, first.kinds) == (session.state.audit, session.state.kinds)
        assert session.take_back()
        assert 5 == session.state.asked
        assert 0.1 == session.target(None)
        while session.state.current is not None:
            session.answer(R)
        assert session.state.is_shown
        asked = session.state.asked
        assert session.take_back()
        assert (asked - 1, False) == (session.state.asked, session.state.is_finished)
    assert asked < 100


def test_another_rate_goes_on_with_the_same_order(tmp_path: Path) -> None:
    library = filed_library(tmp_path, HUNDRED)
    shown = answer(library, [R] * 100, until=0.1)
    stricter = answer(library, [], until=0.05)

    assert shown.is_shown
    assert (shown.audit.id, shown.kinds, 1) == (stricter.audit.id, stricter.kinds, stricter.audit.number)
    assert not stricter.is_finished
    assert answer(library, [R] * 100).is_shown


def test_an_audit_of_a_number_of_images_is_another_one(tmp_path: Path) -> None:
    library = filed_library(tmp_path, HUNDRED)
    fixed = answer(library, [R] * 3, count=20)
    until = answer(library, [R] * 3, until=0.1)
    again = answer(library, [], count=20)

    assert 3 == len({state.audit.id for state in (fixed, until, again)})
    assert [1, 2, 4] == [state.audit.number for state in (fixed, until, again)]
    assert [None, 0.1, None] == [state.audit.until for state in (fixed, until, again)]


def test_what_is_filed_meanwhile_makes_it_out_of_date(tmp_path: Path) -> None:
    library = filed_library(tmp_path, HUNDRED)
    before = answer(library, [R] * 3, until=0.1)
    undo(library)
    with open_session(library, as_it_is=True) as session:
        assert (before.audit.id, False) == (session.state.audit.id, session.is_current)
        assert session.offer(0.1) is None


def test_of_a_large_library_no_more_is_drawn_than_a_person_may_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = filed_library(tmp_path, HUNDRED)
    monkeypatch.setattr("classifier.audit.draw._LONG_ENOUGH", 10)
    with open_catalog(library) as catalog:
        drawn = [len(draw_audit(catalog, library, count=None, seed=1, until=rate).drawn) for rate in (0.5, 0.1)]

    assert [18, 90] == drawn  # three times as many as show it if none is wrong
