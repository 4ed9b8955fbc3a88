"""Networks exported to ONNX, in the user's cache folder, each with what comparing it with torch gave.

Nothing here comes from a bundle: a file is used only if its SHA-256 is the one that its record has, both written here;
else it is made anew. Torch is not imported.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_cache_path

from classifier.errors import Message, ModelError
from classifier.model.bundle_files import CONFIG, sha256_of
from classifier.own_files import READ, open_own, remove_own, write_own
from classifier.paths import to_json

if TYPE_CHECKING:
    from classifier.model.bundle import Bundle

PACKAGES: Final = ("onnxruntime", "onnx", "onnxscript")
INSTALL: Final = 'pip install "illsort[onnx]"'
TOLERANCE: Final = 1e-4
"""The largest difference that counts as rounding, as a share of the largest number among the answers compared."""

_FORMAT: Final = 1
_KEPT: Final = 3
_MOST_BYTES: Final = 2**31
_MOST_JSON: Final = 4096
_OWN: Final = 0o600
_NAME: Final = re.compile(r"[0-9a-f]{32}\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the answers of a model differ from torch's, over so many `images`.

    `difference` is the largest of any output, as a share of the largest number in it; `same_best` says whether every
    image has the same most likely category. `failure` says why there was nothing to compare; empty otherwise.
    """

    images: int = 0
    difference: float = math.inf
    same_best: bool = False
    failure: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the model may be used in torch's place."""
        return not self.failure and self.same_best and self.difference <= TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptModel:
    """An exported model and its comparison with torch; no bytes where it does not agree."""

    model: bytes
    comparison: Comparison


def missing_packages() -> list[str]:
    """What `illsort[onnx]` would install."""
    return [name for name in PACKAGES if find_spec(name) is None]


def check_engine(engine: str) -> None:
    """Raise ModelError in one line when ONNX Runtime is asked for and not installed."""
    if engine == "onnx" and (missing := missing_packages()):
        raise ModelError(
            "--engine onnx: {packages} is not installed: {command}", packages=", ".join(missing), command=INSTALL
        )


def check_onnx_target(path: Path) -> None:
    """Raise ModelError in one line where `path` is no name of an ONNX file, or what exports is not installed."""
    if path.suffix.lower() != ".onnx":
        raise ModelError("{path}: its name must end in {endings}", path=path, endings=".onnx")
    if missing := missing_packages():
        raise ModelError(
            "{path}: {packages} is not installed: {command}", path=path, packages=", ".join(missing), command=INSTALL
        )


def cache_key(bundle: Bundle, *, stats: bool) -> str:
    """The key of the bundle's exported network, 32 hex digits: of all that its numbers depend on."""
    manifest = bundle.manifest
    packages = [f"{name} {_version(name)}" for name in ("onnxruntime", "torch", "timm")]
    parts = [_FORMAT, manifest.format, manifest.weights_sha256, sha256_of(bundle.folder / CONFIG), manifest.image_size]
    text = "|".join(map(str, [*parts, *packages, platform.machine(), stats]))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _version(name: str) -> str:
    """Some builds of ONNX Runtime are installed under another name than they are imported by."""
    try:
        return version(name)
    except PackageNotFoundError:
        return str(import_module(name).__version__)


def load_kept(key: str) -> KeptModel | None:
    """What is kept under `key`; None when nothing is, or it is damaged."""
    try:
        folder = _folder()
        with open_own(folder / f"{key}.json", READ) as file:
            record = json.loads(file.read(_MOST_JSON))
        comparison = Comparison(**record["comparison"])
        if not comparison.agrees:
            return KeptModel(model=b"", comparison=comparison)
        with open_own(folder / f"{key}.onnx", READ) as file:
            model = file.read(_MOST_BYTES)
        return KeptModel(model=model, comparison=comparison) if _sha256(model) == record["sha256"] else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError, RuntimeError):
        return None


def keep(key: str, kept: KeptModel) -> None:
    """Keep it under `key` in place of what is there, and no more than three such models.

    Raises OSError when the disk refuses, RuntimeError where this user has no cache folder.
    """
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kept.model:
        write_own(folder / f"{key}.onnx", kept.model, permissions=_OWN)
    record: dict[str, Any] = {"sha256": _sha256(kept.model), "comparison": asdict(kept.comparison)}
    write_own(folder / f"{key}.json", to_json(record).encode(), permissions=_OWN)
    _remove_oldest(folder)


def _remove_oldest(folder: Path) -> None:
    with suppress(OSError):
        records = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and not path.is_symlink()]
        for path in sorted(records, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT]:
            for old in (path, path.with_suffix(".onnx")):
                with suppress(FileNotFoundError):
                    remove_own(old)


def _folder() -> Path:
    folder = user_cache_path("illsort", appauthor=False)
    if not folder.is_absolute():  # a file below the current folder could be a stranger's
        raise RuntimeError(Message("there is no home folder"))
    return folder / "onnx"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
