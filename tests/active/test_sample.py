"""A sample as folders before and after: it waits in `_review`, and the crawl is unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.active import encoder
from classifier.active.sample import Sample, take_sample
from classifier.catalog import embeddings, files, runs
from classifier.catalog.connection import read_catalog
from classifier.errors import LibraryError, SettingsError
from classifier.filing.undo import undo
from classifier.images import heif as heif_module
from classifier.inference.pipeline import infer
from classifier.records import Mode
from classifier.settings import ModelSettings, RuntimeSettings, Settings, SortSettings
from kit.interrupt import Stop
from kit.newer_formats import heif
from kit.pictures import busy, encoded
from kit.progress import SavingProgress
from kit.reviewing import sort_again
from kit.tree import all_files

SETTINGS = Settings(model=ModelSettings(image_size=64), runtime=RuntimeSettings(workers=0))


def crawl_of(folder: Path, count: int) -> Path:
    """`count` images without near-duplicates."""
    crawl = folder / "crawl"
    crawl.mkdir(exist_ok=True)
    for number in range(count):
        (crawl / f"{number:02}.png").write_bytes(encoded(busy(number, (120, 90)), "PNG"))
    return crawl


def sampled(folder: Path, *, count: int | None = None, more: int = 0, settings: Settings = SETTINGS) -> Sample:
    return take_sample(folder / "crawl", library=folder / "labels", settings=settings, count=count, more=more)


def waiting(folder: Path) -> set[str]:
    return {name.removeprefix("_review/") for name in all_files(folder / "labels") if name.startswith("_review/")}


def test_a_sample_waits_in_review_and_the_crawl_is_unchanged(tmp_path: Path) -> None:
    crawl = crawl_of(tmp_path, 5)
    before = all_files(crawl)

    sample = sampled(tmp_path)

    assert set(before) == waiting(tmp_path)
    assert before == all_files(crawl)
    assert (5, 5, 0, 0, 0) == (sample.drawn, sample.waiting, sample.repeated, sample.broken, sample.failed)
    with read_catalog(tmp_path / "labels") as catalog:
        kept = sum(
            1
            for _ in embeddings.locations_of(
                catalog, [one for one, _, _ in files.readable(catalog, crawl=crawl)], backbone=sample.backbone
            )
        )
    assert 5 == kept


def test_near_duplicates_are_left_out_and_broken_images_listed(tmp_path: Path) -> None:
    crawl = crawl_of(tmp_path, 3)
    (crawl / "00 again.png").write_bytes((crawl / "00.png").read_bytes())
    (crawl / "01 smaller.jpg").write_bytes(encoded(busy(1, (120, 90)).resize((108, 81)), "JPEG", quality=92))
    (crawl / "cut.png").write_bytes((crawl / "02.png").read_bytes()[:40])

    sample = sampled(tmp_path)

    assert (3, 2, 1) == (sample.waiting, sample.repeated, sample.broken)
    assert "cut.png" in (tmp_path / "labels" / "_broken.csv").read_text(encoding="utf-8-sig")
    assert 0 == sampled(tmp_path).waiting


def test_a_sample_takes_formats_that_are_read_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = crawl_of(tmp_path, 2)
    (crawl / "new.heic").write_bytes(heif(busy(7, (120, 90))))
    with monkeypatch.context() as without:
        without.setattr(heif_module, "is_installed", lambda: False)
        assert 1 == sampled(tmp_path).broken

    assert 0 == sampled(tmp_path).broken
    assert "new.heic" in waiting(tmp_path)


def test_a_crawl_without_a_readable_image_gives_an_empty_sample(tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "cut.png").write_bytes(encoded(busy(1, (120, 90)), "PNG")[:40])

    assert sampled(tmp_path).waiting == 0


def test_a_second_call_continues_the_sample_and_more_adds_to_it(tmp_path: Path) -> None:
    crawl_of(tmp_path, 12)

    sampled(tmp_path, count=4)
    first = waiting(tmp_path)
    assert 4 == len(first)
    assert 0 == sampled(tmp_path).waiting
    assert 3 == sampled(tmp_path, more=3).waiting

    assert 7 == len(waiting(tmp_path))
    assert first < waiting(tmp_path)


def test_after_a_kill_no_image_is_embedded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl_of(tmp_path, 6)
    read: list[int] = []

    def dying(paths, *rest, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
        for number, result in enumerate(infer(paths, *rest, **options)):
            if number == 4 and not read:
                read.append(number)
                raise Stop
            yield result

    monkeypatch.setattr(encoder, "infer", dying)
    monkeypatch.setattr(encoder, "_BATCH", 2)
    with pytest.raises(Stop):
        sampled(tmp_path)
    progress = SavingProgress()
    take_sample(tmp_path / "crawl", library=tmp_path / "labels", settings=SETTINGS, progress=progress)

    assert [2] == [stage.total for stage in progress.stages if stage.name == "looking"]
    assert 6 == len(waiting(tmp_path))


def test_an_undone_sample_can_be_drawn_again(tmp_path: Path) -> None:
    crawl_of(tmp_path, 3)
    sampled(tmp_path)
    before = waiting(tmp_path)

    undo(tmp_path / "labels")
    assert set() == waiting(tmp_path)
    sampled(tmp_path)

    assert before == waiting(tmp_path)


def test_sampling_is_recorded_as_a_run_of_its_kind(tmp_path: Path) -> None:
    crawl_of(tmp_path, 3)
    sampled(tmp_path)
    with read_catalog(tmp_path / "labels") as catalog:
        assert [("label", 3)] == [(run.kind, run.summary["pictures"]) for run in runs.all_runs(catalog)]


def test_a_sample_never_moves_out_of_the_crawl(tmp_path: Path) -> None:
    crawl_of(tmp_path, 1)
    moving = SETTINGS.model_copy(update={"sort": SortSettings(mode=Mode.MOVE)})
    with pytest.raises(SettingsError, match="stays in the crawl"):
        sampled(tmp_path, settings=moving)


def test_a_library_that_was_sorted_into_takes_no_sample(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.png").write_bytes(encoded(busy(), "PNG"))
    sort_again(tmp_path, bundle)
    with pytest.raises(LibraryError, match="folder of their own"):
        take_sample(tmp_path / "crawl", library=tmp_path / "sorted", settings=SETTINGS)
