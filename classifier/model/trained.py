"""The trained network of a bundle: built from its folder, and written to one. Imports torch and timm.

A bundle's manifest, numbers and head are read by `bundle`, which imports neither.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from classifier.model.backbone import Network, load_trained, save_network
from classifier.model.bundle import Bundle, BundleParts, open_bundle, write_parts
from classifier.model.card import model_card
from classifier.model.install import check_target, copy_bundle, install, place_of, previous_of, writing_folder
from classifier.model.manifest import Manifest, manifest_or_none

_NO_PARTS: Final = BundleParts()


def load_network(bundle: Bundle) -> Network:
    """Build the bundle's network with its trained weights, in evaluation mode."""
    network = load_trained(bundle.folder, image_size=bundle.manifest.image_size)
    network.eval()
    return network


def save_bundle(
    folder: Path,
    *,
    network: Network,
    manifest: Manifest,
    evaluation: dict[str, Any],
    parts: BundleParts = _NO_PARTS,
) -> Bundle:
    """Write the bundle; one of an earlier training in the same place is kept as `<name>.previous`.

    Returns it as `open_bundle` does.

    Raises ModelError when something else is in the way.
    """
    check_target(folder)
    place = place_of(folder)
    with writing_folder(place) as writing:
        crop_mode = "border" if manifest.max_squeeze == 1 else "squash"
        save_network(network, writing, label_names=list(manifest.categories), crop_mode=crop_mode)
        card = model_card(folder.name, network.architecture, manifest)
        known = {"backbone_sha256": network.backbone_sha256(), "head": network.head_names}
        write_parts(writing, manifest=manifest.model_copy(update=known), evaluation=evaluation, card=card, parts=parts)
        if not _is_same_training(place, manifest):
            copy_bundle(place, previous_of(place))
        install(writing, place)
    return open_bundle(folder)


def _is_same_training(place: Path, manifest: Manifest) -> bool:
    """Whether the bundle in `place` is of the training of `manifest`: before fine-tuning, or saved before a kill."""
    there = manifest_or_none(place)
    return there is not None and (there.is_interim or (bool(there.training) and there.training == manifest.training))
