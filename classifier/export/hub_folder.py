"""Writes a model as a folder to publish: a timm repository as the Hugging Face hub holds them, with a model card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog.connection import library_around
from classifier.errors import ModelError, SettingsError
from classifier.export.hub_card import hub_card, read_facts
from classifier.export.new_file import check_target, new_file
from classifier.filing.fsops import Disk
from classifier.images.safe_open import open_regular
from classifier.model.bundle_files import CARD, CONFIG, MANIFEST, WEIGHTS, read_json
from classifier.model.evaluation_fields import read_evaluation

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.model.bundle import Bundle

_WRITTEN: Final = (WEIGHTS, CARD, CONFIG)
"""In this order: a folder is a timm repository once its configuration is there."""


def check_hub_target(folder: Path, *, force: bool) -> None:
    """Raise SettingsError in one line where no model may be written to `folder`; `force` allows to replace its files.

    Other files in it stay: it may be a clone of the repository.
    """
    if (folder / MANIFEST).exists():
        raise SettingsError("{folder}: is an illsort model itself; choose another folder", folder=folder)
    if folder.exists() and not folder.is_dir():
        raise SettingsError("{folder}: is a file; name a folder", folder=folder)
    if (library := library_around(folder.resolve())) is not None:
        raise SettingsError(
            "{folder}: is or lies in the library {library}, among your pictures; choose another folder",
            folder=folder,
            library=library,
        )
    if not folder.parent.is_dir():
        raise SettingsError("{path}: there is no folder {folder}", path=folder, folder=folder.parent)
    for name in _WRITTEN if folder.exists() else ():
        check_target(folder / name, force=force)


def write_hub_folder(bundle: Bundle, folder: Path, *, force: bool) -> None:
    """Write the model to `folder`, which is made; each file is there once it is whole.

    Raises SettingsError as `check_hub_target` does, ModelError where a file of the bundle is damaged.
    """
    check_hub_target(folder, force=force)
    config = read_json(bundle.folder / CONFIG)
    evaluation = read_evaluation(bundle.folder, categories=len(bundle.manifest.categories))
    facts = read_facts(bundle, architecture=str(config.get("architecture", "")), evaluation=evaluation)
    card = hub_card(folder.absolute().name, facts)
    disk = Disk()
    disk.make_folder(folder)
    with open_regular(bundle.folder / WEIGHTS) as source, new_file(folder / WEIGHTS, force=force) as file:
        if disk.transfer(source, file) != bundle.manifest.weights_sha256:
            raise ModelError("{path}: was changed while it was read", path=bundle.folder / WEIGHTS)
    with new_file(folder / CARD, force=force) as file:
        file.write(card.encode())
    with open_regular(bundle.folder / CONFIG) as source, new_file(folder / CONFIG, force=force) as file:
        disk.transfer(source, file)
