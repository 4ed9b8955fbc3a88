"""What training starts from: the pretrained network, which takes RGB, with the transform that suits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.model.backbone import Network, load_backbone
from classifier.model.channels import fold_bgr
from classifier.model.fetch import Fetcher
from classifier.model.origin import SOURCES, license_of, origin_of
from classifier.model.transforms import EvalTransform

if TYPE_CHECKING:
    from classifier.progress import Progress
    from classifier.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`license` is that of the weights; empty where it is not known."""

    network: Network
    transform: EvalTransform
    license: str


def load_start(settings: Settings, *, num_categories: int, progress: Progress) -> Start:
    """Load what `model.backbone` names, with a fresh head, and say under which license that is.

    Weights that are not here are downloaded. Raises ModelError in one line.
    """
    model, origin = settings.model, origin_of(settings.model)
    for sentence in origin.sentences:
        progress.say(sentence)
    network = load_backbone(
        model.backbone,
        num_categories=num_categories,
        image_size=origin.image_size,
        fetcher=Fetcher(hub=settings.hub, allow_pickle=model.allow_pickle, progress=progress),
    )
    named = origin.license or str(network.body.pretrained_cfg.get("license") or "")
    if named and not origin.license and not model.backbone.startswith(SOURCES):
        progress.say(license_of(model.backbone, named))  # timm says it of its own
    if origin.channels == "bgr":
        fold_bgr(network)
    transform = EvalTransform(image_size=network.image_size, max_squeeze=origin.max_squeeze)
    return Start(network=network, transform=transform, license=named)
