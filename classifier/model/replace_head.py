"""Writes a bundle with another head from the files of an existing one, without building the network."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from classifier.errors import ModelError
from classifier.model.bundle import Bundle, BundleParts, open_bundle, write_parts
from classifier.model.bundle_files import CONFIG, EVALUATION, WEIGHTS, read_json, write_json
from classifier.model.card import model_card
from classifier.model.combined_head import CombinedHead
from classifier.model.install import install, remove_bundle, writing_folder
from classifier.own_files import make_own_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.model.combined_head import Head
    from classifier.model.fold_heads import FoldHeads
    from classifier.model.head import LinearHead
    from classifier.model.holdout import HoldoutPredictions
    from classifier.model.labeled_embeddings import LabeledEmbeddings
    from classifier.model.ood import OodDetector


def save_with_head(
    models: Path,
    *,
    of: Bundle,
    categories: Sequence[str],
    last_layer: LinearHead,
    head: Head,
    labeled: LabeledEmbeddings,
    holdout: HoldoutPredictions | None,
    ood: OodDetector | None,
    note: str,
    folds: FoldHeads | None = None,
) -> Bundle:
    """Write the bundle `of` with another head to a folder in `models` named by its key.

    `last_layer` becomes that of the network; it is what answers where `head` is no combined one.
    Its evaluation is carried over with a `note` that says of what it was measured. Raises ModelError in one line when
    the files of `of` cannot be read, OSError when the disk refuses.
    """
    make_own_folder(models)
    with writing_folder(models / "refitted") as writing:
        _write_weights(of, writing / WEIGHTS, last_layer)
        config = _config(read_json(of.folder / CONFIG), categories)
        write_json(writing / CONFIG, config)
        manifest = of.manifest.model_copy(
            update={
                "categories": tuple(categories),
                "measured": of.manifest.measured | {"labels": len(labeled), "note": note},
            }
        )
        evaluation = _evaluation(of.folder / EVALUATION) | {"note": note}
        card = model_card("refitted", str(config.get("architecture", "")), manifest)
        parts = BundleParts(
            holdout=holdout,
            ood=ood,
            labeled=labeled,
            fitted=of.load_fitted(),
            tags=of.load_tags(),
            head=head if isinstance(head, CombinedHead) else None,
            folds=folds,
        )
        manifest = write_parts(writing, manifest=manifest, evaluation=evaluation, card=card, parts=parts)
        folder = models / manifest.key
        install(writing, folder)
    return open_bundle(folder)


def remove_other_bundles(models: Path, *, kept: Path) -> None:
    """Remove the refitted bundles in `models` but `kept`; what cannot be removed now, or is no bundle, stays."""
    for folder in models.iterdir() if models.is_dir() else ():
        if folder.name != kept.name and folder.is_dir() and not folder.is_symlink():
            with suppress(OSError):
                remove_bundle(folder)


def _write_weights(of: Bundle, path: Path, head: LinearHead) -> None:
    if of.manifest.head is None:
        raise ModelError("{folder}: says nothing of its head; train again", folder=of.folder)
    tensors = load_file(of.folder / WEIGHTS)
    names = dict(zip(of.manifest.head, (head.weight, head.bias), strict=True))
    for name, values in names.items():
        tensors[name] = np.ascontiguousarray(values, dtype=tensors[name].dtype)
    save_file(tensors, path, metadata={"format": "pt"})


def _config(values: dict[str, Any], categories: Sequence[str]) -> dict[str, Any]:
    """Of so many categories, wherever timm reads how many there are; it takes a head of another size for none."""
    changed = values | {"num_classes": len(categories), "label_names": list(categories)}
    for part in ("model_args", "pretrained_cfg"):
        if "num_classes" in changed.get(part, {}):
            changed[part] = changed[part] | {"num_classes": len(categories)}
    return changed


def _evaluation(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}
