"""The machine as a watcher uses it: the clock, notices of the system about files, digests and sorts.

Notices come by `watchfiles`, which asks the system once a second whether there are any. Where there can be none, the
clock alone goes on.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog.connection import is_library
from classifier.errors import Message, message_of
from classifier.images.folder_digest import folder_digest, is_counted
from classifier.sort.watch_round import Order, Outcome, sort_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from watchfiles.main import FileChange

_STEP_MS: Final = 1000
_NEVER_MS: Final = 3_600_000
"""Between two looks of `watchfiles` itself, which it takes where the system has no notices."""


class Machine:
    """The surroundings of a watcher; `say` is told where notices cannot be had. Crawls are absolute, without links."""

    clock = staticmethod(time.monotonic)

    def __init__(self, order: Order, say: Callable[[Message], None]) -> None:
        self._order, self._say = order, say
        self._library = os.path.realpath(order.library)
        self._followed: dict[Path, tuple[int, int]] = {}
        self._notices: Generator[set[FileChange]] | None = None
        self._is_said = False

    def wait(self, seconds: float) -> set[Path]:
        """The crawls in which something came, at the latest after `seconds` and a second or two."""
        until = self.clock() + seconds
        while (left := until - self.clock()) > 0:
            if self._notices is None:
                time.sleep(min(left, _STEP_MS / 1000))
            elif came := self._crawls_of(path for path in self._next() if self._may_be_news(*path)):
                return came
        return set()

    def follow(self, crawls: Sequence[Path]) -> None:
        """Have notices of these crawls; anew where one of them is another folder than before."""
        followed = {crawl: identity for crawl in crawls if (identity := _identity(crawl)) is not None}
        if followed == self._followed:
            return
        self._stop()
        self._followed = followed
        if followed:
            self._start(list(followed))

    def is_there(self, folder: Path) -> bool:
        """Whether a crawl is a folder, or the library is one."""
        try:
            return is_library(folder) if folder == self._order.library else folder.is_dir()
        except OSError:
            return False

    def digest(self, crawl: Path) -> bytes:
        """As `folder_digest`, without the library."""
        return folder_digest(crawl, skip={self._library})

    def sort(self, crawl: Path) -> Outcome:
        """Sort in a process of its own."""
        return sort_apart(crawl, self._order)

    def _start(self, crawls: list[Path]) -> None:
        try:
            from watchfiles import watch  # noqa: PLC0415 - where it cannot be loaded, the clock goes on

            self._notices = watch(
                *crawls,
                watch_filter=None,
                debounce=_STEP_MS,
                step=_STEP_MS,
                rust_timeout=_STEP_MS,
                yield_on_timeout=True,
                force_polling=False,
                poll_delay_ms=_NEVER_MS,
                ignore_permission_denied=True,
            )
            self._next()  # it begins here
        except (ImportError, OSError, RuntimeError) as error:
            self._go_without(error)

    def _next(self) -> set[FileChange]:
        """What came in the last second."""
        if self._notices is None:
            return set()
        try:
            return next(self._notices)
        except (OSError, RuntimeError, StopIteration) as error:
            self._go_without(error)
            return set()

    def _go_without(self, error: Exception) -> None:
        self._stop()
        if not self._is_said:
            self._is_said = True
            self._say(
                Message(
                    "the system gives no notices of new files ({why}): the clock alone goes on", why=message_of(error)
                )
            )

    def _stop(self) -> None:
        if self._notices is not None:
            self._notices.close()
        self._notices = None

    def _may_be_news(self, change: int, path: str) -> bool:
        """Whether a notice is of what came; what a sort itself changes is not."""
        from watchfiles import Change  # noqa: PLC0415 - there, since it has given this one

        if path == self._library or path.startswith(os.path.join(self._library, "")):  # noqa: PTH118 - a prefix
            return False
        is_whole = Path(path) in self._followed
        return is_whole or (change != Change.deleted and is_counted(Path(path).name))

    def _crawls_of(self, changes: Iterable[FileChange]) -> set[Path]:
        paths = [Path(path) for _, path in changes]
        return {crawl for crawl in self._followed if any(path.is_relative_to(crawl) for path in paths)}


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
