"""Archives as img2dataset, webdataset and old programs write them."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def tar_bytes(files: Mapping[str, bytes], *, tar_format: int = tarfile.GNU_FORMAT, **options: str) -> bytes:
    """A tar archive with these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tar_format, pax_headers=options) as tar:
        for name, data in files.items():
            tar.addfile(header(name, len(data)), io.BytesIO(data))
    return content.getvalue()


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """The header of a member."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info
