"""Tells an object that may not be read, of which there is a row, from credentials that no longer hold.

A store says the same of both. Where it gives another listed object at that moment, it refuses this one alone.
"""

from __future__ import annotations

import errno
import os
from functools import cached_property
from typing import TYPE_CHECKING, Final

from classifier.errors import StorageError
from classifier.parts.storage_types import ChangedSinceListed
from classifier.reasons import Reason
from classifier.records import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.parts.schema import Listed
    from classifier.parts.storage import Storage

_MOST_ASKED: Final = 64
REFUSED: Final = Failure(
    kind=FailureKind.UNREADABLE, detail=Reason.of_system(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
)
"""In the system's words: a store's own name who asked, and answers are to be the same for all who ask."""


def is_refusal(error: StorageError) -> bool:
    """Whether the store answered, and said that this may not be read."""
    return isinstance(error.__cause__, PermissionError)


class RefusedObjects:
    """Asks for other objects that `rows` list; threads may share it."""

    def __init__(self, rows: Sequence[Listed], source: Storage) -> None:
        self._rows = rows
        self._source = source
        self._given: str | None = None
        self._is_all_refused = False

    def is_alone(self, row: Listed) -> bool:
        """Whether another object is given. Raises StorageError where the store does not answer."""
        if self._is_all_refused:
            return False
        for other in self._others(_object(row)):
            if self._is_given(other):
                self._given = other
                return True
        self._is_all_refused = True
        return False

    def _others(self, refused: str) -> Iterator[str]:
        """The one that was given before, then some from all over the part."""
        given = self._given
        if given is not None and given != refused:
            yield given
        for name in self._objects:
            if name not in {refused, given}:
                yield name

    @cached_property
    def _objects(self) -> list[str]:
        names = list(dict.fromkeys(_object(row) for row in self._rows if row.size_bytes))
        return names[:: -(-len(names) // _MOST_ASKED) or 1]

    def _is_given(self, name: str) -> bool:
        try:
            self._source.read_range(name, 0, 1)
        except (FileNotFoundError, ChangedSinceListed):
            return False
        except StorageError as error:
            if is_refusal(error):
                return False
            raise
        return True


def _object(row: Listed) -> str:
    return row.key if row.tar is None else row.tar
