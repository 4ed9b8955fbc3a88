"""Reads files one at a time in a process of their own, to find out which of some suspects kills or hangs its reader.

Must not know batches or how the suspects came to be.
"""

from __future__ import annotations

import multiprocessing
import pickle
from typing import TYPE_CHECKING, Any, Final

from classifier.images.hashing import hash_file
from classifier.inference.reader import Read, ReadError
from classifier.inference.signals import block_sigint
from classifier.inference.worker import settle_in
from classifier.records import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from classifier.inference.limits import Limits
    from classifier.inference.reader import Reader

_START_S: Final = 300.0
"""A fresh process imports torch first, which can take long on a busy machine or a cold disk."""

_READY: Final = b"ready"


def read_alone(suspects: Iterable[tuple[int, Path]], reader: Reader, *, limits: Limits) -> dict[int, Read | ReadError]:
    """What reading each suspect gives, by key; who kills a fresh process, or takes longer than its deadline, is named.

    Raises:
        RuntimeError: A fresh process cannot even be started.

    """
    waiting = list(suspects)
    outcomes: dict[int, Read | ReadError] = {}
    while waiting:
        child = _Child(reader, limits.worker_gigabytes)
        try:
            is_fresh = True
            while waiting:
                key, path = waiting[0]
                outcome = child.read(path, deadline_s=limits.deadline_s)
                if isinstance(outcome, Failure) and not is_fresh:
                    break  # an earlier file may have harmed that process: ask a fresh one before blaming this file
                outcomes[key] = _blamed(path, outcome) if isinstance(outcome, Failure) else outcome
                waiting.pop(0)
                if isinstance(outcome, Failure):
                    break
                is_fresh = False
        finally:
            child.close()
    return outcomes


def _blamed(path: Path, failure: Failure) -> ReadError:
    """The file is hashed here, which no content can harm, so that the failure is known by content as well."""
    try:
        file, identity = hash_file(path)
    except OSError:
        return ReadError(file=None, id=None, failure=failure)
    return ReadError(file=file, id=identity, failure=failure)


class _Child:
    """A fresh process that reads what it is told to."""

    def __init__(self, reader: Reader, gigabytes: float) -> None:
        context = _context()
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(reader, theirs, gigabytes), daemon=True)
        with block_sigint():
            self._process.start()
        theirs.close()
        if self._answer(_START_S) != _READY:
            self.close()
            raise RuntimeError(f"a process to read pictures in could not be started (exit {self._process.exitcode})")

    def read(self, path: Path, *, deadline_s: float) -> Read | ReadError | Failure:
        """What reading `path` gives, or a Failure when the process died of it or did not finish."""
        self._connection.send_bytes(pickle.dumps(path))
        answer = self._answer(deadline_s)
        if answer is None and self._process.is_alive():
            return Failure(kind=FailureKind.TIMEOUT, detail=f"reading it takes more than {deadline_s:g} seconds")
        if answer is None:
            detail = f"the decoder died ({_ending(self._process.exitcode)}) while reading it"
            return Failure(kind=FailureKind.CRASHED, detail=detail)
        outcome: Read | ReadError = pickle.loads(answer)  # noqa: S301 - from our own process
        return outcome

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _answer(self, patience_s: float) -> bytes | None:
        """The next message; None when none comes in time or the process ends first."""
        if not self._connection.poll(patience_s):
            return None
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            self._process.join(10)
            return None


def _context() -> Any:
    """A server that has imported torch once forks each fresh process in no time; Windows imports it for each."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _serve(reader: Reader, connection: Connection, gigabytes: float) -> None:
    settle_in(gigabytes=gigabytes)
    connection.send_bytes(_READY)
    while True:
        try:
            path = pickle.loads(connection.recv_bytes())  # noqa: S301 - from our own process
        except EOFError:
            return
        # Pickled here: by value, not as torch's handle to memory that ends with this process.
        connection.send_bytes(pickle.dumps(reader.read(path)))


def _ending(exit_code: int | None) -> str:
    return f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"exit code {exit_code}"
