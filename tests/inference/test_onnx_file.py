"""A model's network as an ONNX file: it answers as torch does, and says how to prepare pictures for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from classifier.errors import ModelError
from classifier.inference import onnx_file
from classifier.inference.onnx_engine import drawn_pixels
from classifier.inference.onnx_file import export_network
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.combined_head import logits_of
from classifier.model.onnx_cache import Comparison
from classifier.model.trained import load_network
from kit.bundles import CATEGORIES, color_bundle
from kit.commands import illsort

_NEEDS = ("onnx", "onnxruntime", "onnxscript")


@pytest.fixture(scope="module", params=[False, True], ids=["last layer", "combined head"])
def bundle(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Bundle:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", combined=request.param)


def test_the_written_file_answers_as_torch_and_names_its_categories(bundle: Bundle, tmp_path: Path) -> None:
    for name in _NEEDS:
        pytest.importorskip(name)
    import onnxruntime  # noqa: PLC0415 - an extra

    to = tmp_path / "colors.onnx"
    ended = illsort("export", bundle.folder, "--onnx", to)
    assert 0 == ended.returncode
    assert f"network exported: {to}; it answers as torch does for 8 drawn pictures" in ended.stdout

    session = onnxruntime.InferenceSession(to.read_bytes(), providers=["CPUExecutionProvider"])
    network, pixels = load_network(bundle), drawn_pixels(bundle.manifest.image_size)
    found = session.run(["logits"], {"pixels": pixels.numpy()})[0]
    with torch.inference_mode():
        embeddings, stats = (part.numpy() for part in network.embed_with_stats(network.normalize(pixels)))
    expected = logits_of(bundle.load_head(), embeddings, stats)
    assert float(np.abs(found - expected).max()) <= 1e-4 * float(np.abs(expected).max())
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()

    told = session.get_modelmeta().custom_metadata_map
    preparing = json.loads(told["preprocessing"])
    assert list(CATEGORIES) == json.loads(told["categories"])
    assert (1.0, "softmax(logits / temperature)") == (json.loads(told["temperature"]), told["probabilities"])
    assert (32, 2.0) == (preparing["image_size"], preparing["max_squeeze"])
    assert preparing["mean"] == pytest.approx((network.mean.flatten() / 255).tolist(), abs=1e-6)
    assert preparing["std"] == pytest.approx((network.std.flatten() / 255).tolist(), abs=1e-6)


def test_a_model_that_would_answer_otherwise_is_not_written(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "export_onnx", lambda *_, **__: b"")
    monkeypatch.setattr(onnx_file, "OnnxEngine", lambda *_, **__: None)
    monkeypatch.setattr(onnx_file, "compare", lambda *_: Comparison(images=8, difference=0.5, same_best=True))
    monkeypatch.setattr("classifier.model.onnx_cache.missing_packages", list)
    ended = illsort("export", bundle.folder, "--onnx", tmp_path / "x.onnx")

    assert 2 == ended.returncode
    assert "gives other answers than torch for 8 pictures (the largest difference is 5e-01" in ended.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_network_that_cannot_be_exported_is_one_line(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise RuntimeError("no such operator\nand a page more")

    monkeypatch.setattr(onnx_file, "export_onnx", refuse)
    with pytest.raises(ModelError, match=r"cannot be written as ONNX: no such operator$"):
        export_network(open_bundle(bundle.folder))


def test_what_keeps_a_network_from_being_written_is_one_line_before_any_work(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine := tmp_path / "mine.onnx").write_bytes(b"mine")
    monkeypatch.setattr("classifier.model.onnx_cache.missing_packages", list)

    assert "its name must end in .onnx" in illsort("export", bundle.folder, "--onnx", tmp_path / "x.pt").stderr
    assert "is there already; --force" in illsort("export", bundle.folder, "--onnx", mine).stderr
    assert "illsort.json" in illsort("export", tmp_path, "--onnx", tmp_path / "x.onnx").stderr
    assert "give one of" in illsort("export", bundle.folder, "--onnx", mine, "--to", tmp_path / "x.csv").stderr
    monkeypatch.setattr("classifier.model.onnx_cache.missing_packages", lambda: ["onnx"])
    ended = illsort("export", bundle.folder, "--onnx", tmp_path / "x.onnx")
    assert (2, 'onnx is not installed: pip install "illsort[onnx]"') == (ended.returncode, ended.stderr.strip()[-50:])
    assert [mine] == list(tmp_path.iterdir())
