"""One backbone of random weights; one thread for tiny networks: two that wait for each other are five times slower."""

from __future__ import annotations

import pytest
import timm
import torch

from classifier.model.backbone import Network, save_network

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Random weights in a timm folder: enough to tell colors by."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("backbone")
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=10)
    save_network(Network(body, image_size=32), folder, label_names=[str(n) for n in range(10)], crop_mode="squash")
    return f"local-dir:{folder}"
