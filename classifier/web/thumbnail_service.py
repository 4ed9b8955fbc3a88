"""The threads that make pictures for the page: large ones when asked, small ones ahead of time; knows no web."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from classifier.web.prefetch import Prefetcher
from classifier.web.thumbnail_cache import ThumbnailCache
from classifier.web.thumbnails import LARGE, SMALL, thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from classifier.records import PictureId
    from classifier.web.queue import Waiting

SIDES: Final = {"small": SMALL, "large": LARGE}
_THREADS: Final = 3


class ThumbnailService:
    """Sees the pictures of one library; `path_of` tells, in any thread, where one lies (None: nowhere)."""

    def __init__(
        self, library: Path, *, path_of: Callable[[PictureId], Path | None], max_megapixels: Callable[[], float]
    ) -> None:
        self._library = library
        self._path_of = path_of
        self._max_megapixels = max_megapixels
        self._shelf = ThumbnailCache(library)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="eyes")
        self._ahead = Prefetcher(self._prepare, idle=self._shelf.tidy)

    def see(self, picture: PictureId, size: str) -> Future[bytes | None]:
        """The picture as a JPEG, of a size in SIDES; None when it is no longer there."""
        self.hold_still()
        return self._pool.submit(self._seen, picture, SIDES[size])

    def expect(self, rows: Iterator[Waiting]) -> None:
        """Make the small pictures of these in this order, in place of what was expected before."""
        self._ahead.expect(rows)

    def heard(self) -> None:
        """A person answered, and looks at the next picture."""
        self._ahead.heard()

    def hold_still(self) -> None:
        """A person waits for something: nothing is made ahead at the moment."""
        self._ahead.hold_still()

    def close(self) -> None:
        """End all threads; what nobody waits for any more is not made."""
        self._ahead.close()
        self._pool.shutdown(cancel_futures=True)

    def _seen(self, picture: PictureId, side: int) -> bytes | None:
        kept = self._shelf.get(picture) if side == SMALL else None
        if kept is not None:
            return kept
        path = self._path_of(picture)
        return None if path is None else self._made(picture, path, side)

    def _prepare(self, row: Waiting) -> None:
        if not self._shelf.has(row.picture):
            self._made(row.picture, self._library / row.path, SMALL)

    def _made(self, picture: PictureId, path: Path, side: int) -> bytes | None:
        made = thumbnail(picture, path, side=side, max_megapixels=self._max_megapixels())
        if made is not None and side == SMALL:
            self._shelf.keep(picture, made)
        return made
