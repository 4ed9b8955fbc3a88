"""Contents by id: what was decoded, what a model says of it. Logits are kept: a new calibration costs nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from classifier.catalog.connection import Catalog
from classifier.records import Picture, PictureId

_FORGET = """
DELETE FROM predictions WHERE model = ? AND EXISTS (
    SELECT 1 FROM embeddings WHERE embeddings.picture = predictions.picture AND backbone = ?)
"""


def add(catalog: Catalog, picture: Picture) -> None:
    """Record a content that could be decoded; the caller holds the transaction."""
    catalog.connection.execute(
        "INSERT OR REPLACE INTO pictures (id, size_bytes, width, height, truncated) VALUES (?, ?, ?, ?, ?)",
        (picture.id, picture.size_bytes, picture.width, picture.height, int(picture.truncated)),
    )


def add_logits(
    catalog: Catalog, picture: PictureId, *, model: str, logits: NDArray[np.float32], novelty: float | None = None
) -> None:
    """Record what `model` says of a picture: logits, float32 (K,), and how unlike every labelled picture it is.

    The caller holds the transaction.
    """
    catalog.connection.execute(
        "INSERT OR REPLACE INTO predictions (picture, model, logits, novelty) VALUES (?, ?, ?, ?)",
        (picture, model, logits.astype("<f4").tobytes(), novelty),
    )


def as_bytes(logits: NDArray[np.float32]) -> list[bytes]:
    """Each row of logits, float32 (N, K), as it is kept."""
    width, content = logits.shape[1] * 4, logits.astype("<f4").tobytes()
    return [content[start : start + width] for start in range(0, len(content), width)]


def add_many_logits(catalog: Catalog, answers: Iterable[tuple[PictureId, bytes, float | None]], *, model: str) -> None:
    """As `add_logits`, for many pictures: each with its logits `as_bytes` and its novelty.

    The caller holds the transaction; in the order of the pictures it is fastest.
    """
    catalog.connection.executemany(
        "INSERT OR REPLACE INTO predictions (picture, model, logits, novelty) VALUES (?, ?, ?, ?)",
        ((picture, model, logits, novelty) for picture, logits, novelty in answers),
    )


def forget_answers(catalog: Catalog, models: Iterable[tuple[str, str]]) -> int:
    """Drop what `models`, each with its backbone, can say again without reading the picture: its embedding is kept.

    Returns how many answers went.
    """
    with catalog.transaction() as connection:
        return sum(connection.execute(_FORGET, model).rowcount for model in models)


def is_known(catalog: Catalog, picture: PictureId) -> bool:
    """Whether this content was decoded before, under any name."""
    row = catalog.connection.execute("SELECT 1 FROM pictures WHERE id = ?", (picture,)).fetchone()
    return row is not None
