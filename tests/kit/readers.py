"""Readers and transforms for tests, at module level so that spawned workers can import them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from classifier.infer.reader import Read, Reader, Unread

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Shrink:
    """To a small square, without niceties."""

    side: int = 8

    def __call__(self, pixels: Tensor) -> Tensor:
        """uint8 (3, any, any) to uint8 (3, side, side)."""
        return interpolate(pixels[None].float(), (self.side, self.side)).round().to(torch.uint8)[0]


@dataclass(frozen=True)
class Glutton:
    """Eats memory until there is none, as a runaway decoder would; at 64 GB it gives up."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """Never ends well."""
        eaten = [bytearray(2**26) for _ in range(1000)]
        raise AssertionError(f"{len(eaten)} pieces were had, {pixels.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragile(Reader):
    """A reader that a file's name can kill or hang, as a hostile file's content might."""

    def read(self, path: Path) -> Read | Unread:
        """Obey the name, else read."""
        match path.stem.split("-")[0]:
            case "abort":
                os.abort()
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(7)
            case "hang":
                time.sleep(10**6)
            case "slow":
                time.sleep(0.3)
            case "eat":
                return super(Fragile, replace(self, transform=Glutton())).read(path)
        return super(Fragile, self).read(path)


class MeanColour(nn.Module):
    """Answers by mean colour: the embedding is (R, G, B) in 0..1, the logits are its nearness to each colour."""

    def __init__(self, colours: list[tuple[int, int, int]]) -> None:
        super().__init__()
        self.register_buffer("colours", torch.tensor(colours) / 255)

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 to 0..1."""
        return pixels.float() / 255

    def embed(self, images: Tensor) -> Tensor:
        """The mean of each channel."""
        return images.mean(dim=(2, 3))

    def classify(self, embeddings: Tensor) -> Tensor:
        """The nearer, the higher."""
        return -torch.cdist(embeddings, self.colours) * 20
