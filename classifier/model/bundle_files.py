"""A bundle's files by name, and the JSON among them read with an error that speaks; needs no torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from classifier.errors import ModelError
from classifier.images.safe_open import open_regular
from classifier.paths import to_json

MANIFEST = "illsort.json"
EVALUATION = "evaluation.json"
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
CARD = "README.md"
_MOST_JSON = 64 * 2**20


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a bundle's file. Raises ModelError in one line when it is missing, damaged or no object."""
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_JSON + 1)
        if len(content) > _MOST_JSON:
            raise ModelError(f"{path}: is larger than any file of that name that illsort writes; restore it")
        values = json.loads(content.decode())
    except FileNotFoundError:
        raise ModelError(
            f"{path.parent}: is no illsort bundle, {path.name} is missing; make one with illsort train"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path}: is no JSON object")
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
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None


def make_durable(folder: Path) -> None:
    """Have every file in `folder` on the disk, before it is given the name by which it is found."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


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
