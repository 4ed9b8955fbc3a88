"""`illsort train` as accelerate's launcher starts it: two processes, one model, one report."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch

from classifier.model.backbone import Network, save_network
from classifier.model.bundle import open_bundle
from classifier.model.trained import load_network
from classifier.settings import load
from classifier.training.pipeline import train_model
from kit.pictures import COLORS, encoded, varied
from kit.together import environment
from kit.tree import make_tree, read_tree

KINDS = ("blue", "green", "red")


@pytest.fixture
def backbone(tmp_path: Path) -> str:
    torch.manual_seed(0)
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=10)
    names = [str(number) for number in range(10)]
    save_network(Network(body, image_size=32), tmp_path / "backbone", label_names=names, crop_mode="squash")
    return f"local-dir:{tmp_path / 'backbone'}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_two_processes_of_the_launcher_write_the_model_of_one(tmp_path: Path, backbone: str) -> None:
    pictures = {kind: [varied(COLORS[kind], seed=97 * n + ord(kind[0])) for n in range(6)] for kind in KINDS}
    named = {kind: {f"{n}.png": encoded(one, "PNG") for n, one in enumerate(of)} for kind, of in pictures.items()}
    make_tree(tmp_path / "labels", named)
    given = {
        "labels.folder": tmp_path / "labels",
        "model.backbone": backbone,
        "model.image_size": 32,
        "train.recipe": "finetune",
        "train.folds": 2,
        "train.epochs": 2,
        "train.batch_size": 5,
        "runtime.device": "cpu",
        "runtime.workers": 0,
    }
    options = [f"{name}={value}" for name, value in given.items()]
    # --cpu would start one process: accelerate has several without a GPU by mpirun only, or as if there were GPUs.
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", str(free_port())]
    command = ["-m", "classifier", "train", "--model", str(tmp_path / "together")]
    command += [part for option in options for part in ("--set", option)]
    unset = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
    variables = {name: value for name, value in environment(0, 2, 0).items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-m", *launch, *command], env=variables, capture_output=True, text=True, check=False
    )
    alone = train_model(load(None, [*options, f"model.folder={tmp_path / 'alone'}"])).bundle
    assert 0 == done.returncode, done.stderr

    together = open_bundle(tmp_path / "together")
    one, other = load_network(alone).state_dict(), load_network(together).state_dict()
    assert 1 == done.stdout.count("model: ")
    assert 1 == done.stderr.count("labeled pictures to learn from")
    assert {"alone", "together", "labels", "backbone"} == {path.name for path in tmp_path.iterdir()}
    assert read_tree(tmp_path / "labels") == named
    assert max(float((one[name].float() - other[name].float()).abs().max()) for name in one) < 1e-4
    assert alone.manifest.categories == together.manifest.categories
    assert alone.manifest.measured["accuracy"] == together.manifest.measured["accuracy"]
