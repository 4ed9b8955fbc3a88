"""`--best`: the least error rate that can be guaranteed in place of one that cannot, said and kept; never silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from classifier.audit.draw import target_of
from classifier.catalog import runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.stats import library_stats
from classifier.catalog.strictness import Strictness
from classifier.model.bundle import open_bundle
from classifier.model.risk_control import guarantee_risk, least_rate
from classifier.records import Selection
from classifier.report.library_report import library_page
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.last_policy import last_policy
from classifier.sort.last_preview import last_preview
from classifier.sort.pipeline import sort
from classifier.sort.preview import preview
from kit import commands
from kit.bundles import color_bundle
from kit.interrupt import Stop, Stopping
from kit.pictures import COLORS, encoded, plain
from kit.progress import SavingProgress
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(runtime=RuntimeSettings(workers=0))
ASKED = 0.004
"""More than 400 pictures can show."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "judged", evidence=400).folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_tree(tmp_path / "crawl", {f"{name}.png": encoded(plain(color), "PNG") for name, color in COLORS.items()})
    return tmp_path


def run(folder: Path, bundle: Path | None, **options: Any) -> dict[str, Any]:
    return sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=SETTINGS, **options)


def least(bundle: Path, asked: float = ASKED) -> float | None:
    opened = open_bundle(bundle)
    evidence = opened.load_holdout()
    assert evidence is not None
    return least_rate(evidence, categories=opened.manifest.categories, temperature=1.0, max_error=asked)


def guaranteed(bundle: Path, rate: float) -> str:
    opened = open_bundle(bundle)
    evidence = opened.load_holdout()
    assert evidence is not None
    return guarantee_risk(evidence, categories=opened.manifest.categories, temperature=1.0, max_error=rate).sentence


def test_the_least_rate_that_is_guaranteed_is_taken_and_said(folder: Path, judged: Path) -> None:
    progress, rate = SavingProgress(), least(judged)
    assert rate is not None
    summary = run(folder, judged, max_error=ASKED, best=True, progress=progress)
    says = f"{guaranteed(judged, rate)}; it is the least that could be guaranteed in place of the 0.4% asked for"
    status = commands.illsort("status", folder / "sorted").stdout

    assert rate > ASKED
    assert (rate, ASKED, True) == tuple(summary["strictness"][key] for key in ("max_error", "asked", "guaranteed"))
    assert says == summary["promise"]
    assert any(line.startswith(says) for line in progress.messages)
    assert "in place of the 0.4% asked for" in " ".join(status.split())
    assert "in place of the 0.4% asked for" in library_page(folder / "sorted")
    assert "no_guarantee" not in summary


def test_it_is_the_librarys_rate_until_another_is_asked_for(folder: Path, judged: Path) -> None:
    rate = least(judged)
    run(folder, judged, max_error=ASKED, best=True)
    with read_catalog(folder / "sorted") as catalog:
        _, again = last_policy(catalog, folder / "sorted", (folder / "crawl").resolve(), Settings(), Strictness())
        assert (rate, rate) == (target_of(catalog), again.max_error)
    assert rate == run(folder, None, max_error=again.max_error)["strictness"]["max_error"]

    run(folder, None, max_error=0.3)
    assert 0.3 == library_stats(folder / "sorted").strictness.max_error


def test_without_best_no_other_rate_is_taken(folder: Path, judged: Path) -> None:
    summary = run(folder, judged, max_error=ASKED)
    rate = least(judged)
    assert rate is not None

    assert (ASKED, False) == tuple(summary["strictness"][key] for key in ("max_error", "guaranteed"))
    assert f"{rate * 100:g}% is the least that can be guaranteed: --best takes it" in summary["no_guarantee"]


def test_a_rate_that_can_be_guaranteed_is_taken_as_asked(folder: Path, judged: Path) -> None:
    summary = run(folder, judged, max_error=0.05, best=True)

    assert guaranteed(judged, 0.05) == summary["promise"]
    assert summary["strictness"]["asked"] is None


def test_where_none_can_be_guaranteed_the_asked_rate_is_an_estimate(folder: Path) -> None:
    picked = color_bundle(folder / "model", evidence=400, selection=Selection.MODEL).folder
    summary = run(folder, picked, max_error=0.02, best=True)

    assert least(picked, 0.02) is None
    assert (0.02, False) == tuple(summary["strictness"][key] for key in ("max_error", "guaranteed"))
    assert "at most 2% wrong asked, an estimate, no guarantee" in summary["no_guarantee"]


def test_a_stopped_sort_goes_on_with_the_same_command(folder: Path, judged: Path) -> None:
    with pytest.raises(Stop):
        run(folder, judged, max_error=ASKED, best=True, progress=Stopping())
    summary = run(folder, None, max_error=ASKED, best=True, on_changed=lambda _: pytest.fail("asked"))

    assert (least(judged), ASKED) == tuple(summary["strictness"][key] for key in ("max_error", "asked"))


def test_a_preview_is_filed_at_the_rate_that_it_showed(folder: Path, judged: Path) -> None:
    library, rate = folder / "sorted", least(judged)
    options: dict[str, Any] = {"library": library, "bundle": judged, "settings": SETTINGS, "max_error": ASKED}
    summary = preview(folder / "crawl", **options, best=True)
    found = last_preview(library)

    assert rate == summary["strictness"]["max_error"]
    assert found is not None
    assert f"--max-error {rate:g}" in found.sort_command()
    with read_catalog(library) as catalog:
        assert [runs.PREVIEW] == [one.kind for one in runs.all_runs(catalog)]


def test_best_without_an_error_rate_is_refused_in_one_line(tmp_path: Path) -> None:
    refused = commands.illsort("sort", tmp_path, "--out", tmp_path / "sorted", "--best")

    assert (2, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert "give --max-error with it" in refused.stderr
