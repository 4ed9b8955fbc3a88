"""The bundle: a folder with everything that sorting needs of a training; a timm model repository plus `illsort.json`.

Reading it needs no torch; `trained` builds its network and writes it. A bundle is written to a temporary folder and
installed file by file; other files in its folder stay. Every file is checked before a network is built.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import ModelError
from classifier.model.bundle_files import (
    CARD,
    CONFIG,
    EMBEDDINGS,
    EVALUATION,
    FITTED,
    FOLD_HEADS,
    HEAD,
    HOLDOUT,
    MANIFEST,
    OOD,
    PARTS,
    TAGS,
    WEIGHTS,
    read_json,
    sha256_of,
    write_json,
)
from classifier.model.combined_head import CombinedHead, Head, load_combined_head
from classifier.model.fitted_images import UNKNOWN, FittedImages, load_fitted
from classifier.model.fold_heads import FoldHeads, load_fold_heads
from classifier.model.head import LinearHead, load_linear
from classifier.model.holdout import HoldoutPredictions, load_holdout
from classifier.model.install import finish_install, respect_umask
from classifier.model.labeled_embeddings import LabeledEmbeddings, load_labeled_embeddings
from classifier.model.manifest import Manifest, load_manifest
from classifier.model.ood import OodDetector, load_ood
from classifier.model.tags import Tags, load_tags
from classifier.model.weights import check_weights

_DIGITS = 5
"""Of the largest number that a network is built with: 99,999 is more than any width, depth or side."""


class Bundle:
    """A checked bundle, without its network: see `trained.load_network`."""

    def __init__(self, folder: Path, manifest: Manifest, *, width: int) -> None:
        self.folder = folder
        self.manifest = manifest
        self._width = width  # of the embeddings that the head takes; 0 where the manifest does not name the head

    def load_head(self) -> Head:
        """What it answers by, read without building a network; only where the manifest has a `backbone_key`.

        Raises ModelError in one line when it is damaged.
        """
        return self.load_combined_head() or self._last_layer()

    def load_combined_head(self) -> CombinedHead | None:
        """The head that also takes statistics; None where the network's last layer answers, as in older bundles.

        Raises ModelError in one line when it is damaged.
        """
        if not self.manifest.head_sha256:
            return None
        path = self._checked(HEAD, self.manifest.head_sha256)
        head = load_combined_head(path, categories=len(self.manifest.categories))
        self._check_width(path, head.widths[0])
        return head

    def _last_layer(self) -> LinearHead:
        """Raises ModelError in one line when it is not what the categories ask for."""
        weight, bias = self.manifest.head or ("", "")
        head = load_linear(self.folder / WEIGHTS, weight=weight, bias=bias)
        if len(head.bias) != len(self.manifest.categories):
            raise ModelError(
                "{folder}: its head answers for {count} categories; train again",
                folder=self.folder,
                count=len(head.bias),
            )
        return head

    def load_holdout(self) -> HoldoutPredictions | None:
        """The held-out predictions; None in older bundles.

        Raises ModelError in one line when it is damaged.
        """
        path = self._checked(HOLDOUT, self.manifest.evidence_sha256)
        return load_holdout(path, categories=len(self.manifest.categories)) if path.exists() else None

    def load_labeled_embeddings(self) -> LabeledEmbeddings | None:
        """The embeddings of the labeled images; None in older bundles.

        Raises ModelError in one line when it is damaged.
        """
        path = self._checked(EMBEDDINGS, self.manifest.labelled_sha256)
        if not path.exists():
            return None
        labeled = load_labeled_embeddings(path, categories=len(self.manifest.categories))
        self._check_width(path, labeled.embeddings.shape[1])
        return labeled

    def load_fitted(self) -> FittedImages:
        """The images that the backbone was fitted to; `UNKNOWN` in older bundles.

        Raises ModelError in one line when it is damaged.
        """
        if not self.manifest.fitted_sha256:
            return UNKNOWN
        return load_fitted(self._checked(FITTED, self.manifest.fitted_sha256))

    def load_tags(self) -> Tags | None:
        """The tags of the tagger whose network it has but for the head; None for any other network.

        Raises ModelError in one line when they are damaged.
        """
        if TAGS not in self.manifest.files:
            return None
        return load_tags(self._checked(TAGS, self.manifest.files[TAGS]))

    def load_fold_heads(self, labeled: LabeledEmbeddings) -> FoldHeads | None:
        """The heads of the folds of its `labeled` images; None where its network was fine-tuned, and in older bundles.

        Raises ModelError in one line when they are damaged.
        """
        head = self.load_combined_head() if self.manifest.files.get(FOLD_HEADS) else None
        if head is None:
            return None
        path = self._checked(FOLD_HEADS, self.manifest.files[FOLD_HEADS])
        return load_fold_heads(path, head=head, labeled=labeled)

    def load_ood(self) -> OodDetector | None:
        """The OOD detector; None in older bundles.

        Raises ModelError in one line when it is damaged.
        """
        if not self.manifest.novelty_sha256:
            return None
        path = self._checked(OOD, self.manifest.novelty_sha256)
        novelty = load_ood(path)
        if novelty.axes.shape[1]:
            self._check_width(path, len(novelty.axes))
        return novelty

    def _check_width(self, path: Path, width: int) -> None:
        if self._width and width != self._width:
            raise ModelError(
                "{path}: is of embeddings of {found} numbers, the head takes {wanted}; train again",
                path=path,
                found=width,
                wanted=self._width,
            )

    def _checked(self, name: str, sha256: str) -> Path:
        """A file of the bundle, which is the one it was written with, as far as a hash of it was kept."""
        path = self.folder / name
        if sha256 and sha256_of(path) != sha256:
            raise _changed(path)
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleParts:
    """What a bundle holds beside the network.

    Without `holdout`, no error rate can be guaranteed; without `ood`, no image counts as unknown; without `labeled`,
    its head cannot be fitted anew. `fitted` are the images that its backbone has learned from, `tags` those of the
    tagger that its backbone is, unchanged. Without `head` the network's last layer answers; without `folds` no answers
    are spread.
    """

    holdout: HoldoutPredictions | None = None
    ood: OodDetector | None = None
    labeled: LabeledEmbeddings | None = None
    fitted: FittedImages = UNKNOWN
    tags: Tags | None = None
    head: CombinedHead | None = None
    folds: FoldHeads | None = None


def _changed(path: Path) -> ModelError:
    return ModelError("{path}: is not the file this bundle was written with; train again or restore it", path=path)


def open_bundle(folder: Path) -> Bundle:
    """Check the bundle in `folder`: manifest, categories, and that the weights are those it was written with.

    A bundle that a killed training was putting there is completed first. Raises ModelError in one line naming the
    folder and what is wrong.
    """
    finish_install(folder)
    manifest = load_manifest(folder)
    _check_config(folder, manifest)
    if sha256_of(folder / WEIGHTS) != manifest.weights_sha256:
        raise _changed(folder / WEIGHTS)
    width = check_weights(folder / WEIGHTS, head=manifest.head, categories=len(manifest.categories))
    bundle = Bundle(folder, manifest, width=width)
    bundle.load_ood()
    bundle.load_combined_head()
    return bundle


def _check_config(folder: Path, manifest: Manifest) -> None:
    """Raise ModelError unless timm's `config.json` agrees with the manifest and its sizes are plausible."""
    config = read_json(folder / CONFIG)
    if config.get("label_names") != list(manifest.categories):
        raise ModelError(
            "{folder}: config.json and {file} name different categories; train again", folder=folder, file=MANIFEST
        )
    arguments, count = config.get("model_args", {}), len(manifest.categories)
    counts = [one.get("num_classes", count) for one in (config, arguments)] if _is_plain(arguments) else None
    if counts != [count] * 2 or not isinstance(config.get("architecture"), str):
        raise ModelError("{path}: does not fit {file}; train again or restore it", path=folder / CONFIG, file=MANIFEST)


def _is_plain(arguments: Any) -> bool:
    """Whether a network may be built with these arguments: an object without a size that no network has."""
    numbers = re.findall(r"[-+.\w]+", json.dumps(arguments))
    return isinstance(arguments, dict) and all(len(one) <= _DIGITS for one in numbers if one.isdigit())


def write_parts(
    writing: Path, *, manifest: Manifest, evaluation: dict[str, Any], card: str, parts: BundleParts
) -> Manifest:
    """Write what belongs to a bundle beside `config.json` and the weights, and last the manifest with all hashes."""
    by_name = {
        OOD: parts.ood,
        HOLDOUT: parts.holdout,
        EMBEDDINGS: parts.labeled,
        FITTED: parts.fitted,
        TAGS: parts.tags,
        HEAD: parts.head,
        FOLD_HEADS: parts.folds,
    }
    for name, part in by_name.items():
        if part is not None:
            part.save(writing / name)
    write_json(writing / EVALUATION, evaluation)
    (writing / CARD).write_bytes(card.encode())
    files = {name: sha256_of(writing / name) for name in PARTS if (writing / name).exists()}
    manifest = manifest.model_copy(
        update={
            "files": files,
            "weights_sha256": files[WEIGHTS],
            "novelty_sha256": files.get(OOD, ""),
            "evidence_sha256": files.get(HOLDOUT, ""),
            "labelled_sha256": files.get(EMBEDDINGS, ""),
            "fitted_sha256": files.get(FITTED, ""),
            "head_sha256": files.get(HEAD, ""),
        }
    )
    write_json(writing / MANIFEST, manifest.model_dump())
    respect_umask(writing)
    return manifest
