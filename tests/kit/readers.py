"""Readers and transforms for tests, at module level so that spawned workers can import them."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import interpolate

from classifier.inference.reader import Read, Reader, ReadError


@dataclass(frozen=True)
class Shrink:
    """To a small square, without niceties."""

    side: int = 8

    def __call__(self, pixels: Tensor) -> Tensor:
        """uint8 (3, any, any) to uint8 (3, side, side)."""
        return interpolate(pixels[None].float(), (self.side, self.side)).round().to(torch.uint8)[0]


@dataclass(frozen=True)
class Glutton:
    """Eats memory until there is none, as a runaway decoder would; at 64 GB it gives up.

    With `log`, a file, it writes there how many bytes its process had mapped more at the end than before (on Linux).
    """

    log: Path | None = None

    def __call__(self, pixels: Tensor) -> Tensor:
        """Never ends well."""
        eaten, before = [], _status_bytes("VmData")
        try:
            while len(eaten) < 1000:
                eaten.append(bytearray(2**26))
        except MemoryError:
            mapped = _status_bytes("VmData") - before
            eaten.clear()  # else there is no memory to write with
            if self.log is not None:
                self.log.write_text(str(mapped))
            raise
        raise AssertionError(f"{len(eaten)} pieces were had, {pixels.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragile(Reader):
    """A reader that a file's name can kill or hang, as a hostile file's content might."""

    def read(self, path: Path) -> Read | ReadError:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed(Reader):
    """A reader on Linux that says in `log`, a line each file, the most bytes its process ever had before and after."""

    log: Path

    def read(self, path: Path) -> Read | ReadError:
        """Read, and weigh before and after."""
        before = _most_bytes()
        outcome = super(Weighed, self).read(path)
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {before} {_most_bytes()}\n")
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Careless(Weighed):
    """A reader with the two mistakes that matter: it lets Pillow try every format, and it tells somebody."""

    def read(self, path: Path) -> Read | ReadError:
        """Open whatever the content says it is, and call this machine's port 9; then read as one should."""
        with suppress(OSError), Image.open(path) as image:
            image.load()
        with suppress(OSError), socket.socket(socket.AF_INET) as line:
            line.connect(("127.0.0.1", 9))
        return super(Careless, self).read(path)


def growth(log: Path) -> int:
    """The most bytes that any process in a log of `Weighed` took beyond what it had before its first file."""
    starts: dict[str, int] = {}
    most = 0
    for line in log.read_text().splitlines():
        process, before, after = line.split()
        most = max(most, int(after) - starts.setdefault(process, int(before)))
    return most


def _most_bytes() -> int:
    return _status_bytes("VmHWM")


def _status_bytes(field: str) -> int:
    """One of Linux's figures of this process; 0 on other systems."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


class MeanColor(nn.Module):
    """Answers by mean color: the embedding is (R, G, B) in 0..1, the logits are its nearness to each color."""

    colors: Tensor

    def __init__(self, colors: list[tuple[int, int, int]]) -> None:
        super().__init__()
        self.register_buffer("colors", torch.tensor(colors) / 255)

    def normalize(self, pixels: Tensor) -> Tensor:
        """uint8 to 0..1."""
        return pixels.float() / 255

    def embed(self, images: Tensor) -> Tensor:
        """The mean of each channel."""
        return images.mean(dim=(2, 3))

    def embed_with_stats(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The embedding, and twice as statistics."""
        embeddings = self.embed(images)
        return embeddings, 2 * embeddings

    def classify(self, embeddings: Tensor) -> Tensor:
        """The nearer, the higher."""
        return -torch.cdist(embeddings, self.colors) * 20
