"""A library in which pictures nearly repeat each other, sorted by a bundle whose labeled pictures lie elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from classifier.catalog.connection import read_catalog
from classifier.catalog.embeddings import LOOKS, embeddings_folder
from classifier.catalog.shards import read_embeddings
from classifier.images.hashing import hash_bytes
from classifier.model.bundle_files import EMBEDDINGS
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Selection
from kit.bundles import CATEGORIES, color_bundle
from kit.pictures import busy, encoded
from kit.reviewing import blended, sort_again, unsure_library

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import ImageId

OTHERS = 6
"""Pictures that nothing repeats."""
REPEATS = 4
"""Pictures that are nearly the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """`repeats` are nearly the same, `others` unlike anything; `labels` are files, as like to the first of each."""

    library: Path
    bundle: Path
    repeats: tuple[ImageId, ...]
    others: tuple[ImageId, ...]
    labels: tuple[Path, ...]


def nearby(folder: Path) -> Nearby:
    """Make it in `folder`: three labeled pictures, of which the first is like what repeats, the others like others."""
    bundle = color_bundle(folder / "model")
    library = unsure_library(folder, bundle.folder, OTHERS)
    picture = busy(7, (320, 240))
    repeats = [encoded(picture, "JPEG", quality=95 - 9 * number) for number in range(REPEATS)]
    for number, content in enumerate(repeats):
        (folder / "crawl" / f"again {number}.jpg").write_bytes(content)
    sort_again(folder, bundle.folder)
    made = Nearby(
        library=library,
        bundle=bundle.folder,
        repeats=tuple(hash_bytes(content) for content in repeats),
        others=tuple(hash_bytes(blended(number)) for number in range(OTHERS)),
        labels=tuple(folder / "labels" / category / "1.png" for category in CATEGORIES),
    )
    for number, path in enumerate(made.labels):
        path.parent.mkdir(parents=True)
        path.write_bytes(encoded(busy(20 + number, (200, 120)), "PNG"))
    label(made, made.labels)
    return made


def label(made: Nearby, paths: tuple[Path, ...], contents: tuple[bytes, ...] = ()) -> None:
    """Have the bundle say that its labeled pictures lie at `paths`, and that they are `contents` (else what is there).

    The network saw in them what it saw in the first that repeats, and in the first that do not.
    """
    with read_catalog(made.library) as catalog:
        (backbone,) = catalog.connection.execute(
            "SELECT DISTINCT backbone FROM embeddings WHERE backbone <> ?", (LOOKS,)
        ).fetchone()
        like = (made.repeats[0], *made.others)[: len(paths)]
        found = {
            picture: row
            for rows in read_embeddings(catalog, embeddings_folder(made.library, backbone), like, backbone=backbone)
            for picture, row in zip(rows.image_ids, rows.embeddings, strict=True)
        }
    LabeledEmbeddings(
        embeddings=np.stack([found[picture] for picture in like]),
        targets=np.arange(len(paths)) % len(CATEGORIES),
        groups=np.arange(len(paths)),
        image_ids=tuple(hash_bytes(content) for content in contents or [path.read_bytes() for path in paths]),
        paths=tuple(path.as_posix() for path in paths),
        selections=(Selection.PERSON,) * len(paths),
    ).save(made.bundle / EMBEDDINGS)


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a picture."""
    return Image.open(BytesIO(content)).size
