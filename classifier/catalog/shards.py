"""Files of embeddings: rows of fixed length in float16, each with its image id and a checksum.

Rows are only appended. Files are read, not memory-mapped, so that a failing disk or a truncated file is an error that
can be caught.
"""

from __future__ import annotations

# Shapes: N rows, D embedding width, T statistics.
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.catalog import embeddings
from classifier.catalog.embeddings import RowLocation, embeddings_folder
from classifier.catalog.filesystem import make_state_folder, sync_folder
from classifier.catalog.halves import from_halves, to_halves
from classifier.own_files import NEW, READ, UPDATE, flush_to_disk, make_own_folder, open_own, remove_own
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog

ROWS: Final = 16_384
"""Rows of a full shard."""

_MAGIC: Final = b"illsort rows 1\n\0"

_HEADER: Final = 64

_BLOCK: Final = 512  # rows read at once: a few MB, which fit the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingBatch:
    """Embeddings of `image_ids`, float32 (N, D), and intermediate statistics `stats`, float32 (N, T); T may be 0."""

    image_ids: Sequence[ImageId]
    embeddings: NDArray[np.float32]
    stats: NDArray[np.float32]


def shard_path(folder: Path, shard: int) -> Path:
    """The file of a shard."""
    return folder / f"{shard:06}.rows"


class ShardWriter:
    """Appends rows after `last`, the last row that the catalog has; a kill may have left rows after it.

    The caller holds the library's lock.
    """

    def __init__(self, library: Path, backbone: str, *, last: RowLocation | None) -> None:
        self._library = library
        self._folder = embeddings_folder(library, backbone)
        self._last = last

    def append(self, rows: EmbeddingBatch) -> list[RowLocation | None]:
        """Write rows durably; returns where each is, None for those that are not finite. Raises OSError."""
        layout = _layout(rows.embeddings.shape[1], rows.stats.shape[1])
        finite: NDArray[np.bool_] = np.asarray(
            np.isfinite(rows.embeddings).all(axis=1) & np.isfinite(rows.stats).all(axis=1)
        )
        packed = _pack(rows, layout)[finite]
        locations: list[RowLocation] = []
        while len(locations) < len(packed):
            locations += self._append_to_one(packed[len(locations) :])
        found = iter(locations)
        return [next(found) if one else None for one in finite.tolist()]

    def _append_to_one(self, packed: NDArray[Any]) -> list[RowLocation]:
        make_own_folder(self._folder) if self._last else self._make_folder()
        location = self._next(packed.dtype)
        part = packed[: ROWS - location.row]
        with self._open(location) as file:
            if location.row == 0:
                file.write(_header(packed.dtype))
            file.seek(_HEADER + location.row * packed.dtype.itemsize)
            file.write(part.tobytes())
            file.flush()
            flush_to_disk(file.fileno())
        if location.row == 0:
            sync_folder(self._folder)
        self._last = RowLocation(shard=location.shard, row=location.row + len(part) - 1)
        return [RowLocation(shard=location.shard, row=location.row + number) for number in range(len(part))]

    def _make_folder(self) -> None:
        make_own_folder(self._folder)
        sync_folder(self._folder.parent)
        sync_folder(make_state_folder(self._library))

    def _next(self, layout: np.dtype[Any]) -> RowLocation:
        """The next row; in a new shard if the last one is full, damaged, gone or has another layout."""
        if self._last is None:
            return self._new(1)
        shard, row = self._last.shard, self._last.row + 1
        path = shard_path(self._folder, shard)
        fits = row < ROWS and _layout_in(path) == layout and path.stat().st_size >= _HEADER + row * layout.itemsize
        return RowLocation(shard=shard, row=row) if fits else self._new(shard + 1)

    def _new(self, shard: int) -> RowLocation:
        """The first row of a shard that does not exist, or that an interrupted run left unfinished."""
        while os.path.lexists(path := shard_path(self._folder, shard)) and not _is_begun(path):
            shard += 1
        return RowLocation(shard=shard, row=0)

    def _open(self, location: RowLocation) -> BinaryIO:
        path = shard_path(self._folder, location.shard)
        if location.row:
            return open_own(path, UPDATE)
        with suppress(FileNotFoundError):
            remove_own(path)
        return open_own(path, NEW)


def read_shard(folder: Path, shard: int, wanted: Sequence[tuple[int, ImageId]]) -> Iterator[EmbeddingBatch]:
    """The readable ones of `wanted` (rows with their images, by row), in batches.

    Rows that are missing, truncated, damaged or of another image are skipped.
    """
    path = shard_path(folder, shard)
    layout = _layout_in(path)
    if layout is None:
        return
    try:
        with open_own(path, READ) as file:
            room = np.empty(_BLOCK, layout)  # reused: new memory costs as much as reading
            for block in _blocks(wanted):
                file.seek(_HEADER + block[0][0] * layout.itemsize)
                window = room[: block[-1][0] - block[0][0] + 1]
                length = file.readinto(window.view(np.uint8).data)  # type: ignore[attr-defined]
                yield _unpack(window[: length // layout.itemsize], block)
    except OSError:
        return


def _layout(width: int, stats: int) -> np.dtype[Any]:
    parts = [("picture", "u1", (32,)), ("scales", "<f4", (2,)), ("embedding", "<f2", (width,))]
    return np.dtype([*parts, ("traits", "<f2", (stats,)), ("check", "<u4")])


def _header(layout: np.dtype[Any]) -> bytes:
    widths = np.array([layout["embedding"].shape[0], layout["traits"].shape[0]], "<u4").tobytes()
    start = _MAGIC + widths
    return (start + zlib.crc32(start).to_bytes(4, "little")).ljust(_HEADER, b"\0")


def _layout_in(path: Path) -> np.dtype[Any] | None:
    """The layout of the rows of a shard; None when it is missing or not a shard."""
    try:
        with open_own(path, READ) as file:
            header = file.read(_HEADER)
    except OSError:
        return None
    widths = np.frombuffer(header[len(_MAGIC) : len(_MAGIC) + 8].ljust(8, b"\0"), "<u4")
    layout = _layout(int(widths[0]), int(widths[1])) if header.startswith(_MAGIC) and widths.max() < ROWS * 4 else None
    return layout if layout is not None and header == _header(layout) else None


def _is_begun(path: Path) -> bool:
    """Whether a file begins as a shard does, as far as it goes."""
    try:
        with open_own(path, READ) as file:
            start = file.read(len(_MAGIC))
    except OSError:
        return False
    return start == _MAGIC[: len(start)]


def _pack(rows: EmbeddingBatch, layout: np.dtype[Any]) -> NDArray[Any]:
    packed = np.zeros(len(rows.image_ids), layout)
    packed["picture"] = _digests(rows.image_ids)
    for number, (name, values) in enumerate((("embedding", rows.embeddings), ("traits", rows.stats))):
        packed[name], packed["scales"][:, number] = to_halves(values)  # the caller leaves out what is not finite
    packed["check"] = _checks(packed)
    return packed


def _unpack(rows: NDArray[Any], wanted: Sequence[tuple[int, ImageId]]) -> EmbeddingBatch:
    """Those of `rows` that are wanted and intact; the first row is the first of `wanted`."""
    numbers = np.array([row for row, _ in wanted]) - wanted[0][0]
    there = numbers < len(rows)
    chosen = rows[: len(wanted)] if numbers[-1] == len(wanted) - 1 else rows[numbers[there]]
    digests = _digests([image_id for (_, image_id), one in zip(wanted, there, strict=True) if one])
    good = (chosen["picture"] == digests).all(axis=1) & (_checks(chosen) == chosen["check"])
    kept = np.flatnonzero(there)[good]
    chosen = chosen if good.all() else chosen[good]
    return EmbeddingBatch(
        image_ids=[wanted[place][1] for place in kept.tolist()],
        embeddings=from_halves(chosen["embedding"], chosen["scales"][:, 0]),
        stats=from_halves(chosen["traits"], chosen["scales"][:, 1]),
    )


def _checks(rows: NDArray[Any]) -> NDArray[np.uint32]:
    """CRC-32 of each row without its last four bytes, which store it."""
    length = rows.dtype.itemsize
    content = np.ascontiguousarray(rows).view(np.uint8).data
    ends = range(0, len(content), length)
    return np.array([zlib.crc32(content[start : start + length - 4]) for start in ends], dtype=np.uint32)


def _digests(image_ids: Sequence[ImageId]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(image_ids)), np.uint8).reshape(len(image_ids), 32)


def _blocks(wanted: Sequence[tuple[int, ImageId]]) -> Iterator[Sequence[tuple[int, ImageId]]]:
    """Parts of `wanted` whose rows are close together."""
    start = 0
    for end in range(1, len(wanted) + 1):
        if end == len(wanted) or wanted[end][0] - wanted[start][0] >= _BLOCK:
            yield wanted[start:end]
            start = end


def read_embeddings(
    catalog: Catalog,
    folder: Path,
    image_ids: Sequence[ImageId],
    *,
    backbone: str,
    widths: tuple[int, int] | None = None,
) -> Iterator[EmbeddingBatch]:
    """The stored embeddings of these images under `backbone`, as far as `read_rows` has them, in no order."""
    locations = sorted(embeddings.locations_of(catalog, image_ids, backbone=backbone))
    yield from read_rows(folder, locations, widths=widths)


def read_rows(
    folder: Path, locations: Iterable[tuple[int, int, ImageId]], *, widths: tuple[int, int] | None = None
) -> Iterator[EmbeddingBatch]:
    """The intact rows at `locations`: shard, row and image, in this order; with `widths`, D and T, only such."""
    for shard, wanted in groupby(locations, key=itemgetter(0)):
        for part in read_shard(folder, shard, [(row, image_id) for _, row, image_id in wanted]):
            if widths is None or (part.image_ids and (part.embeddings.shape[1], part.stats.shape[1]) == widths):
                yield part
