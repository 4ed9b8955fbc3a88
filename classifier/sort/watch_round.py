"""One sort for a watcher, in a process of its own: what torch and a graphics card take is free again after it.

The process ignores Ctrl-C, and whoever started it stops it. It outlives a starter that is killed, and finishes its
sort; until then another one finds the library in use.
"""

from __future__ import annotations

import _thread
import multiprocessing
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

from classifier.errors import IllsortError, LibraryInUse, Message, ModelError, SettingsError, located_message
from classifier.inference.process import block_sigint
from classifier.progress import SilentProgress

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from classifier.catalog.run_counts import RunCounts
    from classifier.catalog.strictness import Strictness
    from classifier.settings import Settings

_POLL_S: Final = 1.0
"""Windows delivers Ctrl-C only between waits."""
_END_S: Final = 10.0
"""How long the process may take to end once its sort is done, or stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a watcher sorts by; `settings` and `strictness` are what was asked for now, `bundle` None the last model."""

    library: Path
    bundle: Path | None
    settings: Settings
    strictness: Strictness


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A sort that has ended; `messages` are what it said."""

    counts: RunCounts
    unfinished: int
    seconds: float
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Another process uses the library."""

    why: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A sort that could not be done; `is_lasting` where only a person can mend it, such as a model that is none."""

    why: Message
    is_lasting: bool = False


Outcome = Sorted | Busy | Failed


def sort_apart(crawl: Path, order: Order) -> Outcome:
    """Sort `crawl` in another process, which is ended where this one is stopped meanwhile."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(crawl, order, theirs), name="sort")
    with ours:
        with theirs, block_sigint(context.get_start_method()):
            process.start()
        try:
            outcome = _received(ours, process)
        except BaseException:
            with suppress(OSError):
                ours.send(None)
            raise
        finally:
            process.join(_END_S)
            process.terminate()
            process.join()
    return outcome or Failed(why=Message("the sort was ended: exit code {code}", code=process.exitcode))


def _received(ours: Connection, process: BaseProcess) -> Outcome | None:
    """What the process found; None if it ended without."""
    while not wait([ours, process.sentinel], _POLL_S):
        pass
    try:
        outcome: Outcome | None = ours.recv() if ours.poll() else None
    except (EOFError, OSError):
        return None
    return outcome


def _work(crawl: Path, order: Order, theirs: Connection) -> None:
    """Sort, and send the outcome; what comes from the other end stops it, but the death of that end does not."""
    stopped = threading.Event()

    def listen() -> None:
        with suppress(EOFError, OSError):
            theirs.recv()
            stopped.set()
            _thread.interrupt_main()

    try:
        try:
            threading.Thread(target=listen, name="stop", daemon=True).start()
            outcome = sort_once(crawl, order)
            with suppress(OSError):  # who started it was killed
                theirs.send(outcome)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to stop
    except BaseException:
        if not stopped.is_set():  # whatever follows a stop, such as half an import, is its consequence
            raise


def sort_once(crawl: Path, order: Order) -> Outcome:
    """Sort `crawl` in this process."""
    try:
        return _sorted(crawl, order)
    except LibraryInUse as error:
        return Busy(why=error.message)
    except IllsortError as error:
        return Failed(why=error.message, is_lasting=isinstance(error, ModelError | SettingsError))
    except OSError as error:
        return Failed(why=located_message(error))


def _sorted(crawl: Path, order: Order) -> Sorted:
    # Only the process that sorts pays for these.
    from classifier.catalog.connection import read_catalog  # noqa: PLC0415
    from classifier.catalog.run_counts import crawl_before, run_counts  # noqa: PLC0415
    from classifier.sort.last_policy import last_policy  # noqa: PLC0415
    from classifier.sort.pipeline import sort  # noqa: PLC0415

    with read_catalog(order.library) as catalog:  # it refuses a library that is gone, which a sort would make anew
        settings, strictness = last_policy(catalog, order.library, crawl, order.settings, order.strictness)
        before = crawl_before(catalog, crawl)
    progress = _Kept()
    summary = sort(
        crawl,
        library=order.library,
        bundle=order.bundle,
        settings=settings,
        threshold=strictness.threshold,
        max_error=strictness.max_error,
        progress=progress,
    )
    with read_catalog(order.library) as catalog:
        counts = run_counts(catalog, crawl, before)
    return Sorted(
        counts=counts,
        unfinished=summary["unfinished"],
        seconds=summary["seconds"],
        messages=tuple(progress.messages),
    )


class _Kept(SilentProgress):
    """Keeps what a sort says."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def say(self, message: Message) -> None:
        """Keep it."""
        self.messages.append(message)
