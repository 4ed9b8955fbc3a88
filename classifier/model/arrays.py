"""Arrays about labelled pictures as a bundle keeps them: an .npz file read without pickle, and what must fit."""

# Shapes: N pictures.

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from classifier.errors import ModelError
from classifier.records import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

T = TypeVar("T")
_ID_LENGTH: Final = 64


def read_arrays(
    path: Path, build: Callable[[dict[str, NDArray[Any]]], T], wrong: Callable[[T], str], *, names: Sequence[str] = ()
) -> T:
    """What `build` makes of the file's arrays by name, if `wrong` finds nothing: a phrase that says what does not fit.

    With `names`, those arrays alone are read. Raises ModelError in one line naming the file and what is wrong.
    """
    try:
        # Opened here: of a damaged file, numpy leaves its own open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            read = build({name: arrays[name] for name in names or arrays.files})
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"{path}: cannot be read ({reason}); train again or restore it") from None
    found = wrong(read)
    if found:
        raise ModelError(f"{path}: {found}; train again or restore it")
    return read


def wrong_rows(
    values: NDArray[np.float32], truths_N: NDArray[np.int64], pictures: Sequence[str], *, categories: int
) -> str:
    """What is wrong with rows of numbers about pictures of known categories, in a phrase; empty when nothing is."""
    if not np.isfinite(values).all():
        return "it holds numbers that are not finite"
    if len(truths_N) and not 0 <= truths_N.min() <= truths_N.max() < categories:
        return f"it names categories beyond the {categories} there are"
    return wrong_ids(pictures)


def selections_of(arrays: dict[str, NDArray[Any]]) -> tuple[Selection, ...]:
    """How each picture was selected; where a file of an earlier version does not say, by a person."""
    if "selections" not in arrays:
        return (Selection.PERSON,) * len(arrays["pictures"])
    return tuple(Selection(str(selection)) for selection in arrays["selections"])


def wrong_ids(pictures: Sequence[str]) -> str:
    """What is wrong with the ids of pictures, in a phrase; empty when nothing is."""
    if any(len(picture) != _ID_LENGTH for picture in pictures):
        return "it names pictures by something that is no SHA-256"
    return ""
