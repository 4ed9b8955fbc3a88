"""What training starts from: the pretrained network, which takes RGB, with the transform that suits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.model.backbone import Network, load_backbone
from classifier.model.channels import fold_bgr
from classifier.model.origin import SOURCES, license_of, origin_of
from classifier.model.transforms import EvalTransform

if TYPE_CHECKING:
    from classifier.errors import Message
    from classifier.setting_sections import ModelSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`license` is that of the weights; empty where it is not known."""

    network: Network
    transform: EvalTransform
    license: str


def load_start(settings: ModelSettings, *, num_categories: int, say: Callable[[Message], None]) -> Start:
    """Load what `model.backbone` names, with a fresh head, and say under which license that is.

    Raises ModelError in one line.
    """
    origin = origin_of(settings)
    for sentence in origin.sentences:
        say(sentence)
    network = load_backbone(
        settings.backbone,
        num_categories=num_categories,
        image_size=origin.image_size,
        allow_pickle=settings.allow_pickle,
    )
    named = origin.license or str(network.body.pretrained_cfg.get("license") or "")
    if named and not origin.license and not settings.backbone.startswith(SOURCES):
        say(license_of(settings.backbone, named))  # timm says it of its own
    if origin.channels == "bgr":
        fold_bgr(network)
    transform = EvalTransform(image_size=network.image_size, max_squeeze=origin.max_squeeze)
    return Start(network=network, transform=transform, license=named)
