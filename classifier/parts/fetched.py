"""The pictures of a part as files of this machine: those of a folder in place, others fetched a little ahead.

Objects of a bucket, and members of tar files, are read many at a time, since each is mostly waited for, into a
temporary folder, and removed as they are done. So disk and memory hold those that are being decoded and a few dozen
more, however large the part is.
"""

from __future__ import annotations

import os
import re
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from classifier.busy_files import when_free
from classifier.errors import StorageError, Undecodable, message_of
from classifier.images.safe_open import check_length
from classifier.parts.refused_objects import REFUSED, RefusedObjects, is_refusal
from classifier.parts.storage import ChangedSinceListed, read_listed
from classifier.paths import from_text
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.parts.schema import Listed
    from classifier.parts.storage import Storage
    from classifier.records import ImageFile

_LEAST_THREADS: Final = 4
_AHEAD: Final = 64
_MOST_BYTES: Final = 1 << 28
"""Of pictures that are fetched ahead of the one that is asked for."""
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,16}")
_CHANGED: Final = Failure(kind=FailureKind.VANISHED, detail=Reason(ReasonCode.CHANGED))
_GONE: Final = Failure(kind=FailureKind.VANISHED, detail=Reason(ReasonCode.GONE))
_OF_FILE: Final = frozenset({FailureKind.VANISHED, FailureKind.UNREADABLE})
OF_MACHINE: Final = frozenset(
    {
        *("EIO", "ESTALE", "ETIMEDOUT", "ENOTCONN", "EMFILE", "ENFILE"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET"),
    }
)
"""What the system says of a disk, a mount or a process, while the picture may be sound."""


class Fetched:
    """The paths of the pictures that `rows` list, by their index; a picture that cannot be had has none that exists.

    Ask for paths from one thread, about in order, and call `done` for each index in order.
    """

    def __init__(self, rows: Sequence[Listed], source: Storage, *, max_megapixels: float) -> None:
        self._rows = rows
        self._source = source
        self._max_megapixels = max_megapixels
        self._refused = RefusedObjects(rows, source)
        lengths = (0 if self._is_in_place(row) else row.size_bytes for row in rows)
        self._bytes_to = [*accumulate(lengths, initial=0)]
        self._pending: dict[int, Future[Failure | None]] = {}
        self._next = 0
        self._failures: dict[int, Failure] = {}
        self._error: StorageError | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        if any(not self._is_in_place(row) for row in self._rows):
            self._temporary = tempfile.TemporaryDirectory(prefix="illsort-pictures-", ignore_cleanup_errors=True)
            count = max(_LEAST_THREADS, self._source.reads_at_once)
            self._threads = ThreadPoolExecutor(count, thread_name_prefix="fetch")
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
        if self._temporary is not None:
            self._temporary.cleanup()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Path:
        """The path of a picture, which is there now; the next ones are being fetched."""
        if self._is_in_place(self._rows[index]):
            # Once the way to the disk has failed, nobody waits for it once more for each picture.
            return self._path(index) if self._error is None else Path(os.devnull)
        if self._error is None:
            self._fetch_to(index)
            try:
                if (fetch := self._pending.get(index)) is not None and (failure := fetch.result()) is not None:
                    self._failures[index] = failure
            except StorageError as error:
                self._error = error
        return self._path(index)

    def check(self) -> None:
        """Raise StorageError in one line where a bucket did not answer, or this machine or the way to a disk failed.

        Nothing is fetched after that, and no answer counts. It is not raised where a path is asked for, while work is
        handed out.
        """
        if self._error is not None:
            raise self._error

    def failure(self, index: int, file: ImageFile | None) -> Failure | None:
        """Why a picture that was asked for is not the one that was listed; None where it is.

        `file` is what was opened under its path: of a file in place, its size and time of change are compared.
        """
        row = self._rows[index]
        if not self._is_in_place(row):
            if file is None and index not in self._failures and not self._path(index).exists():
                self._error = self._error or StorageError(
                    "{folder}: what was fetched is gone; does anything clean up there?", folder=self._path(index).parent
                )
            return self._failures.get(index)
        if file is None:
            return None
        is_same = (file.size_bytes, str(file.mtime_ns)) == (row.size_bytes, row.version)
        return None if is_same else _CHANGED

    def judge(self, index: int, failure: Failure) -> None:
        """Take a failure that is none of the picture's: one that speaks of the machine, or of our own copy of it.

        `check` raises it then.
        """
        is_copy = index not in self._failures and not self._is_in_place(self._rows[index])
        of_machine = failure.detail.params.get("errno") in OF_MACHINE
        if self._error is None and (of_machine or (is_copy and failure.kind in _OF_FILE)):
            self._error = StorageError("{path}: {why}", path=self._path(index), why=reason_message(failure.detail))

    def done(self, index: int) -> None:
        """A picture is not needed any more."""
        self._failures.pop(index, None)
        if self._pending.pop(index, None) is not None:
            with suppress(OSError):
                when_free(self._path(index).unlink)

    def _fetch_to(self, index: int) -> None:
        """Begin to fetch up to `index`, and ahead of it what is few and small enough."""
        while self._next < len(self._rows):
            row = self._rows[self._next]
            if self._next > index:
                ahead = self._bytes_to[self._next + 1] - self._bytes_to[index + 1]
                if ahead > _MOST_BYTES or self._next > index + _AHEAD:
                    return
            if self._threads is not None and not self._is_in_place(row):
                self._pending[self._next] = self._threads.submit(self._fetch, self._next)
            self._next += 1

    def _fetch(self, index: int) -> Failure | None:
        row = self._rows[index]
        try:
            check_length(row.size_bytes, max_megapixels=self._max_megapixels)
            content = read_listed(self._source, row)
        except Undecodable as error:
            return Failure(kind=error.kind, detail=error.detail)
        except FileNotFoundError:
            return _GONE
        except ChangedSinceListed:
            return _CHANGED
        except StorageError as error:
            if is_refusal(error) and self._refused.is_alone(row):
                return REFUSED
            raise
        except OSError as error:  # of a folder of this machine, as a reader of its files has it
            return Failure(kind=FailureKind.UNREADABLE, detail=Reason.of_system(error))
        try:
            self._path(index).write_bytes(content)
        except OSError as error:
            raise StorageError("{folder}: {why}", folder=self._path(index).parent, why=message_of(error)) from error
        return None

    def _is_in_place(self, row: Listed) -> bool:
        return row.tar is None and self._source.folder is not None

    def _path(self, index: int) -> Path:
        row, folder = self._rows[index], self._source.folder
        if folder is not None and row.tar is None:
            return folder / from_text(row.key)
        if self._temporary is None:
            raise RuntimeError("not entered")
        ending = "." + row.key.rpartition(".")[2]
        return Path(self._temporary.name) / f"{index}{ending if _ENDING.fullmatch(ending) else ''}"
