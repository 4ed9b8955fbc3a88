"""The manifest `illsort.json` of a bundle, validated field by field. Importable without torch.

A bundle may come from an untrusted source: no value is used before it is validated.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from classifier.category_names import problem_with, twins_among
from classifier.errors import Message, ModelError
from classifier.model.bundle_files import MANIFEST, read_json
from classifier.paths import displayable
from classifier.validation import first_problem


def prediction_key(
    *, weights_sha256: str, image_size: int, max_squeeze: float, novelty_sha256: str = "", head_sha256: str = ""
) -> str:
    """The key of stored predictions, 32 hex digits: a hash of weights, transform, OOD detector and combined head.

    Calibration and thresholds are not part of it: they apply to stored predictions.
    """
    parts = [weights_sha256, str(image_size), str(max_squeeze)]
    parts += [novelty_sha256] if novelty_sha256 else []  # bundles without keep the key they had
    parts += [f"head {head_sha256}"] if head_sha256 else []
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def backbone_key(*, backbone_sha256: str, image_size: int, max_squeeze: float) -> str:
    """The key of stored embeddings, 32 hex digits: a hash of backbone and transform, without the head."""
    parts = [backbone_sha256, str(image_size), str(max_squeeze)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


FORMAT = 1
COOLEST, HOTTEST = 0.01, 100.0
"""Temperatures; training gives 0.05 to 20."""
_LARGEST_SIDE = 4096
_MOST_SQUEEZE = 1000.0
_LONGEST = 4096

Hash = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{64})?$")]


class Manifest(BaseModel):
    """The content of `illsort.json`; the order of `categories` is the order of the logits."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    categories: Annotated[tuple[str, ...], Field(min_length=2)]
    image_size: Annotated[int, Field(strict=True, gt=0, le=_LARGEST_SIDE)]
    view_size: Annotated[int, Field(strict=True, ge=0, le=_LARGEST_SIDE)] = 0
    """The side of the square that it learned from; 0 in older bundles, where it is `image_size`."""
    max_squeeze: Annotated[float, Field(strict=True, ge=1, le=_MOST_SQUEEZE)]
    temperature: Annotated[float, Field(strict=True, ge=COOLEST, le=HOTTEST)]
    threshold: Annotated[float, Field(strict=True, gt=0, lt=1)]
    weights_sha256: Hash = ""
    novelty_sha256: Hash = ""
    """Of the OOD detector; empty without one."""
    evidence_sha256: Hash = ""
    """Of the held-out predictions; empty without them and in older bundles."""
    labelled_sha256: Hash = ""
    """Of the labeled embeddings; empty in older bundles."""
    fitted_sha256: Hash = ""
    """Of the list of images that the backbone was fitted to; empty in older bundles, where it is unknown."""
    head_sha256: Hash = ""
    """Of the head that also takes statistics of earlier stages; empty where the network's own last layer answers."""
    backbone_sha256: Hash = ""
    """Of the architecture and all weights except the head's; empty in older bundles."""
    head: tuple[str, str] | None = None
    """The names of the head's weight and bias in the weights file."""
    files: dict[str, Hash] = {}
    """SHA-256 by name of every other file of the bundle: by it illsort knows its own; empty in earlier bundles."""
    backbone: Annotated[str, Field(max_length=_LONGEST)]
    backbone_license: Annotated[str, Field(max_length=_LONGEST)] = ""
    """Of the weights that training started from; empty in older bundles, and where it is not known."""
    is_interim: bool = False
    """Whether fine-tuning went on after this was written, whose model takes its place."""
    training: Hash = ""
    """What the training is known by when it is begun again after a kill; empty in older bundles."""
    measured: dict[str, int | float | str | None]
    """How many labels it learned from, and what the held-out ones say of it."""
    settings: dict[str, dict[str, Any]]
    versions: dict[str, str]

    @field_validator("categories")
    @classmethod
    def _are_categories(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if (problem := problem_with(name)) is not None:
                raise ValueError(Message("the category name {name!a} {why}", name=name, why=problem))
        twice = next(((name, name) for name in names if names.count(name) > 1), None)
        if (twins := twins_among(names) or twice) is not None:
            one, other = twins
            raise ValueError(Message("{one!a} and {other!a} are one folder on some systems", one=one, other=other))
        return names

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not isinstance(self.measured.get("labels", 0), int):
            raise ValueError(Message("measured.labels is no number of labels"))  # noqa: TRY004 - pydantic wants ValueError
        megapixels = self.settings.get("images", {}).get("max_megapixels", 1.0)
        if isinstance(megapixels, bool) or not isinstance(megapixels, int | float) or not 0 < megapixels <= 1000:  # noqa: PLR2004 - as in settings.py
            raise ValueError(Message("settings.images.max_megapixels is no size of pictures"))
        return self

    @property
    def key(self) -> str:
        """The key of predictions under this bundle, 32 hex digits."""
        return prediction_key(
            weights_sha256=self.weights_sha256,
            image_size=self.image_size,
            max_squeeze=self.max_squeeze,
            novelty_sha256=self.novelty_sha256,
            head_sha256=self.head_sha256,
        )

    @property
    def backbone_key(self) -> str:
        """The key of embeddings, 32 hex digits: bundles with the same key differ only in their heads.

        Empty in older bundles, which share embeddings with none.
        """
        if not self.backbone_sha256 or self.head is None:
            return ""
        return backbone_key(
            backbone_sha256=self.backbone_sha256, image_size=self.image_size, max_squeeze=self.max_squeeze
        )


def load_manifest(folder: Path) -> Manifest:
    """The `illsort.json` in `folder`. Raises ModelError in one line naming the file, the field and what is wrong."""
    values = read_json(folder / MANIFEST)
    if values.get("format") != FORMAT:
        raise ModelError(
            "{folder}: its format is {found}, this illsort reads {known}; update illsort or train again",
            folder=folder,
            found=displayable(str(values.get("format"))[:40]),
            known=FORMAT,
        )
    try:
        json.dumps(values, ensure_ascii=False).encode()
        return Manifest.model_validate(values)
    except UnicodeEncodeError:
        raise ModelError(
            "{path}: holds text that is no Unicode; train again or restore it", path=folder / MANIFEST
        ) from None
    except ValidationError as error:
        raise ModelError(
            "{path}: {why}; train again or restore it", path=folder / MANIFEST, why=first_problem(error)
        ) from None


def is_interim(folder: Path) -> bool:
    """Whether there is a bundle in `folder` that its training would have replaced."""
    manifest = manifest_or_none(folder)
    return manifest is not None and manifest.is_interim


def manifest_or_none(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None where there is none that can be read."""
    try:
        return load_manifest(folder)
    except (ModelError, OSError):
        return None
