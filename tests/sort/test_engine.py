"""What runs the network: torch, or ONNX Runtime where it is installed and gives the same answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.catalog.connection import read_catalog
from classifier.errors import ModelError
from classifier.inference import choose_engine
from classifier.inference.device import Runtime, choose_runtime
from classifier.model import onnx_cache, trained
from classifier.model.bundle import open_bundle
from classifier.model.onnx_cache import Comparison, KeptModel, cache_key, keep
from classifier.settings import RuntimeSettings, Settings
from classifier.sort import predict
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle, with_another_head
from kit.pictures import COLORS, busy, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

CRAWL = {
    f"{color}{seed}.png": encoded(varied(COLORS[color], seed=seed), "PNG")
    for color in ("red", "green", "blue")
    for seed in range(4)
}
CRAWL |= {f"busy{seed}.png": encoded(busy(seed), "PNG") for seed in range(6)}
CRAWL |= {"unsure.png": encoded(plain((120, 120, 120)), "PNG"), "bad.png": b"<html>"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exported networks are kept."""
    monkeypatch.setattr(onnx_cache, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache" / "onnx"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells unknown pictures too."""
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", novelty=True, labeled=True).folder


def sorted_by(
    engine: str, folder: Path, bundle: Path, *, name: str = "", device: str = "auto"
) -> tuple[dict[str, Any], list[str]]:
    """The summary of a sort of CRAWL, and what it said, details included."""
    make_tree(folder / f"crawl{name}", CRAWL)
    progress = SavingProgress()
    runtime = RuntimeSettings.model_validate({"workers": 0, "engine": engine, "device": device})
    library = folder / f"sorted{name or engine}"
    summary = sort(
        folder / f"crawl{name}", library=library, bundle=bundle, settings=Settings(runtime=runtime), progress=progress
    )
    return {key: value for key, value in summary.items() if key != "seconds"}, [*progress.messages, *progress.details]


def decisions(library: Path) -> dict[str, tuple[Any, ...]]:
    """Action, category and confidence in four digits of each picture."""
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture, action, category, round(confidence, 4) FROM decisions")
        return {picture: tuple(decided) for picture, *decided in rows}


def logits(library: Path) -> dict[str, np.ndarray[Any, Any]]:
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture, logits FROM predictions").fetchall()
    return {picture: np.frombuffer(content, "<f4") for picture, content in rows}


def test_both_engines_decide_alike(tmp_path: Path, bundle: Path) -> None:
    pytest.importorskip("onnxruntime")
    by_torch, _ = sorted_by("torch", tmp_path, bundle)
    by_onnx, said = sorted_by("onnx", tmp_path, bundle)

    assert any(line.startswith("Engine onnx: faster than torch, with the same answers for 8 pictures") for line in said)
    assert by_torch == by_onnx
    assert decisions(tmp_path / "sortedtorch") == decisions(tmp_path / "sortedonnx")
    trees = [all_files(tmp_path / f"sorted{engine}") for engine in ("torch", "onnx")]
    assert trees[0].keys() == trees[1].keys()
    for image, expected in logits(tmp_path / "sortedtorch").items():
        np.testing.assert_allclose(logits(tmp_path / "sortedonnx")[image], expected, rtol=1e-4, atol=1e-3)


def test_embeddings_of_one_engine_serve_a_head_under_the_other(tmp_path: Path, bundle: Path) -> None:
    pytest.importorskip("onnxruntime")
    other = with_another_head(tmp_path / "other", open_bundle(bundle), novelty=True).folder
    expected, _ = sorted_by("torch", tmp_path, other, name="new")
    sorted_by("onnx", tmp_path, bundle, name="known")
    found, said = sorted_by("torch", tmp_path, other, name="known")

    assert expected == found
    assert any("are decided by what is known, not read again" in line for line in said)


def test_the_export_is_made_once(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    sorted_by("onnx", tmp_path, bundle, name="1")
    monkeypatch.setattr(choose_engine, "export_onnx", None)
    monkeypatch.setattr(trained, "load_network", None)
    _, said = sorted_by("auto", tmp_path, bundle, name="2")

    assert any(line.startswith("Engine onnx") for line in said)


def test_a_network_that_cannot_be_exported_runs_by_torch_and_says_so_once(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def export(*_: object, **__: object) -> bytes:
        tries.append(1)
        raise ValueError("no such operator\nand so on")

    monkeypatch.setattr(choose_engine, "export_onnx", export)
    monkeypatch.setattr(choose_engine, "cache_key", lambda *_, **__: "0" * 32)
    for module in (onnx_cache, choose_engine):
        monkeypatch.setattr(module, "missing_packages", list)
    for name in ("1", "2"):
        summary, said = sorted_by("onnx", tmp_path, bundle, name=name)
        assert "Engine torch: ONNX Runtime cannot run this network (no such operator)." in said
        assert summary["filed"] > 0
    assert [1] == tries


def test_a_package_that_cannot_be_loaded_is_tried_again_next_time(
    tmp_path: Path, bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise ImportError("DLL load failed")

    monkeypatch.setattr(choose_engine, "export_onnx", broken)
    monkeypatch.setattr(choose_engine, "cache_key", lambda *_, **__: "0" * 32)
    for module in (onnx_cache, choose_engine):
        monkeypatch.setattr(module, "missing_packages", list)
    _, said = sorted_by("onnx", tmp_path, bundle)

    assert "Engine torch: ONNX Runtime cannot run this network (DLL load failed)." in said
    assert not folder.exists()


def test_a_network_that_answers_otherwise_runs_by_torch(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_engine, "cache_key", lambda *_, **__: "0" * 32)
    for module in (onnx_cache, choose_engine):
        monkeypatch.setattr(module, "missing_packages", list)
    keep("0" * 32, KeptModel(model=b"", comparison=Comparison(images=32, difference=0.02, same_best=True)))
    _, said = sorted_by("auto", tmp_path, bundle)

    assert (
        "Engine torch: ONNX Runtime gives other answers for 32 pictures (the largest difference is 2e-02 of the "
        "largest number)." in said
    )


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        ("torch", "Engine torch: as asked for."),
        (
            "auto",
            'Engine torch: ONNX Runtime is not installed, with which a CPU is faster: pip install "illsort[onnx]".',
        ),
    ],
)
def test_torch_runs_the_network_and_says_why(
    tmp_path: Path, bundle: Path, engine: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_cache, "PACKAGES", ("no_such_package",))

    assert line in sorted_by(engine, tmp_path, bundle)[1]


def test_few_pictures_do_not_repay_the_export(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_engine, "cache_key", lambda *_, **__: "0" * 32)
    monkeypatch.setattr(choose_engine, "missing_packages", list)
    _, said = sorted_by("auto", tmp_path, bundle)

    assert any(line.startswith("Engine torch: below ") for line in said)


@pytest.mark.parametrize("many", [1, 1000])
def test_a_slower_engine_is_said_only_where_it_takes_long(
    tmp_path: Path, bundle: Path, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_cache, "PACKAGES", ("no_such_package",))
    monkeypatch.setattr(choose_engine, "REPAYS", many)
    make_tree(tmp_path / "crawl", CRAWL)
    progress = SavingProgress()
    settings = Settings(runtime=RuntimeSettings(workers=0, device="cpu"))
    sort(tmp_path / "crawl", library=tmp_path / "sorted", bundle=bundle, settings=settings, progress=progress)

    said, detailed = (
        any(line.startswith("Engine torch") for line in lines) for lines in (progress.messages, progress.details)
    )
    assert (many == 1, many > 1) == (said, detailed)


def test_onnx_that_is_not_installed_ends_before_anything_is_made(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_cache, "PACKAGES", ("no_such_package",))
    with pytest.raises(ModelError, match="pip install"):
        sorted_by("onnx", tmp_path, bundle)

    assert not (tmp_path / "sortedonnx").exists()


def test_an_export_is_kept_by_all_that_its_numbers_depend_on(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_cache, "_version", lambda name: f"{name} 1")
    first, other = open_bundle(bundle), with_another_head(tmp_path / "other", open_bundle(bundle))
    keys = {cache_key(first, stats=True), cache_key(first, stats=False), cache_key(other, stats=True)}
    monkeypatch.setattr(onnx_cache, "_version", lambda name: f"{name} 2")
    keys |= {cache_key(first, stats=True)}

    assert 4 == len(keys)


def test_several_devices_decide_as_one_does(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the CPU in place of each of three cards."""
    alone, _ = sorted_by("torch", tmp_path, bundle, name="alone")
    one_device = predict.runtime_from_settings
    used: list[Runtime] = []

    def three_devices(settings: RuntimeSettings, *, training: bool) -> Runtime:
        runtime = one_device(settings, training=training)
        used.append(replace(runtime, batch_size=4, others=(runtime.device,) * 2))
        return used[-1]

    monkeypatch.setattr(predict, "runtime_from_settings", three_devices)
    shared, _ = sorted_by("torch", tmp_path, bundle, name="shared")

    assert 1 == len(used)
    assert alone == shared
    assert decisions(tmp_path / "sortedalone") == decisions(tmp_path / "sortedshared")


def test_a_trial_runs_what_a_sort_of_so_many_pictures_would(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = trained.load_network(open_bundle(bundle)).eval()
    runtime = choose_runtime(device="cpu", training=False)

    def tried(requested: str, count: int) -> str:
        return choose_engine.engine_for_trial(network, runtime, requested=requested, count=count)[0]

    monkeypatch.setattr(choose_engine, "missing_packages", list)
    monkeypatch.setattr(choose_engine, "export_onnx", lambda *_, **__: b"model")
    monkeypatch.setattr(choose_engine, "OnnxEngine", lambda *_, **__: None)
    assert ["torch", "torch", "ONNX Runtime", "ONNX Runtime"] == [
        tried(requested, count) for requested, count in (("torch", 5_000), ("auto", 5), ("auto", 5_000), ("onnx", 5))
    ]

    def refused(*_: object, **__: object) -> bytes:
        raise TypeError("no such network")

    monkeypatch.setattr(choose_engine, "export_onnx", refused)
    assert "torch" == tried("onnx", 5_000)
