"""Reading of .npz files from an untrusted bundle: without pickle, within a memory limit, validated."""

# Shapes: N images.

from __future__ import annotations

import math
import os
import zipfile
from dataclasses import fields, replace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import numpy as np

from classifier.errors import Message, ModelError, message_of
from classifier.images.safe_open import open_regular
from classifier.records import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

T = TypeVar("T")
Table = TypeVar("Table", bound="DataclassInstance")
_ID_LENGTH: Final = 64
_ALWAYS: Final = 256 * 2**20
_TIMES: Final = 20
"""Arrays may take so many bytes, and so many times their file: paths of one length and hashes pack well."""
_MOST_ARRAYS: Final = 32
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_arrays(
    path: Path,
    build: Callable[[dict[str, NDArray[Any]]], T],
    wrong: Callable[[T], Message | None],
    *,
    names: Sequence[str] = (),
) -> T:
    """What `build` makes of the file's arrays by name, if `wrong` finds nothing: a phrase that says what does not fit.

    With `names`, those arrays alone are read. Nothing is allocated before the file's own headers, and the size of the
    file, say that it is no more than a bundle can hold. Raises ModelError in one line naming the file and what is
    wrong.
    """
    try:
        # Opened here: of a damaged file, numpy leaves its own open.
        with open_regular(path) as file:
            _check_sizes(file)
            with np.load(file, allow_pickle=False) as arrays:
                read = build({name: arrays[name] for name in names or arrays.files})
    except Exception as error:  # noqa: BLE001 - a damaged zip, header or array raises anything at all
        why = message_of(error)
        raise ModelError("{path}: cannot be read ({why}); train again or restore it", path=path, why=why) from None
    found = wrong(read)
    if found:
        raise ModelError("{path}: {why}; train again or restore it", path=path, why=found)
    return read


def _check_sizes(file: BinaryIO) -> None:
    """Raise ValueError when the arrays would take more memory than a file of this size can mean."""
    most = _ALWAYS + _TIMES * os.fstat(file.fileno()).st_size
    total = 0
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > _MOST_ARRAYS or any(one.compress_type not in _PACKED for one in members):
            raise ValueError(Message("it is packed as illsort packs no file"))
        for member in members:
            with archive.open(member) as packed:
                total += _size_of(packed)
            total = max(total, sum(one.file_size for one in members))
            if total > most:
                raise ValueError(
                    Message("it asks for {size:.1f} GB of memory, more than such a file can hold", size=total / 1e9)
                )
    file.seek(0)


def _size_of(packed: IO[bytes]) -> int:
    """Bytes of the array whose header comes next."""
    version = np.lib.format.read_magic(packed)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(Message("its arrays are of version {version}", version=version))
    shape, _, kind = read(packed)
    if kind.hasobject or any(not isinstance(side, int) or side < 0 for side in shape):
        raise ValueError(Message("it holds what is no array of numbers or text"))
    return math.prod(shape) * kind.itemsize


def select_rows(table: Table, kept: Sequence[bool]) -> Table:
    """The same with some of its rows: of every array and tuple of a frozen record."""
    numbers = np.flatnonzero(np.array(kept, dtype=bool))
    columns = {column.name: getattr(table, column.name) for column in fields(table)}
    chosen = {
        name: values[numbers] if isinstance(values, np.ndarray) else tuple(values[number] for number in numbers)
        for name, values in columns.items()
        if isinstance(values, np.ndarray | tuple)
    }
    return replace(table, **chosen)


def wrong_rows(
    values: NDArray[np.float32], targets_N: NDArray[np.int64], image_ids: Sequence[str], *, categories: int
) -> Message | None:
    """What is wrong with rows of numbers about images of known categories, in a phrase; None when nothing is."""
    if not np.isfinite(values).all():
        return Message("it holds numbers that are not finite")
    if len(targets_N) and not 0 <= targets_N.min() <= targets_N.max() < categories:
        return Message("it names categories beyond the {count} there are", count=categories)
    return wrong_ids(image_ids)


def selections_of(arrays: dict[str, NDArray[Any]]) -> tuple[Selection, ...]:
    """How each image was selected; where a file of an earlier version does not say, by a person."""
    if "selections" not in arrays:
        return (Selection.PERSON,) * len(arrays["pictures"])
    return tuple(Selection(str(selection)) for selection in arrays["selections"])


def wrong_ids(image_ids: Sequence[str]) -> Message | None:
    """What is wrong with the ids of images, in a phrase; None when nothing is."""
    if any(len(image_id) != _ID_LENGTH for image_id in image_ids):
        return Message("it names pictures by something that is no SHA-256")
    return None
