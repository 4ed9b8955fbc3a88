"""The backbone as it looks at a sample: which it is, what embeddings of it are called, where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.inference.device import choose_from
from classifier.inference.limits import limits_from
from classifier.inference.reader import Reader
from classifier.model.backbone import load_backbone
from classifier.model.manifest import backbone_key
from classifier.model.transforms import EvalTransform

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.inference.limits import Limits
    from classifier.model.backbone import Network
    from classifier.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A network whose head is of no use, and all that reading pictures for it takes; `key` names its embeddings."""

    network: Network
    reader: Reader
    runtime: Runtime
    limits: Limits
    key: str


def open_eyes(settings: Settings) -> Encoder:
    """The backbone that training would start from. Raises ModelError in one line when it cannot be had."""
    asked = settings.model
    network = load_backbone(
        asked.backbone, num_categories=1, image_size=asked.image_size, allow_pickle=asked.allow_pickle
    )
    transform = EvalTransform(image_size=network.image_size)
    key = backbone_key(
        backbone_sha256=network.backbone_sha256(), image_size=transform.image_size, max_squeeze=transform.max_squeeze
    )
    runtime = choose_from(settings.runtime, training=False)
    return Encoder(
        network=network.to(runtime.device).eval(),
        reader=Reader(transform=transform, max_megapixels=settings.images.max_megapixels),
        runtime=runtime,
        limits=limits_from(settings.images),
        key=key,
    )
