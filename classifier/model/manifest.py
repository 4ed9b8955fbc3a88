"""What `illsort.json` in a bundle holds, and nothing that is inferred; knows no files."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

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
    backbone_sha256: str = ""
    """Of the architecture and of all weights but the head's; empty in bundles of before."""
    head: tuple[str, str] | None = None
    """What the head's weight and bias are called among the weights."""
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
        """What the answers depend on, as 32 hex digits: weights, transform, and labelled pictures to be near to.

        Neither calibration nor threshold: those decide by answers that are known.
        """
        parts = [self.weights_sha256, str(self.image_size), str(self.max_squeeze)]
        parts += [self.novelty_sha256] if self.novelty_sha256 else []  # bundles without keep the key they had
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]

    @property
    def backbone_key(self) -> str:
        """What embeddings depend on, as 32 hex digits: bundles that share it differ in their heads alone.

        Empty when it cannot be told: then nothing is shared.
        """
        if not self.backbone_sha256 or self.head is None:
            return ""
        parts = [self.backbone_sha256, str(self.image_size), str(self.max_squeeze)]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
