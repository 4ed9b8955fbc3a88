"""Keeps the neighbors of many pictures beside their embeddings: correcting what is in the library changes none."""

# Shapes: N nodes, M neighbors.

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.model.nearest import FEW, NEIGHBORS, nearest
from classifier.own_files import READ, open_own, write_own

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.sort.graph_nodes import Nodes

    Neighbors = tuple[NDArray[np.int32], NDArray[np.float32]]

NAME: Final = "neighbors.npz"
_METHOD: Final = "1"
"""Changes with how neighbors are found, so that those kept before are no longer taken."""


def kept_nearest(folder: Path, nodes: Nodes) -> Neighbors:
    """As `nearest` of the nodes; taken from `folder` where the same nodes were compared before.

    Few nodes are compared anew, which takes a second; what cannot be read or written is found anew the next time.
    """
    if len(nodes.image_ids) <= FEW:
        return nearest(nodes.short)
    key = hashlib.sha256("".join((_METHOD, *nodes.image_ids)).encode()).hexdigest()
    if (known := _read(folder / NAME, key, count=len(nodes.image_ids))) is not None:
        return known
    neighbors, cosines = nearest(nodes.short)
    with io.BytesIO() as content, suppress(OSError):
        np.savez(content, key=np.array(key), neighbors=neighbors, cosines=cosines)
        write_own(folder / NAME, content.getvalue(), durably=False)
    return neighbors, cosines


def _read(path: Path, key: str, *, count: int) -> Neighbors | None:
    try:
        with open_own(path, READ) as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["key"]) != key:
                return None
            neighbors, cosines = arrays["neighbors"], arrays["cosines"]
    except Exception:  # noqa: BLE001 - a damaged zip, header or array raises anything at all
        return None
    is_whole = (
        neighbors.shape == cosines.shape == (count, NEIGHBORS)
        and (neighbors.dtype, cosines.dtype) == (np.int32, np.float32)
        and bool(((neighbors >= 0) & (neighbors < count)).all() and np.isfinite(cosines).all())
    )
    return (neighbors, cosines) if is_whole else None
