"""Where the weights come from that training starts with, and how images are prepared for them. Imports no torch.

What is known of repositories is data: `repositories.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from classifier.errors import Message, ModelError, message_of
from classifier.model.bundle_files import CONFIG, MANIFEST
from classifier.model.manifest import load_manifest
from classifier.paths import given_path
from classifier.setting_sections import ModelSettings

HUB: Final = "hf-hub:"
MODELSCOPE: Final = "modelscope:"
FOLDER: Final = "local-dir:"
SOURCES: Final = (HUB, MODELSCOPE, FOLDER)
DEFAULT_SQUEEZE: Final = 2.0
_TABLE: Final = "repositories.toml"

Channels = Literal["rgb", "bgr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """An entry of `repositories.toml`, where the fields are described."""

    name: str
    channels: Channels = "rgb"
    max_squeeze: float = DEFAULT_SQUEEZE
    image_size: int = 0
    license: str = ""
    tags: str = ""
    gated: bool = False
    modelscope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How images are prepared for the weights, and under which license these are; empty where that is not known.

    `image_size` 0 is the network's own; `view_size` is the side of what is learned from, 0 the same. `sentences` are
    for the user, before the weights are fetched.
    """

    channels: Channels
    max_squeeze: float
    image_size: int
    license: str
    tags: str = ""
    view_size: int = 0
    sentences: tuple[Message, ...] = ()


@cache
def known_repositories() -> dict[str, Repository]:
    """The table, by the names in lower case: the hub takes them in any."""
    table = tomllib.loads(files("classifier.model").joinpath(_TABLE).read_text(encoding="utf-8"))
    return {name.lower(): Repository(name=name, **fields) for name, fields in table.items()}


def origin_of(settings: ModelSettings) -> Origin:
    """What holds for `model.backbone`: what is set, else what is known of it. Raises ModelError in one line."""
    folder = local_folder(settings.backbone)
    if folder is not None and (folder / MANIFEST).is_file():
        return _of_bundle(folder, settings)
    known = _known(settings.backbone, folder)
    found = known or Repository(name="")
    return Origin(
        channels=found.channels if settings.channels == "auto" else settings.channels,
        max_squeeze=settings.max_squeeze or found.max_squeeze,
        image_size=settings.image_size or found.image_size,
        license=found.license,
        tags=found.tags,
        sentences=tuple(_sentences(settings, known)),
    )


def local_folder(backbone: str) -> Path | None:
    """The folder that `local-dir:` names; None for other backbones. Raises ModelError where there is no model."""
    if not backbone.startswith(FOLDER):
        return None
    try:
        folder = given_path(backbone.removeprefix(FOLDER))
    except ValueError as error:
        raise refused(backbone, message_of(error)) from None
    if not (folder / CONFIG).is_file():
        raise refused(backbone, Message("{folder} holds no config.json, so it is no timm model folder", folder=folder))
    return folder


def known_as(backbone: str) -> Repository | None:
    """What is known of a backbone by its name on the hub or on ModelScope, by timm's or illsort's."""
    table = known_repositories()
    name = backbone.removeprefix(HUB).removeprefix(MODELSCOPE).partition("@")[0].lower()  # after the @: a revision
    if backbone.startswith(MODELSCOPE):
        copied = next((one for one in table.values() if name == one.modelscope.lower()), None)
        return copied or table.get(name)
    return table.get(name) or table.get(f"timm/{name}")


def license_of(name: str, license_id: str) -> Message:
    """What is said of weights that are fetched."""
    return Message("The weights of {name} are under the license {license}.", name=name, license=license_id)


def refused(backbone: str, why: Message) -> ModelError:
    """The error of a backbone that cannot be loaded."""
    return ModelError("model.backbone = {name}: {why}", name=backbone, why=why)


def _of_bundle(folder: Path, settings: ModelSettings) -> Origin:
    """A model of illsort takes RGB whatever its weights once took, and images as it was trained on them."""
    if settings.channels == "bgr":
        raise ModelError(
            "model.channels = bgr: {folder} is a model that illsort trained, which takes RGB; leave it at auto",
            folder=folder,
        )
    manifest = load_manifest(folder)
    return Origin(
        channels="rgb",
        max_squeeze=settings.max_squeeze or manifest.max_squeeze,
        image_size=settings.image_size,
        view_size=0 if settings.image_size else manifest.view_size,
        license=manifest.backbone_license,
    )


def _known(backbone: str, folder: Path | None) -> Repository | None:
    """By its name, or as a folder that bears the last part of a name on the hub."""
    if folder is None:
        return known_as(backbone)
    called = f"/{folder.absolute().name.lower()}"
    return next((one for name, one in known_repositories().items() if name.endswith(called)), None)


def _sentences(settings: ModelSettings, known: Repository | None) -> Iterator[Message]:
    name = settings.backbone
    if known is None:
        if name.startswith(SOURCES) and settings.channels == "auto":
            yield Message(
                "{name} is not among the repositories that illsort knows: pictures are prepared as its config.json "
                "says. If it learned from BGR, set model.channels=bgr; if from padded pictures, model.max_squeeze=1. "
                "Its page says under which license it is.",
                name=name,
            )
        return
    if name.startswith(FOLDER):
        yield Message("{name} is taken for {repository}, by the folder's name.", name=name, repository=known.name)
    if name.startswith(MODELSCOPE):
        yield Message("{name} is taken for {repository}, whose copy it is.", name=name, repository=known.name)
    if "/" in known.name:  # else the weights came with a package
        yield license_of(known.name, known.license)
    if known.gated and not name.startswith((FOLDER, MODELSCOPE)):
        yield Message(
            "{name} is given only to accounts that accepted its conditions on its page: log in with `hf auth login`.",
            name=known.name,
        )
