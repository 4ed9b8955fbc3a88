"""Lets Pillow accept a truncated file for one decoding, without any other decoding noticing.

Pillow has one switch for the whole process. So decodings share it like readers share a book: any number may go on
while it is off, and who needs it on waits until he is alone. Must not know pictures.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def strict() -> Iterator[None]:
    """Decode here what must be whole; many threads at a time."""
    switch = _switch
    switch.enter()
    try:
        yield
    finally:
        switch.leave()


@contextmanager
def tolerant() -> Iterator[None]:
    """Decode here what may be truncated; one thread at a time, and none in `strict` meanwhile."""
    with _switch.alone():
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


class _Switch:
    """Many inside, or one alone."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._inside = 0

    def enter(self) -> None:
        with self._turn:
            self._inside += 1

    def leave(self) -> None:
        with self._turn:
            self._inside -= 1
            self._turn.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        # The condition's lock is held to the end, so nobody can enter.
        with self._turn:
            self._turn.wait_for(lambda: self._inside == 0)
            yield


_switch = _Switch()


def _renew() -> None:
    """A forked child has none of the threads that were inside; without this it would wait for them for ever."""
    global _switch  # noqa: PLW0603 - there is one such switch, as Pillow has one
    _switch = _Switch()
    ImageFile.LOAD_TRUNCATED_IMAGES = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
