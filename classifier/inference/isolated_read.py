"""Reads files one at a time in a separate process, to find out which of them kills or hangs its reader."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from typing import TYPE_CHECKING, Any, Final

from classifier.images.hashing import hash_file
from classifier.inference.process import block_sigint
from classifier.inference.reader import Read, ReadError
from classifier.inference.worker import init_worker
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from classifier.inference.reader import Limits, Reader

_START_S: Final = 300.0
"""A fresh process imports torch first, which can take long on a busy machine or a cold disk."""

_READY: Final = b"ready"


def read_isolated(
    suspects: Iterable[tuple[int, Path]], reader: Reader, *, limits: Limits
) -> dict[int, Read | ReadError]:
    """What reading each suspect gives, by key: a failure if it kills a fresh process or exceeds the deadline.

    Raises:
        RuntimeError: A process cannot be started.

    """
    pending = list(suspects)
    results: dict[int, Read | ReadError] = {}
    while pending:
        child = _Child(reader, limits.worker_gigabytes)
        try:
            is_fresh = True
            while pending:
                key, path = pending[0]
                result = child.read(path, deadline_s=limits.deadline_s)
                if isinstance(result, Failure) and not is_fresh:
                    break  # an earlier file may have damaged the process: try this one again in a fresh process
                results[key] = _with_content_id(path, result) if isinstance(result, Failure) else result
                pending.pop(0)
                if isinstance(result, Failure):
                    break
                is_fresh = False
        finally:
            child.close()
    return results


def _with_content_id(path: Path, failure: Failure) -> ReadError:
    """The failure with the file's content hash; hashing is safe for any content."""
    try:
        file, identity = hash_file(path)
    except OSError:
        return ReadError(file=None, id=None, failure=failure)
    return ReadError(file=file, id=identity, failure=failure)


class _Child:
    """A process that reads the files it is sent."""

    def __init__(self, reader: Reader, gigabytes: float) -> None:
        context = _context()
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(reader, theirs, gigabytes), daemon=True)
        with block_sigint(context.get_start_method()):
            self._process.start()
        theirs.close()
        if self._receive(_START_S) != _READY:
            self.close()
            raise RuntimeError(f"a process to read pictures in could not be started (exit {self._process.exitcode})")

    def read(self, path: Path, *, deadline_s: float) -> Read | ReadError | Failure:
        """What reading `path` gives, or a Failure if the process died or did not finish in time."""
        self._connection.send_bytes(pickle.dumps(path))
        answer = self._receive(deadline_s)
        if answer is None and self._process.is_alive():
            return Failure(kind=FailureKind.TIMEOUT, detail=Reason.of(ReasonCode.DEADLINE, seconds=deadline_s))
        if answer is None:
            return Failure(kind=FailureKind.CRASHED, detail=_cause_of_death(self._process.exitcode))
        result: Read | ReadError = pickle.loads(answer)  # noqa: S301 - from our own process
        return result

    def close(self) -> None:
        """Kill the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _receive(self, patience_s: float) -> bytes | None:
        """The next message; None if none comes in time or the process ends first."""
        if not self._connection.poll(patience_s):
            return None
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            self._process.join(10)
            return None


def _context() -> Any:
    """A fork server imports torch once and forks each process quickly; else each process imports it.

    macOS has one too, but its libraries, which torch calls, do not survive a fork.
    """
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _serve(reader: Reader, connection: Connection, gigabytes: float) -> None:
    init_worker(gigabytes=gigabytes)
    connection.send_bytes(_READY)
    while True:
        try:
            path = pickle.loads(connection.recv_bytes())  # noqa: S301 - from our own process
        except EOFError:
            return
        # Pickled here: by value, not as torch's handle to memory that ends with this process.
        connection.send_bytes(pickle.dumps(reader.read(path)))


def _cause_of_death(exit_code: int | None) -> Reason:
    is_signal = exit_code is not None and exit_code < 0
    return Reason.of(
        ReasonCode.DECODER_DIED, **({"signal": -(exit_code or 0)} if is_signal else {"exit_code": exit_code})
    )
