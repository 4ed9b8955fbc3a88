"""The packages that parts need beyond illsort's own: which are missing, and the command that installs them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from classifier.errors import StorageError

INSTALL: Final = {
    "parts": 'pip install "illsort[parts]"',
    "s3": 'pip install "illsort[s3]"',
    "ray": 'pip install "illsort[ray]"',
}
"""The command by the name of the extra."""
_NEEDED: Final = ("pyarrow", "fsspec")


def require_packages() -> None:
    """Raise StorageError in one line, with the command, where a package is missing that all work on parts needs."""
    for name in _NEEDED:
        if find_spec(name) is None:
            raise StorageError("{package} is not installed: {command}", package=name, command=INSTALL["parts"])
