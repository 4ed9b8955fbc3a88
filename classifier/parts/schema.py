"""The columns of a listing's parts, and of the answers to them."""

# Shapes: K categories, D embedding width, T statistics.

from __future__ import annotations

from typing import Final, NamedTuple

import pyarrow as pa

LISTING: Final = pa.schema(
    [
        ("key", pa.string()),
        ("size_bytes", pa.int64()),
        ("version", pa.string()),
        ("tar", pa.string()),
        ("offset", pa.int64()),
    ]
)
"""What `Listed` holds."""


class Listed(NamedTuple):
    """An image of a listing, as it was when it was listed.

    `key` is its path below the source, as `paths.to_text` writes it; of a member of a tar file, the tar's path, a slash
    and the member's name. `version` changes with the content: the ETag of an object, else the time of change in
    nanoseconds. `tar` is the key of the tar file that its `size_bytes` bytes lie in, from `offset` on; both are None of
    a file by itself, and `version` is then the file's own, else the tar's.
    """

    key: str
    size_bytes: int
    version: str
    tar: str | None = None
    offset: int | None = None


def answers_schema(*, with_embeddings: bool) -> pa.Schema:
    """The columns of answers, a row for each row of the part, in its order.

    `image_id` is null where the file could not be read at all, `failure` (a value of `FailureKind`) and its reason's
    code and parameters are null where the image could be decoded. All that follows is null where it could not:
    `probabilities` float32 (K,) calibrated, in the order of the model's categories, which the file's metadata names;
    `logits` float32 (K,), what they are calibrated from, by which a sort decides exactly as if it had read the image
    itself; the OOD score, null too where the model has no detector. With embeddings, what deciding by another head,
    spreading and finding copies take: float16 (D,) and (T,), each divided by its one of two `scales`, as
    `catalog.halves` makes them and a library keeps them; `stats` of length 0 where a sort would keep none; the look.
    """
    columns = [
        *LISTING,
        ("image_id", pa.string()),
        ("failure", pa.string()),
        ("failure_code", pa.string()),
        ("failure_params", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("truncated", pa.bool_()),
        ("probabilities", pa.list_(pa.float32())),
        ("logits", pa.list_(pa.float32())),
        ("ood_score", pa.float64()),
    ]
    if with_embeddings:
        columns += [
            ("embedding", pa.list_(pa.float16())),
            ("stats", pa.list_(pa.float16())),
            ("scales", pa.list_(pa.float32(), 2)),
            ("look", pa.binary()),
        ]
    return pa.schema(columns)
