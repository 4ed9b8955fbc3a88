"""An error rate that was asked for without a guarantee stays that when what was learned is filed from the page."""

from __future__ import annotations

from pathlib import Path

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.catalog.stats import library_stats
from classifier.cli.status import _runs
from classifier.records import Selection
from classifier.report.library_report import library_page
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.audits import recorded_target
from kit.bundles import color_bundle
from kit.reviewing import blended, served

SAYS = "t most 2% wrong asked, an estimate, no guarantee"


def test_a_requested_rate_without_a_guarantee_is_called_an_estimate(tmp_path: Path) -> None:
    model = color_bundle(tmp_path / "model", labeled=True, evidence=100, selection=Selection.PERSON).folder
    crawl, library = tmp_path / "crawl", tmp_path / "sorted"
    crawl.mkdir()
    for number in range(12):
        (crawl / f"{number}.png").write_bytes(blended(number))
    sort(crawl, library=library, bundle=model, settings=Settings(runtime=RuntimeSettings(workers=0)), max_error=0.02)
    learner = Learner(library)
    learner.learn()
    told = file_learned(library, learner, send=lambda _: None)["strictness"]

    assert (0.02, False, 0.98) == (told["max_error"], told["guaranteed"], told["threshold"])
    assert 0.02 == recorded_target(library)
    seen = library_stats(library)
    assert [line for line in _runs(seen, library) if line.startswith(f"a{SAYS}")]
    assert (0.02, False) == tuple(seen.as_dict()["strictness"][key] for key in ("max_error", "guaranteed"))
    assert f"A{SAYS}" in library_page(library)
    with served(library) as page:
        audit = page.get("/api/audit").json()["audit"]
    assert audit["guaranteed"] is False
