"""Refuses versions of torch and Pillow with known vulnerabilities, without importing them."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from classifier.errors import ModelError

_LEAST = {
    "torch": ((2, 6), "below that, loading weights could run code"),
    "pillow": ((13, 0), "below that, a JPEG could overwrite memory"),
}


def check_versions() -> None:
    """Raise ModelError in one line when torch or Pillow is too old to be given files of strangers."""
    for package, (least, why) in _LEAST.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            continue  # its import will say so
        if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < least:
            wanted = ".".join(str(part) for part in least)
            raise ModelError(f"{package} {found} is too old: {wanted} is the least ({why}); pip install -U {package}")
