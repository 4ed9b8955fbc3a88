"""A model file cannot run code: whatever a pickle is called and wherever it lies, its payload never runs."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
import timm
import torch

from classifier.errors import ModelError
from classifier.model.backbone import Network, load_backbone, load_trained, save_network
from classifier.model.bundle import open_bundle
from classifier.model.fetch import Fetcher
from classifier.model.weights import check_versions
from kit.bundles import color_bundle

NAMES = (
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "weights.pt",
    "weights.ckpt",
    "weights.bin",
    "weights.pth.tar",
    "Weights.PTH",
)
SAFE_NAMES = ("model.safetensors", "open_clip_model.safetensors", "weights.safetensors")


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.marker,)


def plain_pickle(marker: Path) -> bytes:
    return pickle.dumps({"state_dict": Payload(marker)})


def torch_zip(marker: Path, folder: Path) -> bytes:
    torch.save({"state_dict": Payload(marker)}, folder / "zipped")
    return (folder / "zipped").read_bytes()


def torch_legacy(marker: Path, folder: Path) -> bytes:
    torch.save({"state_dict": Payload(marker)}, folder / "legacy", _use_new_zipfile_serialization=False)
    return (folder / "legacy").read_bytes()


def torch_stored(marker: Path, folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "stored", "w") as archive:
        archive.writestr("archive/data.pkl", plain_pickle(marker))
        archive.writestr("archive/version", "3\n")
    return (folder / "stored").read_bytes()


MAKERS = {
    "pickle": lambda marker, _: plain_pickle(marker),
    "zip": torch_zip,
    "legacy": torch_legacy,
    "stored": torch_stored,
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "model"
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=2)
    save_network(Network(body, image_size=32), folder, label_names=["a", "b"], crop_mode="squash")
    return folder


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("name", [*NAMES, *SAFE_NAMES])
def test_a_payload_never_runs(tmp_path: Path, plain: Path, name: str, made: str) -> None:
    folder, marker = tmp_path / "model", tmp_path / "marker"
    folder.mkdir()
    shutil.copyfile(plain / "config.json", folder / "config.json")
    (folder / name).write_bytes(MAKERS[made](marker, tmp_path))
    for allow in (False, True):
        with pytest.raises(ModelError) as refused:
            load_backbone(f"local-dir:{folder}", num_categories=2, fetcher=Fetcher(allow_pickle=allow))
        assert 1 == len(str(refused.value).splitlines())
        if not allow and name in NAMES:
            assert "--allow-pickle" in str(refused.value)
            assert name in str(refused.value)
    assert not marker.exists()
    pickle.loads(plain_pickle(marker))  # noqa: S301 - proves that the payload is alive
    assert marker.exists()


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("name", NAMES)
def test_safetensors_are_taken_before_any_pickle_beside_them(tmp_path: Path, plain: Path, name: str, made: str) -> None:
    folder, marker = tmp_path / "model", tmp_path / "marker"
    shutil.copytree(plain, folder)
    (folder / name).write_bytes(MAKERS[made](marker, tmp_path))
    for network in (load_trained(folder, image_size=32), load_backbone(f"local-dir:{folder}", num_categories=2)):
        weight = network.body.conv_stem.weight
        assert torch.equal(load_trained(plain, image_size=32).body.conv_stem.weight, weight)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["model.pth", "pytorch_model.bin"])
def test_harmless_pickled_weights_are_read_when_it_is_allowed(tmp_path: Path, plain: Path, name: str) -> None:
    shutil.copyfile(plain / "config.json", tmp_path / "config.json")
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=2)
    torch.save(body.state_dict(), tmp_path / name)
    with pytest.raises(ModelError, match="--allow-pickle"):
        load_backbone(f"local-dir:{tmp_path}", num_categories=2)
    loaded = load_backbone(f"local-dir:{tmp_path}", num_categories=2, fetcher=Fetcher(allow_pickle=True))

    assert torch.equal(body.conv_stem.weight, loaded.body.conv_stem.weight)


@pytest.mark.parametrize("made", MAKERS)
def test_a_payload_in_the_hubs_cache_never_runs(
    tmp_path: Path, plain: Path, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    repository, commit, marker = tmp_path / "hub" / "models--illsort--tests", "a" * 40, tmp_path / "marker"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    shutil.copyfile(plain / "config.json", snapshot / "config.json")
    (snapshot / "pytorch_model.bin").write_bytes(MAKERS[made](marker, tmp_path))
    for allow in (False, True):
        with pytest.raises(ModelError) as refused:
            load_backbone("hf-hub:illsort/tests", num_categories=2, fetcher=Fetcher(allow_pickle=allow))
        assert 1 == len(str(refused.value).splitlines())
    assert not marker.exists()


def test_a_bundle_without_its_safetensors_is_refused(tmp_path: Path) -> None:
    folder, marker = color_bundle(tmp_path / "colors").folder, tmp_path / "marker"
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(plain_pickle(marker))
    with pytest.raises(ModelError, match=r"model\.safetensors: cannot be read"):
        open_bundle(folder)
    assert not marker.exists()


@pytest.mark.parametrize(("package", "found"), [("torch", "2.5.1+cu121"), ("pillow", "12.3.0")])
def test_a_library_with_a_known_hole_is_refused(monkeypatch: pytest.MonkeyPatch, package: str, found: str) -> None:
    versions = {"torch": "2.6.0", "pillow": "13.0.0"} | {package: found}
    monkeypatch.setattr("classifier.model.weights.version", versions.__getitem__)
    with pytest.raises(ModelError, match=f"{package} .* is too old"):
        check_versions()


def test_the_libraries_here_are_new_enough() -> None:
    check_versions()
