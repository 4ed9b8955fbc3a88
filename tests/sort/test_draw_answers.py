"""Rows of answers are drawn by chance and counted, and a library of them is as the answers decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifier.audit.thresholds import threshold_steps
from classifier.catalog.chosen_pictures import sources
from classifier.catalog.connection import read_catalog
from classifier.errors import IllsortError
from classifier.progress import SilentProgress
from classifier.records import Action
from classifier.settings import RuntimeSettings, Settings
from classifier.sort import draw_answers as module
from classifier.sort.answer_decider import AnswerDecider, Asked, open_decider
from classifier.sort.draw_answers import THRESHOLDS, draw_rows
from classifier.sort.library_of_drawn import file_drawn, pictures_of
from kit.answers import Answered, answered, decided
from kit.between import BETWEEN as CRAWL
from kit.bundles import color_bundle, with_another_head
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.model.bundle import Bundle

SETTINGS = Settings(runtime=RuntimeSettings(workers=0, device="cpu"))
WAITING = frozenset({Action.REVIEW, Action.UNKNOWN})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return color_bundle(tmp_path_factory.mktemp("model") / "m", evidence=300, novelty=True)


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("pictures") / "crawl", CRAWL)


@pytest.fixture(scope="module")
def made(crawl: Path, model: Bundle) -> Answered:
    return replace(answered(crawl, model, embeddings=True), source=str(crawl))


def decider_of(answers: Path, model: Bundle, **asked: Any) -> AnswerDecider:
    return open_decider(
        str(answers), bundle=model.folder, settings=SETTINGS, asked=Asked(**asked), progress=SilentProgress()
    )


def all_decided(decider: AnswerDecider) -> list[Any]:
    return [one for name in decider.folder.names for _, found in decider.decided(name) for one in found if one]


def drawn(decider: AnswerDecider, actions: frozenset[Action], count: int, seed: int = 0) -> Any:
    return draw_rows(decider, actions, count=count, seed=seed, progress=SilentProgress())


def filed(decider: AnswerDecider, draw: Any, library: Path, **asked: Any) -> Any:
    return file_drawn(decider, draw, library, settings=SETTINGS, asked=Asked(**asked), progress=SilentProgress())


def test_what_is_drawn_from_is_counted_whole(tmp_path: Path, made: Answered, model: Bundle) -> None:
    decider = decider_of(made.write(tmp_path / "answers"), model, threshold=0.6)
    rows = [one for one in all_decided(decider) if one.action is Action.FILE]
    draw = drawn(decider, frozenset({Action.FILE}), 5)

    assert dict(Counter(one.category for one in rows)) == draw.categories
    assert 3 == len(draw.categories)
    assert 5 == len(draw.rows)
    assert [(least, sum(one.confidence >= least for one in rows)) for least, _ in draw.steps] == list(draw.steps)
    assert len(rows) == draw.steps[-1][1]
    assert all(float(f"{least:.4g}") == least for least, _ in draw.steps)


@pytest.mark.parametrize("count", [0, 1, 7, 500])
def test_steps_are_those_of_an_audit_of_a_library(count: int) -> None:
    confidences = np.random.default_rng(count).choice(THRESHOLDS, count)

    assert threshold_steps(confidences.tolist()) == module._steps(module._count_by_threshold(confidences.tolist()))


def test_each_row_is_as_likely_and_more_of_a_seed_has_all_of_fewer(
    tmp_path: Path, made: Answered, model: Bundle
) -> None:
    decider = decider_of(made.write(tmp_path / "answers"), model)
    some = [drawn(decider, WAITING, 3, seed) for seed in range(120)]
    population = sum(some[0].categories.values())
    counts = Counter(row.name + str(row.place) for draw in some for row in draw.rows)

    assert population == len(counts) > 6
    expected = 120 * 3 / population
    assert all(expected / 2.5 < count < expected * 2 for count in counts.values())
    for seed in range(5):
        assert drawn(decider, WAITING, 6, seed).rows[:3] == some[seed].rows


def test_a_draw_that_measures_decisions_is_of_its_own(tmp_path: Path, made: Answered, model: Bundle) -> None:
    """What was learned or chosen by one draw is not measured by it, though the seed is the same."""
    answers = made.write(tmp_path / "answers")

    def rows(count: int, *, measures: bool = True, **asked: Any) -> set[tuple[str, int]]:
        decider, progress = decider_of(answers, model, **asked), SilentProgress()
        draw = draw_rows(decider, {*Action}, count=count, seed=3, measures=measures, progress=progress)
        return {(row.name, row.place) for row in draw.rows}

    assert rows(9) == rows(9) > rows(4)
    assert 4 == len(
        {*map(frozenset, (rows(9), rows(9, measures=False), rows(9, threshold=0.4), rows(9, threshold=0.5)))}
    )


def test_all_rows_are_drawn_where_there_are_fewer_and_twice_the_same_picture(
    tmp_path: Path, made: Answered, model: Bundle
) -> None:
    decider = decider_of(made.write(tmp_path / "answers"), model, threshold=0.4)
    draw = drawn(decider, frozenset({Action.FILE}), 1000)
    ids = [row.decision.image_id for row in draw.rows]

    assert sum(draw.categories.values()) == len(draw.rows)
    assert 1 == len(ids) - len(set(ids))
    assert list(draw.rows) != sorted(draw.rows, key=lambda row: (row.name, row.place))


@pytest.mark.parametrize("asked", [{}, {"threshold": 0.6}, {"max_error": 0.3}])
@pytest.mark.parametrize("head", ["own", "another"])
def test_a_library_of_all_rows_is_as_the_answers_decide(
    tmp_path: Path, made: Answered, model: Bundle, asked: dict[str, float], head: str
) -> None:
    chosen = model if head == "own" else with_another_head(tmp_path / "head", model, novelty=True)
    decider = decider_of(made.write(tmp_path / "answers"), chosen, **asked)
    library = tmp_path / "library"
    done = filed(decider, drawn(decider, frozenset(Action), 1000), library, **asked)

    expected = {(one.image_id, one.action, one.category, round(one.confidence, 4)) for one in all_decided(decider)}
    assert {row[:4] for row in decided(library)} == expected
    assert 2 <= len({action for _, action, *_ in expected})
    assert {} == done.failures
    found = sorted(path.read_bytes() for path in pictures_of(library).glob("*.png"))
    assert sorted(content for name, content in CRAWL.items() if name != "bad.png") == found


def test_only_drawn_pictures_are_fetched_and_none_of_them_twice(tmp_path: Path, made: Answered, model: Bundle) -> None:
    decider = decider_of(made.write(tmp_path / "answers"), model)
    library = tmp_path / "library"
    first = drawn(decider, WAITING, 4)
    filed(decider, first, library)
    times = {path: path.stat().st_mtime_ns for path in pictures_of(library).glob("*.png")}
    filed(decider, drawn(decider, WAITING, 6), library)
    after = {path: path.stat().st_mtime_ns for path in pictures_of(library).glob("*.png")}

    assert (4, 6) == (len(times), len(after))
    assert times.items() < after.items()
    assert {row.decision.image_id for row in first.rows} < {row[0] for row in decided(library)}
    with read_catalog(library) as catalog:
        assert [str(tmp_path / "answers")] == sources(catalog)


def test_what_is_gone_or_changed_is_named_and_not_filed(tmp_path: Path, model: Bundle) -> None:
    own = make_tree(tmp_path / "crawl", CRAWL)
    decider = decider_of(replace(answered(own, model), source=str(own)).write(tmp_path / "answers"), model)
    (own / "00.png").unlink()
    (own / "01.png").write_bytes(CRAWL["02.png"] + b"x")
    done = filed(decider, drawn(decider, frozenset(Action), 1000), tmp_path / "library")

    assert {"00.png", "01.png"} == set(done.failures)
    assert len(CRAWL) - 3 == len(list(pictures_of(tmp_path / "library").glob("*.png")))


def test_a_library_of_anything_else_is_refused(tmp_path: Path, made: Answered, model: Bundle) -> None:
    decider = decider_of(made.write(tmp_path / "answers"), model)
    draw = drawn(decider, WAITING, 2)
    make_tree(tmp_path / "full", {"own.png": CRAWL["bad.png"]})
    make_tree(tmp_path / "new-pictures", {"own.png": CRAWL["bad.png"]})
    filed(decider_of(made.write(tmp_path / "others"), model), draw, tmp_path / "other")

    for name, line in [("full", "not empty"), ("new", "new-pictures: is not empty"), ("other", "is not of pictures")]:
        with pytest.raises(IllsortError, match=line):
            filed(decider, draw, tmp_path / name)
    assert not (tmp_path / "new").exists()
    assert ["own.png"] == [path.name for path in (tmp_path / "full").iterdir()]
