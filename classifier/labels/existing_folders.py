"""Category folders that a person filled by hand, inside a folder that `illsort label` labels into.

Their names are offered as categories and their pictures are counted as labels, for training reads them as such. Nothing
in them is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import runs
from classifier.catalog.categories import nfc
from classifier.catalog.places import all_places
from classifier.catalog.values import to_bytes
from classifier.errors import LabelsError
from classifier.images.walk_result import Found
from classifier.labels.load import category_folders, pictures_in
from classifier.labels.names import check_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


def placed_by_hand(catalog: Catalog, library: Path) -> dict[str, int]:
    """How many pictures lie in each category folder that illsort did not put there; none where nothing was sampled.

    Folders that cannot be listed are left out.
    """
    if not runs.has_run_of_kind(catalog, "label"):
        return {}
    ours = {place.path for place in all_places(catalog)}
    found: dict[str, int] = {}
    for folder in category_folders(library):
        try:
            met = Found()
            paths = set(pictures_in(folder, met)) - {path for path, _ in met.refused}
        except OSError:
            continue
        count = sum(to_bytes(path.relative_to(library)) not in ours for path in paths)
        if count:
            found[nfc(folder.name)] = found.get(nfc(folder.name), 0) + count
    return found


def usable_names(found: Sequence[str], known: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of `found` that can be categories beside those `known`, and a sentence for each that cannot."""
    good, complaints = list[str](), list[str]()
    for name in found:
        try:
            check_names([*known, *good, name], where="the labels folder")
        except LabelsError as error:
            complaints.append(str(error))
        else:
            good.append(name)
    return good, complaints
