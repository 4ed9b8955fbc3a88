"""Training with every setting at the ends of its range."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from classifier import settings
from classifier.errors import IllsortError
from classifier.model.backbone import Network, save_network
from classifier.training.pipeline import train_model
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Six images of each of three colors, and a backbone that takes no time."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("small")
    (folder / "backbone").mkdir()
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=2)
    save_network(Network(body, image_size=32), folder / "backbone", label_names=["a", "b"], crop_mode="squash")
    for color in ("red", "green", "blue"):
        drawn = {f"{number}.png": encoded(varied(COLORS[color], seed=number), "PNG") for number in range(6)}
        make_tree(folder / "labels" / color, dict(drawn))
    return [
        f"labels.folder={folder / 'labels'}",
        f"model.backbone=local-dir:{folder / 'backbone'}",
        "model.image_size=32",
        "train.epochs=1",
        "train.recipe=finetune",
        "train.batch_size=4",
        "runtime.workers=0",
    ]


@pytest.mark.parametrize(
    "setting",
    [
        *("train.folds=20", "train.folds=1", "labels.validation_share=1e-300"),
        *("train.learning_rate=1", "train.learning_rate=1e-300", "train.crop_min=0.01", "train.batch_size=4096"),
        *("train.seed=4294967295", "train.ema_decay=0", "train.layer_decay=1e-300", "train.label_smoothing=0.9999"),
        *("train.warmup_share=0.999999", "train.minutes=1e-9", "train.epochs=0", "train.recipe=head"),
        *("sort.threshold=1e-300", "sort.unknown_share=1e-300", "images.max_megapixels=0.01"),
        *("images.max_worker_gigabytes=0.5", "images.deadline_seconds=0.5", "model.image_size=33"),
        *("runtime.device=meta", "runtime.amp_dtype=float16", "model.backbone=nosuchmodel", "model.backbone=~"),
        *("model.backbone=resnet18.nosuch", "model.backbone=local-dir:/nosuch", "labels.csv=/", "labels.library=/"),
    ],
)
def test_training_finishes_or_is_refused_in_one_line(tmp_path: Path, small: list[str], setting: str) -> None:
    chosen = settings.load(None, [*small, setting, f"model.folder={tmp_path / 'model'}"])
    try:
        learned = train_model(chosen)
    except IllsortError as refused:
        assert 1 == len(str(refused).splitlines())  # noqa: PT017 - it may be refused or not
        assert not (tmp_path / "model").exists()
    else:
        assert learned.bundle.folder == tmp_path / "model"
