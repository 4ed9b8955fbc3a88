"""Reads one picture from its path: bytes, identity, pixels, or why not. The work of one worker, one file at a time.

Must not know batches, processes or models.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from classifier.errors import Undecodable
from classifier.images.formats import unsupported_by_name
from classifier.images.hashing import hash_file, picture_id
from classifier.images.safe_open import check_length, image_file, open_regular
from classifier.inference.fast_decode import load_pixels
from classifier.inference.memory_limit import is_want_of_memory
from classifier.records import Failure, FailureKind, ImageFile, Picture, PictureId

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One picture that could be read: the file as it was opened, what it is, and the transformed pixels (3, H, W)."""

    file: ImageFile
    picture: Picture
    pixels: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadError:
    """One picture that could not be read: what is known of the file and its content, and why."""

    file: ImageFile | None
    id: PictureId | None
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads pictures; can be pickled when `transform` can.

    `transform` takes uint8 (3, any, any) to uint8 (3, H, W), the same H and W for every picture.
    """

    transform: Callable[[Tensor], Tensor]
    max_megapixels: float

    def read(self, path: Path) -> Read | ReadError:
        """Read the picture at `path`; whatever is wrong with it comes back as an Unread."""
        try:
            with open_regular(path) as opened:
                file = image_file(path, os.fstat(opened.fileno()))
                check_length(file.size_bytes, max_megapixels=self.max_megapixels)
                data = opened.read()
        except Undecodable as refused:
            return self._too_long(file, refused)
        except FileNotFoundError:
            return _unread(None, None, FailureKind.VANISHED, "it is no longer there")
        except MemoryError:
            return _unread(None, None, FailureKind.MEMORY, "there was not enough memory to read the file")
        except OSError as error:
            return _unread(_shown(path), None, FailureKind.UNREADABLE, error.strerror or str(error))
        return self._decoded(file, data)

    def _decoded(self, file: ImageFile, data: bytes) -> Read | ReadError:
        identity = picture_id(data)
        try:
            pixels, truncated = load_pixels(data, max_megapixels=self.max_megapixels)
            height, width = pixels.shape[-2:]
            shown = self.transform(pixels)
        except Undecodable as refused:
            return _unread(file, identity, *_by_name(file.path, refused))
        except Exception as error:  # noqa: BLE001 - the boundary: one bad file costs one file
            if is_want_of_memory(error):
                return _unread(file, identity, FailureKind.MEMORY, "there was not enough memory to decode it")
            return _unread(file, identity, FailureKind.CORRUPT, f"{type(error).__name__}: {error}")
        picture = Picture(id=identity, size_bytes=len(data), width=width, height=height, truncated=truncated)
        return Read(file=file, picture=picture, pixels=shown)

    def _too_long(self, file: ImageFile, refused: Undecodable) -> ReadError:
        """Known by its content all the same, which is hashed in pieces."""
        try:
            again, identity = hash_file(file.path)
        except OSError as error:
            return _unread(file, None, FailureKind.UNREADABLE, error.strerror or str(error))
        return _unread(again, identity, refused.kind, refused.detail)


def _shown(path: Path) -> ImageFile | None:
    """The file as its folder shows it, which may be more than it shows itself."""
    try:
        return image_file(path, path.stat())
    except OSError:
        return None


def _unread(file: ImageFile | None, identity: PictureId | None, kind: FailureKind, detail: str) -> ReadError:
    return ReadError(file=file, id=identity, failure=Failure(kind=kind, detail=detail))


def _by_name(path: Path, refused: Undecodable) -> tuple[FailureKind, str]:
    """Formats without any mark in their first bytes (TGA, raw) can only be told by the name."""
    name = unsupported_by_name(path)
    if refused.kind is FailureKind.NOT_A_PICTURE and name is not None:
        return FailureKind.UNSUPPORTED, f"{name} pictures are not read"
    return refused.kind, refused.detail
