"""Reads one image: bytes, id and transformed pixels, or the reason why not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.fast_decode import decode_fast
from classifier.images.formats import unsupported_by_name
from classifier.images.hashing import hash_bytes, hash_file
from classifier.images.look import SIDE, look_of_cells
from classifier.images.safe_open import check_length, image_file, open_regular
from classifier.inference.process import is_out_of_memory
from classifier.model.resize import resize
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind, ImageFile, ImageId, ImageInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from classifier.settings import ImageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one image may take; a file that needs more time or memory is a failure.

    `worker_gigabytes` is what a worker process may take beyond its start, on Linux; 0 sets no limit. An image of 64
    megapixels takes less than 3 in any format.
    """

    deadline_s: float
    worker_gigabytes: float


def limits_from(settings: ImageSettings) -> Limits:
    """The limits in the settings."""
    return Limits(deadline_s=settings.deadline_seconds, worker_gigabytes=settings.max_worker_gigabytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An image that could be read: the file as it was opened, the image's record, and pixels (3, H, W)."""

    file: ImageFile
    image: ImageInfo
    pixels: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadError:
    """An image that could not be read: what is known of the file and its content, and the failure."""

    file: ImageFile | None
    id: ImageId | None
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads images; can be pickled if `transform` can.

    `transform` takes uint8 (3, any, any) to uint8 (3, H, W), with the same H and W for every image. With `looks`, the
    look of each image is made as well.
    """

    transform: Callable[[Tensor], Tensor]
    max_megapixels: float
    looks: bool = False

    def read(self, path: Path) -> Read | ReadError:
        """Read the image at `path`; any failure is returned as a ReadError, none is raised."""
        try:
            with open_regular(path) as opened:
                file = image_file(path, os.fstat(opened.fileno()))
                check_length(file.size_bytes, max_megapixels=self.max_megapixels)
                data = opened.read()
        except Undecodable as error:
            return self._too_large(file, error)
        except FileNotFoundError:
            return _read_error(None, None, FailureKind.VANISHED, Reason(ReasonCode.GONE))
        except MemoryError:
            return _read_error(None, None, FailureKind.MEMORY, Reason(ReasonCode.NO_MEMORY_TO_READ))
        except OSError as error:
            return _read_error(_stat(path), None, FailureKind.UNREADABLE, Reason.of_system(error))
        return self._decode(file, data)

    def _decode(self, file: ImageFile, data: bytes) -> Read | ReadError:
        identity = hash_bytes(data)
        try:
            pixels, truncated = load_pixels(data, max_megapixels=self.max_megapixels)
            height, width = pixels.shape[-2:]
            transformed = self.transform(pixels)
            look = look_of(pixels) if self.looks else b""
        except Undecodable as error:
            return _read_error(file, identity, *_unsupported_by_name(file.path, error))
        except Exception as error:  # noqa: BLE001 - whatever a file causes is a failure of that file alone
            if is_out_of_memory(error):
                return _read_error(file, identity, FailureKind.MEMORY, Reason(ReasonCode.OUT_OF_MEMORY))
            detail = Reason.of(ReasonCode.DECODER, source=type(error).__name__, words=str(error))
            return _read_error(file, identity, FailureKind.CORRUPT, detail)
        image = ImageInfo(id=identity, size_bytes=len(data), width=width, height=height, truncated=truncated, look=look)
        return Read(file=file, image=image, pixels=transformed)

    def _too_large(self, file: ImageFile, refusal: Undecodable) -> ReadError:
        """Hashed in chunks, so that the failure is known by content as well."""
        try:
            file, identity = hash_file(file.path)
        except OSError as error:
            return _read_error(file, None, FailureKind.UNREADABLE, Reason.of_system(error))
        return _read_error(file, identity, refusal.kind, refusal.detail)


def look_of(pixels: Tensor) -> bytes:
    """The look of an image, uint8 (3, any, any); resizing it all the way by torch costs a sixth of Pillow's way."""
    return look_of_cells(resize(pixels, SIDE, SIDE, mode="bilinear").permute(1, 2, 0).contiguous().numpy())


@dataclass(frozen=True, slots=True)
class NoPixels:
    """A transform for who wants the looks of images alone: one value in place of pixels."""

    def __call__(self, pixels: Tensor) -> Tensor:  # noqa: ARG002 - a transform takes them
        """uint8 (1,)."""
        return torch.zeros(1, dtype=torch.uint8)


def _stat(path: Path) -> ImageFile | None:
    """The file by its path: a file that cannot be opened may still have a readable status."""
    try:
        return image_file(path, path.stat())
    except OSError:
        return None


def _read_error(file: ImageFile | None, identity: ImageId | None, kind: FailureKind, detail: Reason) -> ReadError:
    return ReadError(file=file, id=identity, failure=Failure(kind=kind, detail=detail))


def _unsupported_by_name(path: Path, error: Undecodable) -> tuple[FailureKind, Reason]:
    """Formats without a signature in their first bytes (TGA, raw) are recognized by the name alone."""
    name = unsupported_by_name(path)
    if error.kind is FailureKind.NOT_AN_IMAGE and name is not None:
        return FailureKind.UNSUPPORTED, Reason.of(ReasonCode.FORMAT_NOT_READ, format=name)
    return error.kind, error.detail


def load_pixels(data: bytes, *, max_megapixels: float) -> tuple[Tensor, bool]:
    """The image in `data` as uint8 (3, height, width) RGB, and whether it was truncated.

    In memory the three colors of a pixel are adjacent (a view of height, width, 3), which torch resizes five
    times as fast as three planes.

    Raises:
        Undecodable: As `classifier.images.decode.decode` does.

    """
    pixels = decode_fast(data, max_megapixels=max_megapixels)
    if pixels is not None:
        return torch.from_numpy(pixels).permute(2, 0, 1), False
    decoded = decode(data, max_megapixels=max_megapixels)
    return torch.from_numpy(np.array(decoded.image)).permute(2, 0, 1), decoded.truncated
