"""What training starts from: the pretrained network, which takes RGB, with the transform that suits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.model.backbone import Network, load_backbone
from classifier.model.channels import fold_bgr
from classifier.model.fetch import Fetcher
from classifier.model.head import LinearHead
from classifier.model.manifest import backbone_key
from classifier.model.origin import SOURCES, license_of, local_folder, origin_of
from classifier.model.tags import Tags, read_tags
from classifier.model.transforms import EvalTransform

if TYPE_CHECKING:
    from classifier.progress import Progress
    from classifier.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`license` is that of the weights; empty where it is not known. `tags` are those of a tagger's own head.

    `view_size` is the side of the views to learn from, in pixels: a network that illsort fine-tuned may see more.
    """

    network: Network
    transform: EvalTransform
    view_size: int
    license: str
    tags: Tags | None = None

    def backbone_key(self, backbone_sha256: str) -> str:
        """The key of embeddings by this network, of whose backbone, not trained yet, that is the hash."""
        return backbone_key(
            backbone_sha256=backbone_sha256,
            image_size=self.transform.image_size,
            max_squeeze=self.transform.max_squeeze,
        )


def load_start(settings: Settings, *, num_categories: int | None, progress: Progress) -> Start:
    """Load what `model.backbone` names, with a fresh head or, with None, its own; say under which license that is.

    Weights that are not here are downloaded. Raises ModelError in one line.
    """
    model, origin = settings.model, origin_of(settings.model)
    for sentence in origin.sentences:
        progress.say(sentence)
    fetcher = Fetcher(hub=settings.hub, allow_pickle=model.allow_pickle, progress=progress)
    network = load_backbone(
        model.backbone,
        num_categories=None if origin.tags else num_categories,
        image_size=origin.image_size,
        fetcher=fetcher,
    )
    named = origin.license or str(network.body.pretrained_cfg.get("license") or "")
    if named and not origin.license and not model.backbone.startswith(SOURCES):
        progress.say(license_of(model.backbone, named))  # timm says it of its own
    if origin.channels == "bgr":
        fold_bgr(network)
    transform = EvalTransform(image_size=network.image_size, max_squeeze=origin.max_squeeze)
    tags = _tags(model.backbone, origin.tags, network, fetcher)
    if origin.tags and num_categories is not None:
        network.body.reset_classifier(num_categories)
    views = origin.view_size or network.image_size
    return Start(network=network, transform=transform, view_size=views, license=named, tags=tags)


def _tags(backbone: str, name: str, network: Network, fetcher: Fetcher) -> Tags | None:
    """What a tagger's own head says, by the list that its repository has."""
    if not name:
        return None
    folder = local_folder(backbone)
    path = fetcher.beside(backbone, name) if folder is None else folder / name
    weight, bias = (part.detach().cpu().float().numpy() for part in (network.head.weight, network.head.bias))
    return None if path is None else read_tags(path, LinearHead(weight=weight, bias=bias))
