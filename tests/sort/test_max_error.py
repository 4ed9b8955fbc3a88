"""Sorting by an error rate: its thresholds are used, shown and recorded, and survive an interruption."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from classifier.catalog.connection import read_catalog
from classifier.catalog.stats import library_stats
from classifier.filing.undo import undo
from classifier.model.bundle import open_bundle
from classifier.model.risk_control import RiskGuarantee, guarantee_risk
from classifier.records import Mode, Selection
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.sort.planned_moves import PlannedMove
from classifier.sort.preview import preview
from kit.bundles import color_bundle
from kit.interrupt import Stop, Stopping
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import make_tree

SETTINGS = Settings(sort=SortSettings(mode=Mode.LINK), runtime=RuntimeSettings(workers=0))
WHOLE = encoded(varied(COLORS["red"], seed=5, size=(400, 300)), "JPEG")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "judged", evidence=400).folder


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """Blue that is less and less so, and half of a red picture."""
    blends = {f"{share:02}.png": encoded(plain(_blend(share / 100)), "PNG") for share in range(0, 50, 3)}
    make_tree(tmp_path / "crawl", blends | {"half.jpg": WHOLE[: len(WHOLE) // 2]})
    return tmp_path


def _blend(share: float) -> tuple[int, int, int]:
    red, green, blue = (
        round((1 - share) * own + share * other) for own, other in zip(COLORS["blue"], COLORS["red"], strict=True)
    )
    return red, green, blue


def run(folder: Path, bundle: Path | None, **options: Any) -> dict[str, Any]:
    options.setdefault("progress", SavingProgress())
    return sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=SETTINGS, **options)


def promised(bundle: Path, max_error: float) -> RiskGuarantee:
    opened = open_bundle(bundle)
    evidence = opened.load_holdout()
    assert evidence is not None
    return guarantee_risk(evidence, categories=opened.manifest.categories, temperature=1.0, max_error=max_error)


def decisions(folder: Path) -> list[tuple[str, str, float, str, str]]:
    with read_catalog(folder / "sorted") as catalog:
        rows = catalog.connection.execute(
            "SELECT action, category, confidence, reason_code, reason_params FROM decisions"
        )
        return list(rows.fetchall())


def recorded(folder: Path) -> dict[str, Any]:
    with read_catalog(folder / "sorted") as catalog:
        (settings,) = catalog.connection.execute("SELECT settings FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        kept: dict[str, Any] = json.loads(settings)["sort"]
        return kept


def test_each_image_is_decided_by_its_categorys_guaranteed_threshold(crawl: Path, judged: Path) -> None:
    summary = run(crawl, judged, max_error=0.02)
    thresholds = dict(zip(("blue", "green", "red"), promised(judged, 0.02).thresholds, strict=True))
    decided = [row for row in decisions(crawl) if row[3] != "truncated"]

    assert {"file", "review"} == {action for action, *_ in decided}
    for action, category, confidence, _, params in decided:
        threshold = thresholds[category]
        assert (action == "file") == (threshold is not None and confidence >= threshold)
        assert category == json.loads(params)["top"][0][0]
    assert summary["filed"] == sum(action == "file" for action, *_ in decided)


def test_a_truncated_image_is_reviewed_at_any_guarantee(crawl: Path, judged: Path) -> None:
    run(crawl, judged, max_error=0.3)

    assert [("review", "red")] == [row[:2] for row in decisions(crawl) if row[3] == "truncated"]


def test_a_looser_promise_files_more_and_moves_only_the_difference(crawl: Path, judged: Path) -> None:
    strict = run(crawl, judged, max_error=0.02)
    loose = run(crawl, None, max_error=0.05)

    assert 0 < strict["filed"] < loose["filed"]
    assert strict["pictures"] == loose["pictures"]


def test_the_guarantee_is_stated_before_and_after_and_recorded(crawl: Path, judged: Path) -> None:
    progress, by = SavingProgress(), promised(judged, 0.05)
    summary = run(crawl, judged, max_error=0.05, progress=progress)
    kept = recorded(crawl)

    assert by.sentence == summary["promise"]
    assert f"{by.sentence}; of those, {by.coverage:.0%} would be filed" in progress.messages
    assert (0.05, by.sentence) == (kept["max_error"], kept["promise"]["sentence"])
    assert {"blue", "green", "red"} == set(kept["promise"]["thresholds"])
    assert by.sentence == library_stats(crawl / "sorted").strictness.promise


def test_the_status_speaks_of_the_last_run_alone(crawl: Path, judged: Path) -> None:
    run(crawl, judged, max_error=0.05)
    undo(crawl / "sorted")
    assert library_stats(crawl / "sorted").strictness.promise is None

    summary = run(crawl, judged, threshold=0.9)
    assert "promise" not in summary
    assert library_stats(crawl / "sorted").strictness.promise is None
    assert recorded(crawl)["max_error"] is None


def test_a_preview_states_the_same_guarantee(crawl: Path, judged: Path) -> None:
    moves: list[PlannedMove] = []
    options: dict[str, Any] = {"library": crawl / "sorted", "bundle": judged, "settings": SETTINGS, "max_error": 0.05}
    summary = preview(crawl / "crawl", **options, show=moves.append)

    assert promised(judged, 0.05).sentence == summary["promise"]
    assert summary["filed"] + summary["review"] == len(moves)
    assert library_stats(crawl / "sorted").strictness.promise is None


@pytest.mark.parametrize(
    "case",
    [
        (400, Selection.RANDOM, 0.004, 804, "few", "no guarantee of 0.4%: 400 pictures drawn by chance were judged"),
        (400, Selection.MODEL, 0.1, 31, "picked", "no guarantee: the labels were picked, not drawn by chance"),
        (400, Selection.FITTED, 0.1, 31, "fitted", "no guarantee: the backbone has learned from these labels"),
        (0, Selection.RANDOM, 0.1, 31, "none", "no guarantee: this model keeps nothing to judge an error rate by"),
    ],
)
def test_without_a_guarantee_the_rate_is_estimated_and_one_line_says_so(
    crawl: Path, case: tuple[int, Selection, float, int, str, str]
) -> None:
    evidence, selection, rate, wanted, why, says = case
    model = color_bundle(crawl / "model", evidence=evidence, selection=selection).folder
    progress, library = SavingProgress(), crawl / "sorted"
    summary = run(crawl, model, max_error=rate, progress=progress)
    (line,) = [said for said in progress.messages if "no guarantee" in said]

    assert line.startswith(f"at most {rate * 100:g}% wrong asked, an estimate, {says}")
    assert (
        f"answer {wanted} random pictures of what was filed (all, where fewer are), none of them wrong: "
        f"illsort audit {library} " in line
    )
    assert (line, line) == (summary["no_guarantee"], library_stats(library).strictness.no_guarantee)
    assert "promise" not in summary
    assert (rate, why) == (recorded(crawl)["max_error"], recorded(crawl)["no_guarantee"]["why"])
    told = {"threshold": 1 - rate, "max_error": rate, "guaranteed": False, "why": why}
    assert told.items() <= summary["strictness"].items()
    filed = [confidence for action, _, confidence, *_ in decisions(crawl) if action == "file"]
    assert filed
    assert min(filed) >= 1 - rate


def stop(folder: Path, bundle: Path, **options: Any) -> None:
    with pytest.raises(Stop):
        run(folder, bundle, progress=Stopping(), **options)


def test_an_interrupted_run_resumes_with_its_guarantee(crawl: Path, judged: Path) -> None:
    stop(crawl, judged, max_error=0.05)
    summary = run(crawl, None)

    assert promised(judged, 0.05).sentence == summary["promise"]


RATES = ({"max_error": 0.05}, {"max_error": 0.02}, {"threshold": 0.8})


@pytest.mark.parametrize(("first", "then"), list(permutations(RATES, 2)))
@pytest.mark.parametrize("as_begun", [True, False])
def test_a_threshold_in_place_of_a_rate_is_a_change_to_confirm(
    crawl: Path, judged: Path, first: dict[str, float], then: dict[str, float], as_begun: bool
) -> None:
    stop(crawl, judged, **first)
    asked: list[str] = []

    def answers(question: str) -> bool:
        asked.append(question)
        return as_begun

    run(crawl, None, **then, on_changed=answers)
    kept = recorded(crawl)

    was, now = (f"--{key.replace('_', '-')} {value}" for said in (first, then) for key, value in said.items())
    assert [f"the stopped run had {was}, now it is {now}; go on as it was begun?"] == asked
    expected = first if as_begun else then
    assert expected.get("max_error") == kept["max_error"]
    assert expected.get("threshold", 0.9) == kept["threshold"]


def test_the_same_rate_again_is_no_change(crawl: Path, judged: Path) -> None:
    stop(crawl, judged, max_error=0.05)

    assert "promise" in run(crawl, None, max_error=0.05, on_changed=lambda _: pytest.fail("asked"))


def test_restart_drops_the_promise(crawl: Path, judged: Path) -> None:
    stop(crawl, judged, max_error=0.05)

    assert "promise" not in run(crawl, judged, restart=True)
