"""Some rows of a file of answers: checked, as the records that a sort takes and the arrays that deciding takes."""

# Shapes: N rows, M of them decoded, K categories, D embedding width, T statistics.

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import compute

from classifier.catalog.halves import from_halves
from classifier.catalog.shards import EmbeddingBatch
from classifier.images.look import LOOK_BYTES
from classifier.parts.schema import LISTING, Listed
from classifier.paths import to_json
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind, ImageId, ImageInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ID: Final = "^[0-9a-f]{64}$"


class AnsweredRows:
    """N rows, of which the M at the places `decoded`, int64 (M,), rising, are of images that could be decoded.

    Its constructor and `check` raise ValueError where the rows cannot be answers of a model of K categories.
    """

    def __init__(self, rows: pa.RecordBatch, *, categories: int) -> None:
        self._rows = rows
        is_decoded = compute.is_null(rows["failure"])
        self.decoded: NDArray[np.int64] = np.flatnonzero(is_decoded.to_numpy(zero_copy_only=False))
        self._answered = rows.filter(is_decoded)
        self.logits = _matrix(self._answered["logits"], categories).astype(np.float32, copy=False)
        """Float32 (M, K)."""
        _check(bool(np.isfinite(self.logits).all()) and not rows["key"].null_count)
        _check(not self._answered["image_id"].null_count and not self._answered["truncated"].null_count)
        _check(_all(compute.match_substring_regex(self._answered["image_id"], _ID)))
        _check(not rows["version"].null_count and not rows["size_bytes"].null_count)
        _check(len(set(zip(*(rows[name].to_pylist() for name in ("key", "offset")), strict=True))) == len(self))

    def check(self, *, images: bool) -> None:
        """Make what is needed once, with the `images` where those are: damage shows here and not later."""
        needed = ["image_ids", "truncated", "ood_scores", "failures"]
        for name in needed + ["images"] * images + ["embeddings"] * self.has_embeddings:
            getattr(self, name)

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    @property
    def columns(self) -> pa.RecordBatch:
        """All N rows as they are."""
        return self._rows

    @property
    def has_embeddings(self) -> bool:
        """Whether what is kept for other heads was asked for and is there."""
        return "embedding" in self._rows.schema.names

    @cached_property
    def image_ids(self) -> list[ImageId]:
        """Of the M images."""
        return [ImageId(one) for one in self._answered["image_id"].to_pylist()]

    @cached_property
    def truncated(self) -> list[bool]:
        """Of the M images."""
        return list(self._answered["truncated"].to_pylist())

    @cached_property
    def ood_scores(self) -> list[float | None]:
        """Of the M images."""
        scores: list[float | None] = self._answered["ood_score"].to_pylist()
        _check(bool(np.isfinite([0.0 if score is None else score for score in scores]).all()))
        return scores

    def listed(self) -> list[Listed]:
        """The N files as they were when they were listed."""
        columns = (self._rows[name].to_pylist() for name in LISTING.names)
        return list(map(Listed._make, zip(*columns, strict=True)))

    @cached_property
    def images(self) -> list[ImageInfo]:
        """The M images."""
        names = ("size_bytes", "width", "height")
        sizes = [self._answered[name].to_pylist() for name in names]
        looks = self._answered["look"].to_pylist() if self.has_embeddings else [b""] * len(self.decoded)
        _check(all(size is not None and size > 0 for column in sizes for size in column))
        _check(all(len(look or b"") in {0, LOOK_BYTES} for look in looks))
        return [
            ImageInfo(id=image_id, size_bytes=size, width=width, height=height, truncated=truncated, look=look or b"")
            for image_id, size, width, height, truncated, look in zip(
                self.image_ids, *sizes, self.truncated, looks, strict=True
            )
        ]

    @cached_property
    def failures(self) -> dict[int, Failure]:
        """By place among the N rows, why an image could not be decoded."""
        failed = self._rows.filter(compute.is_valid(self._rows["failure"]))
        places = np.setdiff1d(np.arange(len(self)), self.decoded).tolist()
        columns = (failed[name].to_pylist() for name in ("failure", "failure_code", "failure_params"))
        return {place: _failure(*values) for place, values in zip(places, zip(*columns, strict=True), strict=True)}

    @cached_property
    def embeddings(self) -> EmbeddingBatch:
        """The embeddings of the M images, float32 (M, D), and statistics (M, T); not finite where they never were."""
        scales = _matrix(self._answered["scales"], 2).astype(np.float32, copy=False)
        halves = [_matrix(self._answered[name], None) for name in ("embedding", "stats")]
        embeddings, stats = (_from_halves(half, scales[:, place]) for place, half in enumerate(halves))
        return EmbeddingBatch(image_ids=self.image_ids, embeddings=embeddings, stats=stats)


def _from_halves(halves: NDArray[np.float16], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    values = from_halves(halves, scales)
    values[~np.isfinite(halves).all(axis=1) | ~np.isfinite(values).all(axis=1)] = np.nan
    return values


def _failure(kind: Any, code: Any, params: Any) -> Failure:
    try:
        found = json.loads(params or "{}")
        _check(isinstance(found, dict))
        return Failure(kind=FailureKind(kind), detail=Reason(ReasonCode(code), to_json(dict(sorted(found.items())))))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _matrix(column: pa.Array, width: int | None) -> NDArray[Any]:
    """A column of lists of one length, which is `width` where that is given."""
    _check(not column.null_count)
    lengths = compute.list_value_length(column).to_numpy(zero_copy_only=False)
    width = width if width is not None else int(lengths[0]) if len(lengths) else 0
    _check(bool((lengths == width).all()))
    values: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), width)


def _all(found: pa.Array) -> bool:
    return compute.all(found, min_count=0).as_py() is not False


def _check(is_right: bool) -> None:
    if not is_right:
        raise ValueError("no answers of this model")
