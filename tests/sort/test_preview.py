"""A preview reads as a sort does and keeps what it read; the sort after it reads no picture and files the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.runs import run_states
from classifier.catalog.stats import library_stats
from classifier.errors import LibraryError
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.last_preview import last_preview
from classifier.sort.pipeline import sort
from classifier.sort.planned_moves import PlannedMove
from classifier.sort.preview import preview
from kit.bundles import color_bundle, with_another_head
from kit.interrupt import Stop, Stopping
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree, read_tree

RED = encoded(varied(COLORS["red"], seed=0), "PNG")
CRAWL = {
    "a.png": RED,
    "b": {"a.png": encoded(varied(COLORS["red"], seed=1), "PNG"), "again.png": RED},
    "g.png": encoded(varied(COLORS["green"], seed=2), "PNG"),
    "u.png": encoded(plain((120, 120, 120)), "PNG"),
    "p.jpg": b"<html>404</html>",
}


def options(folder: Path, bundle: Path | None, mode: Mode = Mode.LINK) -> dict[str, Any]:
    settings = Settings(sort=SortSettings(mode=mode), runtime=RuntimeSettings(workers=0))
    return {"library": folder / "sorted", "bundle": bundle, "settings": settings}


def counts(summary: dict[str, Any]) -> dict[str, Any]:
    """What a sort and its preview have in common."""
    extra = {"seconds", "strictness", "table", "steps", "asked", "samples", "run"}
    return {key: value for key, value in summary.items() if key not in extra}


def decisions(folder: Path) -> list[tuple[Any, ...]]:
    with read_catalog(folder / "sorted") as catalog:
        rows = catalog.connection.execute(
            "SELECT picture, action, category, confidence, reason_code, reason_params FROM decisions ORDER BY picture"
        )
        return rows.fetchall()


@pytest.mark.parametrize("mode", Mode)
def test_the_sort_after_a_preview_reads_nothing_and_files_the_same(
    tmp_path: Path, bundle: Path, reads: list[Path], mode: Mode
) -> None:
    for name in ("seen", "unseen"):
        make_tree(tmp_path / name / "crawl", CRAWL)
    planned: list[PlannedMove] = []
    summary = preview(tmp_path / "seen" / "crawl", **options(tmp_path / "seen", bundle, mode), show=planned.append)
    assert CRAWL == read_tree(tmp_path / "seen" / "crawl")
    assert [".illsort"] == [path.name for path in (tmp_path / "seen" / "sorted").iterdir()]
    reads.clear()
    done = sort(tmp_path / "seen" / "crawl", **options(tmp_path / "seen", bundle, mode))

    assert [] == reads
    assert counts(summary) == counts(done)
    sort(tmp_path / "unseen" / "crawl", **options(tmp_path / "unseen", bundle, mode))
    assert decisions(tmp_path / "unseen") == decisions(tmp_path / "seen")
    files = [set(all_files(tmp_path / name / "sorted")) for name in ("seen", "unseen")]
    assert files[0] == files[1]
    targets = {one.target.relative_to(tmp_path / "seen" / "sorted").as_posix() for one in planned if one.target}
    assert files[0] - {"_broken.csv"} == targets
    assert {mode.value} == {one.method.value for one in planned}


def test_a_preview_over_a_sorted_library_moves_nothing_and_decides_nothing(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    sort(crawl, **options(tmp_path, bundle))
    (crawl / "g.png").write_bytes(CRAWL["g.png"])  # type: ignore[arg-type]
    before, decided = read_tree(tmp_path / "sorted"), decisions(tmp_path)
    planned: list[PlannedMove] = []
    summary = preview(crawl, **options(tmp_path, None), show=planned.append)

    assert (before, decided) == (read_tree(tmp_path / "sorted"), decisions(tmp_path))
    assert [crawl / "g.png"] == [one.source for one in planned]
    assert 2 == summary["filed"]


def test_another_model_reads_no_picture_of_the_same_backbone(tmp_path: Path, bundle: Path, reads: list[Path]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    preview(tmp_path / "crawl", **options(tmp_path, bundle))
    reads.clear()
    from classifier.model.bundle import open_bundle  # noqa: PLC0415 - with the fixture's model alone

    another = with_another_head(tmp_path / "another", open_bundle(bundle)).folder
    preview(tmp_path / "crawl", **options(tmp_path, another))

    assert [] == reads


def test_a_first_sort_without_a_model_takes_the_one_of_the_preview(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    preview(crawl, **options(tmp_path, bundle))

    assert 1 == sort(crawl, **options(tmp_path, None))["filed"]


def test_a_preview_of_another_model_does_not_become_the_librarys(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    sort(crawl, **options(tmp_path, bundle))
    preview(crawl, **options(tmp_path, color_bundle(tmp_path / "second").folder))
    sort(crawl, **options(tmp_path, None))

    with read_catalog(tmp_path / "sorted") as catalog:
        assert ["sort", "preview", "sort"] == [run.kind for run in runs.all_runs(catalog)]
        assert bundle == runs.all_runs(catalog)[-1].bundle


def test_what_a_killed_preview_read_is_not_read_again(tmp_path: Path, bundle: Path, reads: list[Path]) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)

    class KilledWhilePlanning(SavingProgress):
        def stage(self, name: str, *, total: int | None, unit: str) -> Any:
            if name == "planning":
                raise Stop
            return super().stage(name, total=total, unit=unit)

    with pytest.raises(Stop):
        preview(crawl, **options(tmp_path, bundle), progress=Stopping())
    assert [] == reads
    with pytest.raises(Stop):
        preview(crawl, **options(tmp_path, None), progress=KilledWhilePlanning())
    reads.clear()
    sort(crawl, **options(tmp_path, None))

    assert [] == reads
    with read_catalog(tmp_path / "sorted") as catalog:
        states = run_states(catalog, runs.all_runs(catalog))
    assert {1: "finished by #3", 2: "finished by #3", 3: "done"} == {run: str(state) for run, state in states.items()}


def test_a_stopped_sort_is_resumed_after_a_preview_of_it(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    with pytest.raises(Stop):
        sort(crawl, **options(tmp_path, bundle, Mode.COPY), progress=Stopping())
    unsaid = options(tmp_path, bundle) | {"settings": Settings(runtime=RuntimeSettings(workers=0))}
    planned: list[PlannedMove] = []
    preview(crawl, **unsaid, show=planned.append)
    said = SavingProgress()
    sort(crawl, **unsaid, progress=said)

    assert ["copy"] == [one.method for one in planned]
    assert "the last sort of this crawl was stopped: it goes on with --mode copy" in said.messages
    assert 1 == (tmp_path / "sorted" / "red" / "a.png").stat().st_nlink


def test_a_preview_beside_a_running_sort_is_refused_in_one_line(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    with hold_lock(tmp_path / "sorted"), pytest.raises(LibraryError, match="is in use by illsort, process"):
        preview(crawl, **options(tmp_path, bundle))


def test_a_lost_catalog_is_rebuilt_before_a_preview_takes_a_number(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    sort(crawl, **options(tmp_path, bundle))
    (tmp_path / "sorted" / ".illsort" / "catalogue.sqlite").unlink()
    preview(crawl, **options(tmp_path, bundle))

    assert 1 == undo(tmp_path / "sorted").undone
    assert {} == all_files(tmp_path / "sorted")


def test_a_deleted_picture_counts_again_only_with_restore_deleted(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    sort(crawl, **options(tmp_path, bundle))
    (tmp_path / "sorted" / "red" / "a.png").unlink()

    assert 1 == preview(crawl, **options(tmp_path, None))["deleted"]
    assert 1 == preview(crawl, **options(tmp_path, None), restore_deleted=True)["filed"]
    assert 1 == sort(crawl, **options(tmp_path, None))["deleted"]


def test_a_library_that_was_only_previewed_holds_nothing(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    preview(crawl, **options(tmp_path, bundle))
    stats, checked = library_stats(tmp_path / "sorted"), verify(tmp_path / "sorted")

    assert ({}, {}, 0) == (stats.filed, stats.review, stats.unknown)
    assert ["p.jpg"] == [path.name for path, _ in stats.failures]
    assert (0, [], []) == (checked.checked, list(checked.off), list(checked.yours))
    assert undo(tmp_path / "sorted").tried is None


def test_the_last_preview_is_read_from_the_catalog(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    summary = preview(crawl, **options(tmp_path, bundle), threshold=0.8)
    found = last_preview(tmp_path / "sorted")
    assert found is not None
    assert found.is_current
    assert summary["steps"] == found.numbers["steps"]
    assert 0.8 == summary["steps"][summary["asked"]]["threshold"]
    begin = f"illsort sort {crawl} --out {tmp_path / 'sorted'} --model {bundle}"
    assert f"{begin} --threshold 0.8 --mode link" == found.sort_command()
    assert f"{begin} --threshold 0.95 --mode link" == found.sort_command(0.95)
    sort(crawl, **options(tmp_path, None))
    assert not last_preview(tmp_path / "sorted").is_current  # type: ignore[union-attr]


def test_the_table_counts_what_the_sort_files(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    table = preview(crawl, **options(tmp_path, bundle))["table"]
    sort(crawl, **options(tmp_path, None))
    stats = library_stats(tmp_path / "sorted")

    assert stats.filed == {row["category"]: row["filed"] for row in table if row["filed"]}
    assert stats.review == {row["category"]: row["review"] for row in table if row["review"]}
