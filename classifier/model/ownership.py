"""Which files of a bundle illsort provably wrote; nothing else in a model's folder is ever replaced or removed.

The proof is the hashes in `illsort.json`; in bundles of earlier versions, which hash only their arrays, what the
others hold.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from classifier.errors import ModelError
from classifier.model.bundle_files import CARD, CONFIG, EVALUATION, MANIFEST, WEIGHTS, read_json
from classifier.model.card import is_card
from classifier.model.fitted_images import FITTED
from classifier.model.holdout import EVIDENCE
from classifier.model.labeled_embeddings import LABELLED
from classifier.model.ood import NOVELTY
from classifier.own_files import sha256_if_regular
from classifier.own_folder import taken

PARTS: Final = (CONFIG, WEIGHTS, EVALUATION, CARD, EVIDENCE, NOVELTY, LABELLED, FITTED)
"""All files that a bundle may have, but for its manifest."""

_LONGEST_NAME: Final = 200

_HASHED_BEFORE: Final = {
    WEIGHTS: "weights_sha256",
    EVIDENCE: "evidence_sha256",
    NOVELTY: "novelty_sha256",
    LABELLED: "labelled_sha256",
    FITTED: "fitted_sha256",
}


def proven(folder: Path) -> dict[str, str]:
    """The files of the bundle in `folder` that illsort wrote, as their SHA-256 by name; empty where there is none."""
    digest = sha256_if_regular(folder / MANIFEST)
    values = _object(folder / MANIFEST) if digest else {}
    if not {"format", "categories", "weights_sha256", "measured", "versions"} <= values.keys():
        return {}
    digests = {name: sha256_if_regular(folder / name) for name in PARTS}
    recorded = values.get("files")
    if isinstance(recorded, dict) and recorded:
        return {MANIFEST: digest} | {name: one for name, one in digests.items() if one and one == recorded.get(name)}
    return {MANIFEST: digest} | {
        name: one for name, one in digests.items() if one and _is_of(folder / name, one, values)
    }


def check_place(folder: Path) -> None:
    """Raise ModelError in one line when something that illsort did not write stands where a bundle has to be written.

    Whatever bears another name is not in the way.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(f"{folder}: is a link or a file, where a model's folder has to be; move it elsewhere")
    ours = proven(folder)
    for name in (MANIFEST, *PARTS):
        if os.path.lexists(folder / name) and name not in ours:
            raise ModelError(str(taken(folder / name).strerror))


def check_writable(folder: Path) -> None:
    """Raise ModelError when nothing can be made in `folder` or beside it; tried out, for permissions do not tell all.

    Beside it training keeps its state, so its name has to leave room for an ending.
    """
    if len(os.fsencode(folder.name)) > _LONGEST_NAME:
        raise ModelError(f"model.folder = {folder}: its name is too long; choose one of {_LONGEST_NAME} bytes at most")
    for place in dict.fromkeys((_nearest(folder), _nearest(folder.parent))):
        try:
            tempfile.TemporaryDirectory(dir=place, prefix=".illsort-").cleanup()
        except OSError as error:
            raise ModelError(f"model.folder = {folder}: nothing can be made in {place}: {error.strerror}") from None


def _nearest(folder: Path) -> Path:
    """The folder itself, or the innermost around it that is there."""
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder


def _is_of(path: Path, digest: str, manifest: Mapping[str, Any]) -> bool:
    """Whether a file belongs to a manifest of an earlier version, by its hash or by its content."""
    if path.name in _HASHED_BEFORE:
        return digest == manifest.get(_HASHED_BEFORE[path.name])
    values = {} if path.name == CARD else _object(path)
    if path.name == CONFIG:
        fits = values.get("label_names") == manifest["categories"] and "architecture" in values
        return fits and path.read_bytes() == json.dumps(values, indent=2).encode()
    if path.name == EVALUATION:
        return path.read_bytes() == json.dumps(values, ensure_ascii=False, indent=2).encode(errors="backslashreplace")
    return is_card(path.read_bytes().decode(errors="replace"), manifest, _object(path.with_name(CONFIG)))


def _object(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except ModelError:
        return {}
