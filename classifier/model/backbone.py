"""The network: a timm model split into embedding and head. The only file that imports timm."""

# Shapes: B images, C channels, H height, W width, D embedding width, K categories, T statistics.

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import timm
import torch
from timm.models import group_parameters, load_checkpoint, save_for_hf
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.modules.batchnorm import _BatchNorm

from classifier.errors import Message, message_of
from classifier.model.bundle_files import CONFIG, WEIGHTS, read_json, under_utf_8
from classifier.model.fetch import FETCHER, Fetcher
from classifier.model.origin import FOLDER, HUB, SOURCES, local_folder, refused
from classifier.model.pretrained import EMBEDDED, PretrainedPackage
from classifier.model.weights import ALLOW_PICKLE, check_parameter_count, refuse_pickles

if TYPE_CHECKING:
    from classifier.model.head import LinearHead

_STAGES = 4  # quarters of the network; statistics are taken at their ends, but for the last


class Network(nn.Module):
    """A timm model split before its head: `classify(embed(images)) == body(images)`."""

    body: Any  # a timm model
    mean: Tensor
    std: Tensor

    def __init__(self, body: Any, *, image_size: int, model_args: dict[str, Any] | None = None) -> None:
        super().__init__()
        config = timm.data.resolve_model_data_config(body)
        self.body = body
        self.image_size = image_size
        self.model_args = model_args or {}
        self._batch_norm_frozen = False
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, -1, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).view(1, -1, 1, 1) * 255, persistent=False)

    def normalize(self, pixels_BCHW: Tensor) -> Tensor:
        """Gray levels 0..255 (uint8) to what the backbone was trained on (float32)."""
        return (pixels_BCHW.float() - self.mean) / self.std

    def embed(self, images_BCHW: Tensor) -> Tensor:
        """Normalized images to embeddings, float, (B, D)."""
        return cast("Tensor", self.body.forward_head(self.body.forward_features(images_BCHW), pre_logits=True))

    def embed_with_stats(self, images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings as from `embed`, (B, D), and the statistics used for OOD detection, (B, T).

        Traits are the mean and standard deviation of each channel over the image, of up to three intermediate stages;
        each stage's have unit length. The last layers of a fine-tuned network keep too little of what is not needed
        to separate the categories.
        """
        if not hasattr(self.body, "forward_intermediates"):
            embeddings = self.embed(images_BCHW)
            return embeddings, normalize(embeddings.float())
        count = len(self.body.feature_info)
        stages = sorted({math.ceil(part * count / _STAGES) - 1 for part in range(1, _STAGES)})
        features, maps = self.body.forward_intermediates(images_BCHW, indices=stages)
        embeddings = cast("Tensor", self.body.forward_head(features, pre_logits=True))
        return embeddings, torch.cat([normalize(_mean_and_spread(stage.float())) for stage in maps], dim=1)

    def classify(self, embeddings_BD: Tensor) -> Tensor:
        """Embeddings to logits, (B, K)."""
        return cast("Tensor", self.head(embeddings_BD))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Normalized images to logits, (B, K)."""
        return self.classify(self.embed(images_BCHW))

    @property
    def head(self) -> nn.Linear:
        """The last layer: a linear map from embeddings to logits."""
        return cast("nn.Linear", self.body.get_classifier())

    def set_head(self, head: LinearHead) -> None:
        """Make the last layer answer as `head` does."""
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(head.weight))
            self.head.bias.copy_(torch.from_numpy(head.bias))

    @property
    def architecture(self) -> str:
        """The timm name of the body."""
        return str(self.body.pretrained_cfg["architecture"])

    @property
    def head_names(self) -> tuple[str, str]:
        """The names of the head's weight and bias in the body's state dict."""
        head = self.head
        names = {id(value): name for name, value in self.body.state_dict(keep_vars=True).items()}
        return names[id(head.weight)], names[id(head.bias)]

    def backbone_sha256(self) -> str:
        """SHA-256 of architecture, mean, standard deviation and every weight except the head's, in hexadecimal.

        Unchanged by saving and loading, by the device, and by another head.
        """
        digest = hashlib.sha256(self.architecture.encode())
        weights = {name: value for name, value in self.body.state_dict().items() if name not in self.head_names}
        for name, value in sorted((weights | {" mean": self.mean, " std": self.std}).items()):
            digest.update(f"|{name} {value.dtype} {tuple(value.shape)}|".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def freeze_batch_norm(self) -> None:
        """Keep the pretrained statistics, also in training mode (4 to 6 points better with few labels)."""
        self._batch_norm_frozen = True
        self.train(self.training)

    def train(self, mode: bool = True) -> Network:
        """As in torch, but frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self._batch_norm_frozen:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    @property
    def takes_any_size(self) -> bool:
        """Whether images of another size than `image_size` can be computed."""
        return not _is_of_one_size(self.body.pretrained_cfg, self.model_args)

    def layers(self) -> list[list[str]]:
        """The names of the parameters of each layer, earliest first, the head last: timm's coarse groups."""
        layers = group_parameters(self.body, self.body.group_matcher(coarse=True))
        return [names for _, names in sorted(layers.items())]


def load_backbone(name: str, *, num_categories: int | None, image_size: int = 0, fetcher: Fetcher = FETCHER) -> Network:
    """Build the network with pretrained weights and a fresh head of `num_categories` outputs; None keeps its own.

    `name` is one of EMBEDDED, a timm model name, `hf-hub:org/name`, `modelscope:org/name` or `local-dir:/folder`; what
    is not here is downloaded. `image_size` 0 takes the backbone's own. Weights are safetensors; pickles are loaded only
    where `fetcher` allows it, restricted to tensors. Raises ModelError in one line.
    """
    if name in EMBEDDED:
        network = _embedded(EMBEDDED[name], image_size)
    else:
        source, overlay = _located(name, fetcher)
        with fetcher.progress.stage(Message("loading the network"), total=None, unit=""):
            network = _create(source, image_size=image_size, name=name, overlay=overlay)
    if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
        raise refused(name, Message("its weights hold numbers that are not finite"))
    if num_categories is not None or not isinstance(network.head, nn.Linear):
        network.body.reset_classifier(
            num_categories or 1
        )  # a repository may not name the head that timm would leave out
    if not isinstance(network.head, nn.Linear):
        raise refused(name, Message("its head is {found}, not one linear layer", found=type(network.head).__name__))
    return network


def load_trained(folder: Path, *, image_size: int) -> Network:
    """The network saved in `folder` by `save_network`, head and all. Raises ModelError when it cannot be loaded."""
    refuse_pickles(folder)
    return _create(f"{FOLDER}{folder}", image_size=image_size, name=f"{FOLDER}{folder}")


def save_network(network: Network, folder: Path, *, label_names: list[str], crop_mode: str) -> None:
    """Write a plain timm model repository: `config.json` and `model.safetensors`.

    `crop_mode` is timm's setting for how an image is fitted to the square, so that timm's own transform agrees.
    """
    size = network.image_size
    pretrained_cfg = {
        "input_size": (3, size, size),
        "crop_pct": 1.0,
        "crop_mode": crop_mode,
        "interpolation": "bicubic",
    }
    if "test_input_size" in network.body.pretrained_cfg:  # else a bundle as a start would be taken for another size
        pretrained_cfg["test_input_size"] = (3, size, size)
    # Safetensors takes no other layout; training may have left the weights in channels_last.
    save_for_hf(
        network.body.to(memory_format=torch.contiguous_format),
        str(folder),
        model_config={"label_names": label_names, "pretrained_cfg": pretrained_cfg},
        model_args=network.model_args or None,
        safe_serialization=True,
    )


def _embedded(package: PretrainedPackage, image_size: int) -> Network:
    body: Any = timm.create_model(package.architecture, pretrained=False)
    load_checkpoint(body, package.weights(), remap=True)
    return Network(body, image_size=image_size or package.image_size)


def _located(name: str, fetcher: Fetcher) -> tuple[str, dict[str, Any]]:
    """What timm loads `name` from, and with which overlay of its configuration. Raises ModelError.

    That is a pickle, which can run code, only where it is allowed; torch's restricted unpickler is a second defense.
    """
    if (folder := local_folder(name)) is not None:
        if not fetcher.allow_pickle:
            refuse_pickles(folder)
        return f"{FOLDER}{folder}", {}
    if name.startswith(SOURCES):
        return f"{FOLDER}{fetcher.folder(name)}", {}
    if not timm.is_model(name.partition(".")[0]):
        close = timm.list_models(f"*{re.split('[._]', name)[0]}*")[:3]
        why = Message("neither embedded, a timm model, hf-hub:org/name, modelscope:org/name nor local-dir:/folder")
        raise refused(name, Message("{why}; near it are {names}", why=why, names=", ".join(close)) if close else why)
    try:
        config = timm.models.get_pretrained_cfg(name)
    except RuntimeError as error:  # no such weights of this network
        raise refused(name, message_of(error)) from None
    if config is not None and config.hf_hub_id:
        path = fetcher.weights(name, str(config.hf_hub_filename or WEIGHTS), at=f"{HUB}{config.hf_hub_id}")
        return name, {"file": str(path), "custom_load": False}
    if not fetcher.allow_pickle:
        raise refused(name, Message("there are no safetensors of it; {advice}", advice=ALLOW_PICKLE))
    return name, {}


def _create(source: str, *, image_size: int, name: str, overlay: dict[str, Any] | None = None) -> Network:
    check_parameter_count(Path(source.removeprefix(FOLDER)) / WEIGHTS, lambda: _asked(source))
    try:
        with under_utf_8(source) as found:
            model_args = _model_args(found)
            body: Any = timm.create_model(found, pretrained=True, pretrained_cfg_overlay=overlay or None)
            own = body.pretrained_cfg.get("test_input_size") or body.pretrained_cfg["input_size"]
            size = image_size or int(own[-1])
            if size != body.pretrained_cfg["input_size"][-1] and _is_of_one_size(body.pretrained_cfg, model_args):
                model_args["img_size"] = size  # position embeddings are made for one size; timm interpolates them
                body = timm.create_model(found, pretrained=True, pretrained_cfg_overlay=overlay or None, img_size=size)
    except Exception as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise refused(name, Message("{source} cannot be loaded ({why})", source=source, why=words)) from error
    return Network(body, image_size=size, model_args=model_args)


def _model_args(source: str) -> dict[str, Any]:
    """What a repository's network is built with beside its architecture and the size of its head."""
    found = read_json(Path(source.removeprefix(FOLDER)) / CONFIG).get("model_args", {}) if ":" in source else {}
    return {key: value for key, value in found.items() if key != "num_classes"}


def _is_of_one_size(config: dict[str, Any], model_args: dict[str, Any]) -> bool:
    """Whether another size needs a network built for it; not every repository says what timm says of the same."""
    published = timm.models.get_pretrained_cfg(config["architecture"])
    return bool(config.get("fixed_input_size") or "img_size" in model_args or getattr(published, "fixed_input_size", 0))


def _asked(source: str) -> int:
    """The number of parameters of a configuration, counted on the meta device without allocating them."""
    with torch.device("meta"):
        return sum(value.numel() for value in timm.create_model(source, pretrained=False).parameters())


def _mean_and_spread(map_BCHW: Tensor) -> Tensor:
    """Mean and standard deviation of each channel over the image, (B, 2C)."""
    return torch.cat([map_BCHW.mean(dim=(2, 3)), map_BCHW.std(dim=(2, 3), correction=0)], dim=1)
