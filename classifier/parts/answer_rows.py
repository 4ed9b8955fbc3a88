"""The answers to a part, gathered row by row, and the bytes of their Parquet file: of equal answers, the same bytes."""

# Shapes: N images, K categories, D embedding width, T statistics.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from classifier.catalog.halves import to_halves
from classifier.model.calibration import probabilities
from classifier.parts.schema import LISTING, answers_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.inference.scorer import Score
    from classifier.parts.answers_meta import AnswersMeta
    from classifier.parts.schema import Listed
    from classifier.records import Failure, ImageId, ImageInfo


class _Answer(NamedTuple):
    """One row: either a failure, or all the others."""

    image_id: ImageId | None
    failure: Failure | None = None
    image: ImageInfo | None = None
    score: Score | None = None
    embedding: NDArray[np.float32] | None = None
    stats: NDArray[np.float32] | None = None


class AnswerRows:
    """The answers to `rows`, to be added in their order."""

    def __init__(self, rows: Sequence[Listed], meta: AnswersMeta, *, with_embeddings: bool) -> None:
        self._rows = rows
        self._meta = meta
        self._with_embeddings = with_embeddings
        self._answers: list[_Answer] = []

    @property
    def failures(self) -> list[Failure]:
        """Why pictures could not be read, one for each of them."""
        return [answer.failure for answer in self._answers if answer.failure is not None]

    def add_failure(self, failure: Failure, image_id: ImageId | None) -> None:
        """The next picture could not be read; the id of its content, where that could."""
        self._answers.append(_Answer(image_id, failure=failure))

    def add(
        self,
        image: ImageInfo,
        score: Score,
        *,
        embedding: NDArray[np.float32],
        stats: NDArray[np.float32] | None,
    ) -> None:
        """The next picture's; `embedding` (D,) and `stats` (T,) are kept only where embeddings are."""
        kept = (embedding, stats) if self._with_embeddings else (None, None)
        self._answers.append(_Answer(image.id, None, image, score, *kept))

    def as_file(self) -> bytes:
        """The Parquet file, once there is an answer to each row."""
        schema = answers_schema(with_embeddings=self._with_embeddings)
        listed = dict(zip(LISTING.names, zip(*self._rows, strict=True), strict=False)) if self._rows else {}
        columns = listed | self._of_failures() | self._of_images() | self._of_network()
        arrays = [_array(columns.get(field.name, ()), field.type) for field in schema]
        return answers_file(pa.table(arrays, schema=schema), self._meta)

    def _of_failures(self) -> dict[str, Any]:
        failures = [answer.failure for answer in self._answers]
        return {
            "image_id": [answer.image_id for answer in self._answers],
            "failure": [one and str(one.kind.value) for one in failures],
            "failure_code": [one and str(one.detail.code.value) for one in failures],
            "failure_params": [one and one.detail.json for one in failures],
        }

    def _of_images(self) -> dict[str, Any]:
        images = [answer.image for answer in self._answers]
        named = {name: [one and getattr(one, name) for one in images] for name in ("width", "height", "truncated")}
        return named | {"look": [one and one.look for one in images]}

    def _of_network(self) -> dict[str, Any]:
        is_there = np.array([answer.score is not None for answer in self._answers], dtype=bool)
        logits = [answer.score[0] for answer in self._answers if answer.score is not None]
        shares = probabilities(np.stack(logits), self._meta.temperature).astype(np.float32) if logits else ()
        columns: dict[str, Any] = {
            "logits": _lists(logits, is_there),
            "probabilities": _lists(shares, is_there),
            "ood_score": [None if answer.score is None else answer.score[1] for answer in self._answers],
        }
        return columns | (self._of_embeddings(is_there) if self._with_embeddings else {})

    def _of_embeddings(self, is_there: NDArray[np.bool_]) -> dict[str, Any]:
        embeddings = [answer.embedding for answer in self._answers if answer.embedding is not None]
        stats = [answer.stats for answer in self._answers if answer.stats is not None]
        if not embeddings:
            empty = _lists([], is_there, np.float16)
            return {"embedding": empty, "stats": empty, "scales": [None] * len(is_there)}
        width = len(stats[0]) if stats else 0
        seen, seen_scales = to_halves(np.stack(embeddings))
        described, scales = to_halves(np.stack(stats) if width else np.empty((len(embeddings), 0), dtype=np.float32))
        pairs = iter(np.stack([seen_scales, scales], axis=1).tolist())
        return {
            "embedding": _lists(seen, is_there),
            "stats": _lists(described, is_there),
            "scales": [next(pairs) if there else None for there in is_there],
        }


def answers_file(answers: pa.Table, meta: AnswersMeta) -> bytes:
    """The Parquet file of answers in the columns of `schema.answers_schema`."""
    sink = pa.BufferOutputStream()
    whole = answers.replace_schema_metadata(meta.as_metadata())
    parquet.write_table(whole, sink, compression="zstd", write_page_checksum=True)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _lists(
    rows: Sequence[NDArray[Any]] | NDArray[Any], is_there: NDArray[np.bool_], dtype: Any = np.float32
) -> pa.Array:
    """A column of lists: the next of `rows`, which are of one length, where `is_there`, else null."""
    values = np.concatenate(list(rows)) if len(rows) else np.empty(0, dtype=dtype)
    width = len(rows[0]) if len(rows) else 0
    offsets = np.concatenate([[0], np.cumsum(is_there * width)]).astype(np.int32)
    mask = np.append(~is_there, False)
    return pa.ListArray.from_arrays(pa.array(offsets, mask=mask), pa.array(values))


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return pa.array(values, kind)
