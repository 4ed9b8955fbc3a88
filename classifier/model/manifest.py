"""What `illsort.json` in a bundle holds, and nothing that is inferred; knows no files."""

from __future__ import annotations

from classifier.model.manifest_fields import FORMAT, ManifestFields
from classifier.model.transforms import EvalTransform

__all__ = ["FORMAT", "Manifest"]


class Manifest(ManifestFields):
    """With the transform that the network was trained with, which needs torch."""

    @property
    def transform(self) -> EvalTransform:
        """The transform it was trained and calibrated with."""
        return EvalTransform(image_size=self.image_size, max_squeeze=self.max_squeeze)
