"""What `illsort.json` in a bundle holds, and nothing that is inferred; knows no files."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from classifier.model.key import answers_key, backbone_key
from classifier.model.transforms import EvalTransform

FORMAT = 1


class Manifest(BaseModel):
    """What `illsort.json` holds; the order of `categories` is the order of the logits, for good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    image_size: Annotated[int, Field(gt=0)]
    max_squeeze: Annotated[float, Field(ge=1)]
    temperature: Annotated[float, Field(gt=0)]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    weights_sha256: str = ""
    novelty_sha256: str = ""
    """Of what tells unknown pictures; empty when nothing does."""
    evidence_sha256: str = ""
    """Of what an error rate is promised by; empty when nothing can be, and in bundles of before."""
    labelled_sha256: str = ""
    """Of the labelled pictures as the network sees them; empty in bundles of before."""
    fitted_sha256: str = ""
    """Of which pictures the backbone was fitted to; empty in bundles of earlier versions: nobody knows which."""
    backbone_sha256: str = ""
    """Of the architecture and of all weights but the head's; empty in bundles of before."""
    head: tuple[str, str] | None = None
    """What the head's weight and bias are called among the weights."""
    files: dict[str, str] = {}
    """SHA-256 by name of every other file of the bundle: by it illsort knows its own; empty in earlier bundles."""
    backbone: str
    measured: dict[str, Any]
    """How many labels it learned from, and what the held-out ones say of it."""
    settings: dict[str, Any]
    versions: dict[str, str]

    @property
    def transform(self) -> EvalTransform:
        """The transform it was trained and calibrated with."""
        return EvalTransform(image_size=self.image_size, max_squeeze=self.max_squeeze)

    @property
    def key(self) -> str:
        """What the answers depend on, as 32 hex digits."""
        return answers_key(
            weights_sha256=self.weights_sha256,
            image_size=self.image_size,
            max_squeeze=self.max_squeeze,
            novelty_sha256=self.novelty_sha256,
        )

    @property
    def backbone_key(self) -> str:
        """What embeddings depend on, as 32 hex digits: bundles that share it differ in their heads alone.

        Empty when it cannot be told: then nothing is shared.
        """
        if not self.backbone_sha256 or self.head is None:
            return ""
        return backbone_key(
            backbone_sha256=self.backbone_sha256, image_size=self.image_size, max_squeeze=self.max_squeeze
        )
