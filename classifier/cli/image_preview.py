"""Shows a picture in the terminal where it can, in the system's viewer, or as a path.

The picture is decoded here and encoded again as PNG: a crawled file is never handed to another program, which would
choose by its name what to do with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from base64 import standard_b64encode
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from classifier.errors import Undecodable
from classifier.paths import displayable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from PIL.Image import Image


class Show(StrEnum):
    """How pictures are shown; AUTO takes the first of the others that works."""

    AUTO = "auto"
    INLINE = "inline"
    VIEWER = "viewer"
    PATH = "path"


class Protocol(StrEnum):
    """The ways in which terminals take pictures."""

    KITTY = "kitty"
    ITERM = "iterm"


_ROWS = 20
_INLINE = (1000, 700)
_VIEWER = (2400, 2400)
_CHUNK = 4096
_KITTY = frozenset({"kitty", "ghostty"})
_ITERM = frozenset({"iterm.app", "iterm2", "wezterm", "mintty"})


def protocol_of(environment: Mapping[str, str]) -> Protocol | None:
    """The protocol that the terminal's environment variables name; None if it cannot show pictures, or in tmux."""
    if "TMUX" in environment or environment.get("TERM", "").startswith(("screen", "tmux", "dumb")):
        return None
    names = {environment.get(name, "").lower() for name in ("TERM_PROGRAM", "LC_TERMINAL")}
    if names & _KITTY or "KITTY_WINDOW_ID" in environment or environment.get("TERM", "") == "xterm-kitty":
        return Protocol.KITTY
    return Protocol.ITERM if names & _ITERM else None


def inline(png: bytes, protocol: Protocol) -> str:
    """The escape sequence that draws a PNG file in the terminal, some twenty lines high."""
    data = standard_b64encode(png).decode()
    if protocol is Protocol.ITERM:
        return f"\x1b]1337;File=inline=1;size={len(png)};height={_ROWS};preserveAspectRatio=1:{data}\a\n"
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    heads = [f"a=T,f=100,q=2,r={_ROWS},", *[""] * (len(chunks) - 1)]
    more = [*[1] * (len(chunks) - 1), 0]
    parts = (f"\x1b_G{head}m={left};{chunk}\x1b\\" for head, left, chunk in zip(heads, more, chunks, strict=True))
    return "".join(parts) + "\n"


class Screen:
    """Shows pictures on `stream`; pictures for the viewer lie in a folder that is gone after leaving `with`."""

    def __init__(self, stream: TextIO, how: Show) -> None:
        self._stream = stream
        protocol = protocol_of(os.environ) if stream.isatty() else None
        self._protocol = protocol if how in {Show.AUTO, Show.INLINE} else None
        wants_viewer = how is Show.VIEWER or (how is Show.AUTO and protocol is None and stream.isatty())
        self._viewer = wants_viewer and _has_viewer(os.environ)
        self._folder = tempfile.TemporaryDirectory(prefix="illsort-audit-", ignore_cleanup_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def show(self, path: Path) -> None:
        """Show the picture at `path` as it was asked for; its path is for the caller to print."""
        if self._protocol is None and not self._viewer:
            return
        image = self._decoded(path)
        if image is None:
            return
        if self._protocol is not None:
            self._stream.write(inline(_png(image, _INLINE), self._protocol))
            self._stream.flush()
        else:
            self._open(image, path)

    def open(self, path: Path) -> bool:
        """Show it large in the system's viewer, whatever was asked for; False when there is none."""
        image = self._decoded(path) if _has_viewer(os.environ) else None
        if image is None:
            return False
        self._open(image, path)
        return True

    def _decoded(self, path: Path) -> Image | None:
        from classifier.images.decode import decode
        from classifier.images.safe_open import read_picture
        from classifier.settings import ImageSettings

        try:
            most = ImageSettings().max_megapixels
            return decode(read_picture(path, max_megapixels=most), max_megapixels=most).image
        except (OSError, Undecodable) as error:
            self._stream.write(f"  cannot be shown: {displayable(getattr(error, 'detail', str(error)))}\n")
            return None

    def _open(self, image: Image, path: Path) -> None:
        copy = Path(self._folder.name) / f"{abs(hash(path)):x}.png"
        copy.write_bytes(_png(image, _VIEWER))
        _start_viewer(copy)


def _png(image: Image, size: tuple[int, int]) -> bytes:
    small = image.copy()
    small.thumbnail(size)
    buffer = BytesIO()
    small.save(buffer, "PNG")
    return buffer.getvalue()


def _has_viewer(environment: Mapping[str, str]) -> bool:
    if sys.platform in {"win32", "darwin"}:  # pragma: no cover - other systems
        return True
    has_display = bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    return has_display and shutil.which("xdg-open") is not None


def _start_viewer(copy: Path) -> None:
    if sys.platform == "win32":  # pragma: no cover - Windows
        os.startfile(copy)  # noqa: S606 - a PNG that we wrote
        return
    program = "open" if sys.platform == "darwin" else "xdg-open"
    viewer = subprocess.Popen(  # noqa: S603 - the system's own viewer and a PNG that we wrote
        [shutil.which(program) or program, str(copy)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=viewer.wait, daemon=True).start()  # so that none that ended stays in the system's lists
