"""An interrupted sort resumes with its mode, threshold, model and sidecars; differences are asked about."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from classifier.catalog.connection import read_catalog
from classifier.catalog.runs import all_runs, last_settings
from classifier.errors import ModelError
from classifier.model.trained import load_network, save_bundle
from classifier.records import Mode
from classifier.settings import ImageSettings, RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle
from kit.interrupt import Stop, Stopping
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import all_files


def run(
    folder: Path, bundle: Path | None, *, mode: Mode | None = None, sidecars: bool | None = None, **options: Any
) -> list[str]:
    said = {"mode": mode, "sidecars": sidecars, "unknown": options.pop("unknown", None)}
    said["unknown_share"] = options.pop("unknown_share", None)
    chosen = SortSettings.model_validate({name: value for name, value in said.items() if value is not None})
    progress = options.pop("progress", SavingProgress())
    images = options.pop("images", ImageSettings())
    settings = Settings(sort=chosen, images=images, runtime=RuntimeSettings(workers=0))
    sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=settings, progress=progress, **options)
    return [line for line in progress.messages if "stopped" in line]


def last(folder: Path) -> tuple[str, float, str]:
    with read_catalog(folder / "sorted") as catalog:
        rows = catalog.connection.execute("SELECT mode, json_extract(settings, '$.sort.threshold') FROM runs")
        mode, threshold = rows.fetchall()[-1]
        return mode, threshold, all_runs(catalog)[-1].bundle.name


@pytest.fixture
def stopped(tmp_path: Path, bundle: Path) -> Path:
    """A sort of one picture with --mode move and --threshold 0.8 that was stopped."""
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.png").write_bytes(encoded(varied(COLORS["red"], seed=1), "PNG"))
    with pytest.raises(Stop):
        run(tmp_path, bundle, mode=Mode.MOVE, threshold=0.8, progress=Stopping())
    return tmp_path


def test_a_setting_not_given_stays_as_it_was(stopped: Path) -> None:
    said = run(stopped, None)

    assert ["the last sort of this crawl was stopped: it goes on with --mode move"] == said
    assert ("move", 0.8, "colors") == last(stopped)
    assert {} == all_files(stopped / "crawl")


def test_excluded_files_stay_excluded_and_are_reported(stopped: Path, bundle: Path) -> None:
    exclude = ImageSettings(exclude=("*.gif", "b.*"))
    for name in ("b.png", "c.png"):
        (stopped / "crawl" / name).write_bytes(encoded(varied(COLORS["red"], seed=ord(name[0])), "PNG"))
    with pytest.raises(Stop):
        run(stopped, bundle, mode=Mode.MOVE, images=exclude, restart=True, progress=Stopping())
    said = run(stopped, None, images=ImageSettings(exclude=("*.gif", "c.*")))

    assert "the stopped run excluded b.*: it goes on with that; --restart drops it" in said
    assert {"b.png", "c.png"} == set(all_files(stopped / "crawl"))
    run(stopped, None, mode=Mode.MOVE, images=ImageSettings(exclude=("c.*",)))
    assert {"c.png"} == set(all_files(stopped / "crawl"))


def test_without_a_terminal_recorded_values_win_and_are_reported(stopped: Path, bundle: Path) -> None:
    (said,) = run(stopped, bundle, mode=Mode.COPY, threshold=0.5)

    assert "had --mode move, --threshold 0.8: it goes on with that, not with --mode copy, --threshold 0.5" in said
    assert ("move", 0.8, "colors") == last(stopped)


@pytest.mark.parametrize(("answer", "expected"), [(True, "move"), (False, "copy")])
def test_a_changed_mode_is_asked_about(stopped: Path, answer: bool, expected: str) -> None:
    asked: list[str] = []

    def answers(question: str) -> bool:
        asked.append(question)
        return answer

    run(stopped, None, mode=Mode.COPY, on_changed=answers)

    assert ["the stopped run had --mode move, now it is --mode copy; go on as it was begun?"] == asked
    assert (expected, 0.8, "colors") == last(stopped)


def test_restart_uses_the_options_given_now(stopped: Path, bundle: Path) -> None:
    assert [] == run(stopped, bundle, mode=Mode.COPY, restart=True)
    assert ("copy", 0.9, "colors") == last(stopped)


def sidecar(folder: Path) -> None:
    """Put one beside the picture."""
    (folder / "crawl" / "a.png.txt").write_bytes(b"words")


def stop_with_sidecars(folder: Path, bundle: Path) -> None:
    """The same sort, begun anew with sidecars, and stopped once more."""
    sidecar(folder)
    with pytest.raises(Stop):
        run(folder, bundle, mode=Mode.MOVE, sidecars=True, restart=True, progress=Stopping())


@pytest.mark.parametrize("stops", [1, 2])
def test_a_forgotten_sidecars_setting_survives_several_interruptions(stopped: Path, bundle: Path, stops: int) -> None:
    stop_with_sidecars(stopped, bundle)
    for _ in range(stops - 1):
        with pytest.raises(Stop):
            run(stopped, None, progress=Stopping())
    said = run(stopped, None)

    expected = "the last sort of this crawl was stopped: it goes on with --mode move and --set sort.sidecars=true"
    assert [expected] == said
    assert {} == all_files(stopped / "crawl")
    assert [b"words"] == [path.read_bytes() for path in (stopped / "sorted").rglob("a.png.txt")]


def test_changed_sidecars_are_reported_and_unchanged(stopped: Path) -> None:
    sidecar(stopped)
    (said,) = run(stopped, None, sidecars=True)

    assert "had --set sort.sidecars=false: it goes on with that, not with --set sort.sidecars=true;" in said
    assert {"a.png.txt": b"words"} == all_files(stopped / "crawl")


@pytest.mark.parametrize(("answer", "left"), [(True, {}), (False, {"a.png.txt": b"words"})])
def test_changed_sidecars_are_asked_about(stopped: Path, bundle: Path, answer: bool, left: dict[str, bytes]) -> None:
    stop_with_sidecars(stopped, bundle)
    asked: list[str] = []

    def answers(question: str) -> bool:
        asked.append(question)
        return answer

    run(stopped, None, sidecars=False, on_changed=answers)

    was, now = "--set sort.sidecars=true", "--set sort.sidecars=false"
    assert [f"the stopped run had {was}, now it is {now}; go on as it was begun?"] == asked
    assert left == all_files(stopped / "crawl")


def test_restart_drops_the_sidecars_too(stopped: Path, bundle: Path) -> None:
    stop_with_sidecars(stopped, bundle)

    assert [] == run(stopped, bundle, mode=Mode.MOVE, restart=True)
    assert {"a.png.txt": b"words"} == all_files(stopped / "crawl")


def test_another_model_is_a_change(stopped: Path, tmp_path: Path) -> None:
    same = color_bundle(tmp_path / "same")
    network = load_network(same)
    network.head.bias.data += 0.01
    other = save_bundle(tmp_path / "other", network=network, manifest=same.manifest, evaluation={}).folder
    (said,) = run(stopped, other)

    assert "another model" in said
    assert ("move", 0.8, "colors") == last(stopped)


def test_the_same_model_in_another_folder_is_none(stopped: Path, tmp_path: Path) -> None:
    other = color_bundle(tmp_path / "other").folder
    run(stopped, other)

    assert ("move", 0.8, "other") == last(stopped)


def train_again(bundle: Path) -> Path:
    """Another model in the same folder."""
    same = color_bundle(bundle.parent / "same")
    network = load_network(same)
    network.head.bias.data += 0.01
    shutil.rmtree(bundle)
    return save_bundle(bundle, network=network, manifest=same.manifest, evaluation={}).folder


@pytest.fixture
def trained_again(tmp_path: Path) -> Path:
    """The folder of a model that was trained again while a sort with it was stopped."""
    own = color_bundle(tmp_path / "own").folder
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.png").write_bytes(encoded(varied(COLORS["red"], seed=1), "PNG"))
    with pytest.raises(Stop):
        run(tmp_path, own, mode=Mode.COPY, threshold=0.8, progress=Stopping())
    return train_again(own)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_retrained_model_is_reported(trained_again: Path, is_given: bool) -> None:
    said = run(trained_again.parent, trained_again if is_given else None)

    assert f"no longer in {trained_again}" in said[0]
    assert f"goes on with --model {trained_again}, which decides everything again, at --threshold 0.8" in said[0]
    assert ["the last sort of this crawl was stopped: it goes on with --mode copy"] == said[1:]


def test_a_model_given_in_place_of_one_that_is_gone_is_taken(trained_again: Path) -> None:
    other = trained_again.rename(trained_again.with_name("other"))
    (said, *_) = run(trained_again.parent, other)

    assert f"goes on with --model {other}" in said
    assert ("copy", 0.8, "other") == last(trained_again.parent)


def test_a_model_that_was_trained_again_is_asked_about(trained_again: Path) -> None:
    with pytest.raises(ModelError, match="--restart to begin anew"):
        run(trained_again.parent, None, on_changed=lambda _: False)
    assert [] == list((trained_again.parent / "sorted").glob("*/*.png"))
    asked: list[str] = []
    run(trained_again.parent, None, on_changed=lambda question: not asked.append(question))

    assert 1 == len(asked)
    assert ("copy", 0.8, "own") == last(trained_again.parent)


def test_a_finished_sort_does_not_bind_the_next(stopped: Path) -> None:
    run(stopped, None)

    assert [] == run(stopped, None, mode=Mode.COPY)
    assert ("copy", 0.9, "colors") == last(stopped)


def test_another_crawl_is_not_bound(stopped: Path, bundle: Path) -> None:
    (stopped / "another").mkdir()
    settings = Settings(runtime=RuntimeSettings(workers=0))
    sort(stopped / "another", library=stopped / "sorted", bundle=bundle, settings=settings)

    assert "link" == last(stopped)[0]


def unknown(folder: Path) -> tuple[bool, float]:
    with read_catalog(folder / "sorted") as catalog:
        kept = last_settings(catalog, "sort")["sort"]
    return kept["unknown"], kept["unknown_share"]


def test_the_unknown_setting_of_an_interrupted_sort_stays(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.png").write_bytes(encoded(varied(COLORS["red"], seed=1), "PNG"))
    with pytest.raises(Stop):
        run(tmp_path, bundle, unknown_share=0.3, progress=Stopping())

    (said,) = run(tmp_path, bundle, unknown=False, progress=SavingProgress())

    assert "had --set sort.unknown_share=0.3: it goes on with that, not with --set sort.unknown=false" in said
    assert (True, 0.3) == unknown(tmp_path)
    run(tmp_path, bundle, unknown=False)
    assert (False, 0.05) == unknown(tmp_path)
