"""An untrusted bundle: whatever is wrong in it is refused in one line when it is opened."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from classifier.errors import IllsortError, LibraryError, ModelError
from classifier.model.backbone import load_backbone
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.bundle_files import CONFIG, EVALUATION, HOLDOUT, MANIFEST, OOD, WEIGHTS
from classifier.model.holdout import load_holdout
from classifier.model.labeled_embeddings import load_labeled_embeddings
from classifier.model.trained import load_network
from classifier.report.model_report import write_bundle_report
from classifier.settings import RuntimeSettings, Settings, load
from classifier.sort.pipeline import sort
from classifier.training.pipeline import train_model
from kit.bundles import color_bundle

NAMES = [
    *(
        "../x",
        "/x",
        "a/",
        "a//b",
        "a/../b",
        "a/_b",
        "a/b/c/d",
        ".",
        "..",
        "_review",
        "_x",
        ".x",
        "",
        " ",
        "a\0b",
        "a\nb",
        "\ud800",
        "a\u202eb",
        "a\u2066b",
    ),
    *("con", "NUL", "com1.png", "a:b", "a\\b", "x.", " x", "x" * 201, "\x1b]0;x\x07", "a\u200bb"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "colors"
    return color_bundle(folder, labeled=True, novelty=True, evidence=30).folder


@pytest.fixture(scope="module")
def bundle(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that tests change and put back."""
    folder = tmp_path_factory.mktemp("copy") / "colors"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def _put_back(made: Path, bundle: Path) -> None:
    for path in made.iterdir():
        (bundle / path.name).write_bytes(path.read_bytes())


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), encoding="utf-8")


def rehash(folder: Path, name: str, field: str) -> None:
    """As a stranger would, who writes the manifest by hand too."""
    change(folder, MANIFEST, **{field: hashlib.sha256((folder / name).read_bytes()).hexdigest()})


def reweigh(folder: Path, changed: Callable[[dict[str, Any]], object]) -> None:
    tensors = {name: values.copy() for name, values in load_file(folder / WEIGHTS).items()}
    changed(tensors)
    save_file(tensors, folder / WEIGHTS)
    rehash(folder, WEIGHTS, "weights_sha256")


def refused(open_it: Callable[[], object], *says: str) -> None:
    with pytest.raises(IllsortError) as caught:
        open_it()
    message = str(caught.value)
    assert all(part in message for part in says), message
    assert message.isprintable()


def with_categories(folder: Path, names: list[str]) -> None:
    change(folder, MANIFEST, categories=names)
    change(folder, CONFIG, label_names=names)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:12])
def test_a_category_that_is_not_a_folder_name_everywhere_is_refused(bundle: Path, name: str) -> None:
    with_categories(bundle, ["blue", "green", name])
    refused(lambda: open_bundle(bundle), MANIFEST)
    refused(lambda: write_bundle_report(bundle), MANIFEST)


@pytest.mark.parametrize("twin", ["Blue", "BLUE", "blue"])
def test_categories_that_are_one_folder_somewhere_are_refused(bundle: Path, twin: str) -> None:
    with_categories(bundle, ["blue", "green", twin])
    refused(lambda: open_bundle(bundle), "are one folder on some systems")


def test_categories_differing_only_in_unicode_form_are_refused(bundle: Path) -> None:
    composed, apart = "ガール", unicodedata.normalize("NFD", "ガール")
    with_categories(bundle, ["blue", composed, apart])
    refused(lambda: open_bundle(bundle), "are one folder on some systems")
    with_categories(bundle, ["blue", "green", apart])
    assert apart in open_bundle(bundle).manifest.categories


@pytest.mark.parametrize("names", [[], ["blue"], ["blue", "green"], ["blue", "green", "red", "white"]])
def test_another_number_of_categories_than_the_head_has_is_refused(bundle: Path, names: list[str]) -> None:
    with_categories(bundle, names)
    refused(lambda: open_bundle(bundle))
    change(bundle, CONFIG, num_classes=len(names))
    refused(lambda: open_bundle(bundle))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("temperature", value) for value in (0, -1, 1e-9, 1e9, float("nan"), float("inf"), "1", None, True, [1])),
        *(("threshold", value) for value in (0, 1, 2, -0.1, float("nan"), "x", None)),
        *(("image_size", value) for value in (0, -1, 10**9, 1.5, float("nan"), "32px")),
        *(("max_squeeze", value) for value in (0, 0.5, float("inf"), 1e12)),
        *(("settings", value) for value in ([], "x", {"train": []}, {"train": "head"}, {"images": None})),
        *(("settings", {"images": {"max_megapixels": value}}) for value in ("x", -1, 1e9, None, True, [])),
        *(("measured", value) for value in ([], {"labels": "x"}, {"labels": [1]}, {"x": {"y": 1}})),
        *(("versions", value) for value in ([], {"illsort": 1}, None)),
        *(("head", value) for value in ("fc", ["a"], ["a", "b", "c"], ["no such", "tensor"], [1, 2])),
        *(("weights_sha256", value) for value in ("../x", 1, None, "0" * 64)),
        *(("files", value) for value in ([], {"README.md": "x"}, "x")),
        *(("backbone", value) for value in (1, None, "x" * 5000, "\udce4")),
        ("categories", "blue"),
        ("categories", {"blue": 1}),
        ("format", "1"),
        ("format", {"x" * 10_000: 1}),
        ("novelty_sha256", "0" * 64),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_field_of_the_wrong_kind_or_out_of_range_is_refused(bundle: Path, field: str, value: Any) -> None:
    change(bundle, MANIFEST, **{field: value})
    refused(lambda: open_bundle(bundle), "colors")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "[" * 100_000, '{"a":' * 100_000, "1" * 5000, '{"format": ' + "9" * 5000 + "}", "\ufeff{}"],
    ids=lambda text: text[:6],
)
@pytest.mark.parametrize("name", [MANIFEST, CONFIG])
def test_json_that_is_none_or_too_deep_is_refused(bundle: Path, name: str, text: str) -> None:
    (bundle / name).write_text(text, encoding="utf-8")
    refused(lambda: open_bundle(bundle), "colors")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["head", "body"])
def test_weights_that_are_not_finite_are_refused(bundle: Path, where: str, value: float) -> None:
    head = open_bundle(bundle).manifest.head
    assert head is not None

    def spoil(tensors: dict[str, Any]) -> None:
        name = head[0] if where == "head" else next(name for name in tensors if name.endswith("running_var"))
        tensors[name].flat[-1] = value

    reweigh(bundle, spoil)
    refused(lambda: open_bundle(bundle), WEIGHTS, "not finite")
    refused(lambda: train_model(training_from(bundle)), "not finite")
    (bundle / MANIFEST).unlink()
    refused(lambda: load_backbone(f"local-dir:{bundle}", num_categories=3), "not finite")


def test_a_bfloat16_that_is_not_finite_is_refused(bundle: Path) -> None:
    from safetensors.torch import load_file as load_torch  # noqa: PLC0415 - numpy has no such type
    from safetensors.torch import save_file as save_torch  # noqa: PLC0415

    tensors = {name: values.bfloat16() if values.is_floating_point() else values for name, values in
               load_torch(bundle / WEIGHTS).items()}  # fmt: skip
    save_torch(tensors, bundle / WEIGHTS)
    rehash(bundle, WEIGHTS, "weights_sha256")
    open_bundle(bundle)
    next(values for values in tensors.values() if values.is_floating_point()).view(-1)[0] = torch.inf
    save_torch(tensors, bundle / WEIGHTS)
    rehash(bundle, WEIGHTS, "weights_sha256")
    refused(lambda: open_bundle(bundle), "not finite")


def test_a_head_of_another_width_or_shape_is_refused(bundle: Path) -> None:
    weight, bias = open_bundle(bundle).manifest.head or ("", "")
    reweigh(bundle, lambda tensors: tensors.update({weight: tensors[weight][:, :-1].copy()}))
    refused(lambda: open_bundle(bundle), "numbers, the head takes")
    reweigh(bundle, lambda tensors: tensors.update({bias: tensors[bias][:-1].copy()}))
    refused(lambda: open_bundle(bundle), "its head answers for")
    reweigh(bundle, lambda tensors: tensors.pop(weight))
    refused(lambda: open_bundle(bundle), "holds no head called")


@pytest.mark.parametrize("arguments", [{"width": 10**6}, {"a": {"b": [1, 10**9]}}, [], "x", {"num_classes": 7}])
def test_a_network_other_than_illsort_writes_is_not_built(bundle: Path, arguments: Any) -> None:
    change(bundle, CONFIG, model_args=arguments)
    refused(lambda: open_bundle(bundle), CONFIG)


def test_a_network_far_larger_than_its_weights_is_not_built(bundle: Path) -> None:
    change(bundle, CONFIG, architecture="vit_giant_patch14_dinov2", model_args={"num_classes": 3})
    refused(lambda: load_network(open_bundle(bundle)), "its config.json asks for")


def test_an_ood_detector_of_another_width_is_refused(bundle: Path) -> None:
    arrays = load_file(bundle / OOD)
    save_file(arrays | {"axes": arrays["axes"][:-1].copy()}, bundle / OOD)
    rehash(bundle, OOD, "novelty_sha256")
    refused(lambda: open_bundle(bundle), OOD, "the head takes")


def npy(shape: tuple[int, ...], kind: str, content: bytes = b"") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue() + content


def packed(path: Path, arrays: dict[str, bytes], *, packing: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", packing, compresslevel=1) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)


@pytest.mark.parametrize(
    "logits",
    [
        lambda: npy((10**9, 3), "<f4"),
        lambda: npy((2**62, 2**62), "<f4"),
        lambda: npy((25_000_000, 3), "<f4", bytes(300_000_000)),
        lambda: npy((1,), "|O"),
        lambda: npy((1,), "<U100000000"),
        lambda: b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"(" * 5000,
        lambda: b"\x93NUMPY\x09\x00rest",
        lambda: b"",
    ],
    ids=["12 GB", "too many", "bomb", "objects", "long text", "deep header", "version", "empty"],
)
@pytest.mark.parametrize("read", [load_holdout, load_labeled_embeddings])
def test_arrays_that_claim_too_much_memory_are_refused(
    tmp_path: Path, logits: Callable[[], bytes], read: Callable[..., object]
) -> None:
    path = tmp_path / HOLDOUT
    packed(path, {"logits": logits(), "scale": npy((), "<f4", bytes(4))})
    tracemalloc.start()
    try:
        refused(lambda: read(path, categories=3), HOLDOUT)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


def test_other_packings_and_pipes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / HOLDOUT
    packed(path, {"logits": npy((1, 3), "<f4", bytes(12))}, packing=zipfile.ZIP_LZMA)
    refused(lambda: load_holdout(path, categories=3), "packed as illsort packs no file")
    packed(path, {f"{number}": npy((), "<f4", bytes(4)) for number in range(100)})
    refused(lambda: load_holdout(path, categories=3), "packed as illsort packs no file")


def test_a_damaged_bundle_is_refused_before_a_run_is_recorded(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.png").write_bytes(b"")
    with_categories(bundle, ["blue", "green", "../x"])
    library, chosen = tmp_path / "sorted", Settings(runtime=RuntimeSettings(workers=0))
    refused(lambda: sort(tmp_path / "crawl", library=library, bundle=bundle, settings=chosen), MANIFEST)
    assert not library.exists()


def training_from(bundle: Path) -> Settings:
    """Whose labels are not there: a bundle that is refused is refused before they are looked for."""
    folder = bundle.parent / "no labels"
    return load(
        None,
        [f"labels.folder={folder}", f"model.folder={bundle.parent / 'new'}", f"model.backbone=local-dir:{bundle}"],
    )


SMALL = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from([*NAMES, "blue", "red", "0" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def leaves(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values within a JSON value."""
    inner = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    return [path] * bool(path) + [way for key, one in inner for way in leaves(one, (*path, key))]


def mutated(values: Any, way: tuple[Any, ...], value: Any, *, gone: bool) -> Any:
    changed = copy.deepcopy(values)
    holder = changed
    for key in way[:-1]:
        holder = holder[key]
    if gone:
        del holder[way[-1]]
    else:
        holder[way[-1]] = value
    return changed


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Figures as a training writes them, each kind once."""
    expected = {"mean": 0.9, "low": 0.8, "high": 0.95}
    doubt = {"path": "a.png", "category": "blue", "likely": "red", "wrong": 0.9, "confidence": 0.8, "picture": "0" * 64}
    row = {"category": "blue", "count": 3, "guessed": 2, "precision": 1.0, "recall": 0.5}
    return {
        "count": 3,
        "accuracy": 0.5,
        "per_category": [row],
        "matrix": [[1, 0, 0], [0, 1, 0], [1, 0, 1]],
        "confusions": [{"category": "red", "taken_for": "blue", "count": 1}],
        "coverage": [{"max_error": 0.05, "share": 0.5, "threshold": None}],
        "mistakes": [{"path": "a.png", "category": "red", "predicted": "blue", "confidence": 0.9}],
        "doubts": {"count": 3, "likely_wrong": 1, "labels": [doubt]},
        "curve": {
            "max_errors": [0.05],
            "points": [{"labels": number, "accuracy": 0.5, "coverage": [0.1]} for number in (10, 20)],
            "forecasts": [{"times": 2, "labels": 60, "accuracy": expected, "coverage": [expected]}],
            "needs": [{"category": "blue", "labels": 1, "unsettled": 0.1, "gain": 0.01}],
            "saw_labels": True,
        },
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_manifest_opens_or_is_refused_in_one_line(bundle: Path, made: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([MANIFEST, CONFIG]))
    values = json.loads((made / name).read_text("utf-8"))
    way = data.draw(st.sampled_from(leaves(values)))
    changed = mutated(values, way, data.draw(SMALL), gone=data.draw(st.booleans()))
    (bundle / name).write_text(json.dumps(changed), encoding="utf-8")
    opened_or_refused(lambda: open_bundle(bundle))
    opened_or_refused(lambda: write_bundle_report(bundle))
    (bundle / name).write_bytes((made / name).read_bytes())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_figures_are_shown_or_refused_in_one_line(
    bundle: Path, told: dict[str, Any], data: st.DataObject
) -> None:
    way = data.draw(st.sampled_from(leaves(told)))
    changed = mutated(told, way, data.draw(SMALL), gone=data.draw(st.booleans()))
    (bundle / EVALUATION).write_text(json.dumps(changed), encoding="utf-8")
    opened_or_refused(lambda: write_bundle_report(bundle))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_arrays_open_or_are_refused_in_one_line(bundle: Path, made: Path, data: st.DataObject) -> None:
    name, field = data.draw(st.sampled_from([(HOLDOUT, "evidence_sha256"), ("labelled.npz", "labelled_sha256")]))
    content = bytearray((made / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (bundle / name).write_bytes(
        content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    )
    rehash(bundle, name, field)

    def load_all() -> None:
        opened: Bundle = open_bundle(bundle)
        opened.load_holdout()
        opened.load_labeled_embeddings()

    opened_or_refused(load_all)


def opened_or_refused(open_it: Callable[[], object]) -> None:
    try:
        open_it()
    except (ModelError, LibraryError) as error:
        assert 1 == len(str(error).splitlines()), str(error)  # noqa: PT017 - either is right
