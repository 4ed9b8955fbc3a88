"""One bar and one time left over all stages of a command, by a clock that the test turns."""

from __future__ import annotations

import re
from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import Message
from classifier.progress import StageCost, StageName, combined, format_duration
from kit.progress import SavedStage, SavingProgress


class Clock:
    """Stands still until it is turned."""

    now = 0.0

    def __call__(self) -> float:  # noqa: D102 - the class says it
        return self.now


def pieces(folds: int) -> list[StageCost]:
    """Ten seconds of looking, and for each fold forty of learning and ten of looking."""
    tuned = [
        (StageCost(code=("learn", n), cost=300, kind="learn"), StageCost(code=("look", n), cost=100, kind="look"))
        for n in range(folds)
    ]
    return [StageCost(code="look", cost=100, kind="look"), *(piece for pair in tuned for piece in pair)]


def named(code: Hashable) -> StageName:
    return StageName("at work", code=code)


def left(stage: SavedStage) -> float | None:
    """The seconds left that are shown last."""
    found = re.search(r"about (?:(\d+) h )?(\d+|a) (min|s|minute) left", stage.notes[-1])
    if found is None:
        return None
    number = 1 if found[2] == "a" else int(found[2])
    return 3600 * int(found[1] or 0) + number * (1 if found[3] == "s" else 60)


@pytest.mark.parametrize("folds", [1, 3, 5])
def test_the_time_left_counts_the_folds_that_are_to_come(folds: int) -> None:
    progress, clock = SavingProgress(), Clock()
    hour = 60.0  # a picture looked at takes 0.1 minutes, one learned from 0.4
    total = hour * (10 + folds * (40 + 10))
    with combined(progress, "training", pieces(folds), clock=clock) as whole:
        for piece in pieces(folds):
            seconds = hour * (10 if piece.kind == "look" else 40)
            with whole.stage(named(piece.code), total=50, unit="picture") as stage:
                for _ in range(50):
                    clock.now += seconds / 50
                    stage.advance()
                    shown, truth = left(progress.stages[0]), total - clock.now
                    known = clock.now > hour * 14  # from then on both kinds were measured
                    assert not known or shown is None or abs(shown - truth) <= 0.05 * truth + 60
    assert ["training"] == [stage.name for stage in progress.stages]
    assert progress.stages[0].total == progress.stages[0].done


def test_a_stage_is_found_by_its_code_and_shown_by_its_name() -> None:
    progress = SavingProgress()
    planned = [StageCost(code="a", cost=10, kind="look"), StageCost(code="b", cost=90, kind="look")]
    with combined(progress, Message("all"), planned) as whole:
        for name in (StageName("at work", code="c"), Message("at work")):
            with whole.stage(name, total=1, unit="picture") as stage:
                stage.advance()
            assert 0 == progress.stages[0].done
        with whole.stage(StageName("at work {count}", code="a", count=2), total=1, unit="picture"):
            assert "at work 2" == progress.stages[0].notes[-1]
        assert 10 == progress.stages[0].done


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 400), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 40),
)
def test_the_bar_never_goes_back_and_always_ends_full(stages: list[tuple[int, int, bool]], extra: int) -> None:
    """Stages may end early, be left out, be longer than planned, or not be planned at all."""
    progress, clock = SavingProgress(), Clock()
    planned = [StageCost(code=n, cost=cost, kind="look") for n, (cost, _, _) in enumerate(stages)]
    with combined(progress, "all", planned, clock=clock) as whole:
        for number, (_, done, is_there) in enumerate(stages):
            if not is_there:
                continue
            with whole.stage(named(number), total=100, unit="picture") as stage:
                for _ in range(done):
                    clock.now += 1
                    before = progress.stages[0].done
                    stage.advance()
                    assert before <= progress.stages[0].done <= (progress.stages[0].total or 0)
        with whole.stage(Message("not planned"), total=extra, unit="picture") as stage:
            stage.advance(extra)
    assert progress.stages[0].total == progress.stages[0].done


def test_what_an_earlier_run_had_done_does_not_flatter_the_speed() -> None:
    progress, clock = SavingProgress(), Clock()
    with (
        combined(progress, "all", [StageCost(code="a", cost=1000, kind="learn")], clock=clock) as whole,
        whole.stage(named("a"), total=1000, unit="picture") as stage,
    ):
        stage.advance(500)
        assert left(progress.stages[0]) is None
        clock.now += 60
        stage.advance(100)
        assert 240 == left(progress.stages[0])
        assert progress.stages[0].notes[-1].startswith("at work, 1.7 pictures/s; ")


def test_a_limit_of_time_limits_the_time_left() -> None:
    progress, clock = SavingProgress(), Clock()
    limited = StageCost(code="b", cost=10_000, kind="look", most_seconds=120)
    with combined(progress, "all", [StageCost(code="a", cost=100, kind="look"), limited], clock=clock) as whole:
        with whole.stage(named("a"), total=100, unit="picture") as stage:
            clock.now += 100
            stage.advance(100)
        assert "about 2 min left" in progress.stages[0].notes[-1]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (19, "19 s"), (25, "a minute"), (170, "3 min"), (7500, "2 h 5 min")]
)
def test_the_time_left_is_shown_in_readable_units(seconds: float, words: str) -> None:
    assert words == format_duration(seconds)
