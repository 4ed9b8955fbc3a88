"""The files of a bundle: names, reading and writing, and which of them illsort provably wrote.

Nothing else in a model's folder is ever replaced or removed. The proof is the hashes in `illsort.json`; bundles of
earlier versions hash only their arrays, and their other files are compared by content.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from classifier.errors import ModelError, message_of
from classifier.images.safe_open import open_regular
from classifier.model.card import is_card
from classifier.own_files import flush_to_disk, sha256_if_regular
from classifier.own_folder import name_taken
from classifier.paths import name_length, to_json

MANIFEST = "illsort.json"
EVALUATION = "evaluation.json"
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
CARD = "README.md"
HOLDOUT = "evidence.npz"
OOD = "novelty.safetensors"
EMBEDDINGS = "labelled.npz"
FITTED = "fitted.npz"
TAGS = "tags.safetensors"
HEAD = "head.safetensors"
FOLD_HEADS = "folds.npz"
PARTS: Final = (CONFIG, WEIGHTS, EVALUATION, CARD, HOLDOUT, OOD, EMBEDDINGS, FITTED, TAGS, HEAD, FOLD_HEADS)
"""All files that a bundle may have, but for its manifest."""

_HASHED_BEFORE: Final = {
    WEIGHTS: "weights_sha256",
    HOLDOUT: "evidence_sha256",
    OOD: "novelty_sha256",
    EMBEDDINGS: "labelled_sha256",
    FITTED: "fitted_sha256",
}

_LONGEST_NAME: Final = 200
_MOST_JSON: Final = 64 * 2**20


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a bundle's file. Raises ModelError in one line when it is missing, damaged or no object."""
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_JSON + 1)
        if len(content) > _MOST_JSON:
            raise ModelError("{path}: is larger than any file of that name that illsort writes; restore it", path=path)
        values = json.loads(content.decode())
    except FileNotFoundError:
        if not path.parent.exists():
            raise ModelError(
                "{folder}: there is no such folder; make a model with illsort train", folder=path.parent
            ) from None
        raise ModelError(
            "{folder}: is no illsort bundle, {file} is missing; make one with illsort train",
            folder=path.parent,
            file=path.name,
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("{path}: cannot be read ({why})", path=path, why=message_of(error)) from None
    if not isinstance(values, dict):
        raise ModelError("{path}: is no JSON object", path=path)
    return values


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write what `read_json` reads."""
    path.write_bytes(to_json(values, indent=2).encode())


def sha256_of(path: Path) -> str:
    """The hash of a bundle's file, in hexadecimal. Raises ModelError in one line when it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError("{path}: cannot be read ({why})", path=path, why=message_of(error)) from None


def make_durable(folder: Path) -> None:
    """Have every file in `folder` on the disk, before it is given the name by which it is found."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            flush_to_disk(file.fileno())


@contextmanager
def under_utf_8(source: str) -> Iterator[str]:
    """The same `local-dir:/folder` or other source, as a name that timm can load: safetensors needs paths in UTF-8.

    Linux, where folders may have other names, has such a path to each open folder.
    """
    try:
        source.encode()
    except UnicodeEncodeError:
        descriptor = os.open(source.removeprefix("local-dir:"), os.O_RDONLY)
        try:
            yield f"local-dir:/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield source


def proven_files(folder: Path) -> dict[str, str]:
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


def check_replaceable(folder: Path) -> None:
    """Raise ModelError in one line when something that illsort did not write stands where a bundle has to be written.

    Whatever bears another name is not in the way.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(
            "{folder}: is a link or a file, where a model's folder has to be; move it elsewhere", folder=folder
        )
    ours = proven_files(folder)
    for name in (MANIFEST, *PARTS):
        if os.path.lexists(folder / name) and name not in ours:
            raise ModelError(message_of(name_taken(folder / name)))


def check_writable(folder: Path) -> None:
    """Raise ModelError when nothing can be made in `folder` or beside it; tried out, for permissions do not tell all.

    Beside it training keeps its state, so its name has to leave room for an ending.
    """
    if name_length(folder.name) > _LONGEST_NAME:
        raise ModelError(
            "model.folder = {folder}: its name is too long; choose one of {most} bytes at most",
            folder=folder,
            most=_LONGEST_NAME,
        )
    for place in dict.fromkeys((_nearest(folder), _nearest(folder.parent))):
        try:
            tempfile.TemporaryDirectory(dir=place, prefix=".illsort-").cleanup()
        except OSError as error:
            raise ModelError(
                "model.folder = {folder}: nothing can be made in {place}: {why}",
                folder=folder,
                place=place,
                why=message_of(error),
            ) from None


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
