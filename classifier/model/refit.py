"""A bundle with another head, by the other one's files: no network is built, and its backbone stays as it is."""

# Shapes: K categories, D embedding width.

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors.numpy import load_file, save_file

from classifier.errors import ModelError
from classifier.model.bundle import Bundle, open_bundle, written
from classifier.model.card import model_card
from classifier.model.evidence import EVIDENCE, Evidence
from classifier.model.files import EVALUATION, MANIFEST, WEIGHTS, make_durable, read_json, sha256_of, write_json
from classifier.model.labelled import LABELLED, Labelled
from classifier.model.novelty import NOVELTY, Novelty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CONFIG: Final = "config.json"


def save_refitted(
    models: Path,
    *,
    of: Bundle,
    categories: Sequence[str],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    labelled: Labelled,
    evidence: Evidence | None,
    novelty: Novelty | None,
    note: str,
) -> Bundle:
    """Write the bundle `of` with the head `weight` (K, D) and `bias` (K,) to a folder in `models` named by its key.

    Its evaluation is carried over with a `note` that says of what it was measured. Raises ModelError in one line when
    the files of `of` cannot be read, OSError when the disk refuses.
    """
    writing = models / "writing"
    shutil.rmtree(writing, ignore_errors=True)  # left by a run that was killed while writing
    writing.mkdir(parents=True)
    _write_weights(of, writing / WEIGHTS, weight, bias)
    config = _config(read_json(of.folder / _CONFIG), categories)
    manifest = of.manifest.model_copy(
        update={
            "categories": tuple(categories),
            "weights_sha256": sha256_of(writing / WEIGHTS),
            "evidence_sha256": written(evidence, writing / EVIDENCE),
            "novelty_sha256": written(novelty, writing / NOVELTY),
            "labelled_sha256": written(labelled, writing / LABELLED),
            "measured": of.manifest.measured | {"labels": len(labelled), "note": note},
        }
    )
    evaluation = _evaluation(of.folder / EVALUATION) | {"note": note}
    write_json(writing / EVALUATION, evaluation)
    write_json(writing / _CONFIG, config)
    card = model_card(manifest.key, str(config.get("architecture", "")), manifest)
    (writing / "README.md").write_text(card, encoding="utf-8")
    (writing / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    make_durable(writing)  # a power cut must not leave the library's model in halves
    folder = models / manifest.key
    shutil.rmtree(folder, ignore_errors=True)
    writing.rename(folder)
    return open_bundle(folder)


def remove_others(models: Path, *, kept: Path) -> None:
    """Remove the refitted bundles in `models` but `kept`; what cannot be removed now stays."""
    for folder in models.iterdir() if models.is_dir() else ():
        if folder.name != kept.name:
            shutil.rmtree(folder, ignore_errors=True)


def _write_weights(of: Bundle, path: Path, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    if of.manifest.head is None:
        raise ModelError(f"{of.folder}: says nothing of its head; train again")
    tensors = load_file(of.folder / WEIGHTS)
    names = dict(zip(of.manifest.head, (weight, bias), strict=True))
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
