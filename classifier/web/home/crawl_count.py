"""Counts the pictures of a crawl in a thread: how many, which formats, how large."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import IllsortError, Message, message_of
from classifier.exclude import Exclude
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from classifier.web.responses import in_both_languages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_FORMATS: Final = 8


@dataclass
class CrawlCount:
    """The count of one crawl, as far as it is; `trouble` is set where the crawl cannot be read."""

    crawl: Path
    found: WalkResult = field(default_factory=WalkResult)
    size: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    is_done: bool = False
    is_stopped: bool = False
    trouble: Message | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the page."""
        return {
            "done": self.is_done,
            "pictures": self.found.pictures,
            "bytes": self.size,
            "formats": dict(self.formats.copy().most_common(_FORMATS)),
            "others": self.found.others,
            "ugoira": self.found.ugoira,
            "archives": self.found.archives,
            "videos": self.found.videos,
            "unreadable": self.found.unreadable,
            **({} if self.trouble is None else in_both_languages("trouble", self.trouble)),
        }

    def run(self, skip: Sequence[Path], exclude: Sequence[str]) -> None:
        """Count until the end, or until it is stopped."""
        try:
            images = find_images(
                self.crawl, skip=skip, exclude=Exclude(tuple(exclude)), found=self.found, is_stopped=self._is_stopped
            )
            for image in images:
                self.size += image.size_bytes
                self.formats[image.path.suffix.lower().lstrip(".") or "?"] += 1
        except (OSError, IllsortError) as error:
            self.trouble = message_of(error)
        finally:
            self.is_done = not self.is_stopped

    def _is_stopped(self) -> bool:
        return self.is_stopped


class CrawlCounter:
    """The count of the project's crawl; a new one begins when the crawl is another, or is asked for."""

    def __init__(self) -> None:
        self._count: CrawlCount | None = None
        self._lock = threading.Lock()
        """Several requests may ask at a time."""

    def count(self, crawl: Path, *, skip: Sequence[Path], exclude: Sequence[str], again: bool = False) -> CrawlCount:
        """The count of `crawl`, without what is in the folders `skip`; one that is not done goes on."""
        with self._lock:
            last = self._count
            if last is not None and last.crawl == crawl and not last.is_stopped and not (again and last.is_done):
                return last
            self.stop()
            self._count = CrawlCount(crawl)
            threading.Thread(target=self._count.run, args=(skip, exclude), name="crawl", daemon=True).start()
            return self._count

    def stop(self) -> None:
        """End the thread soon."""
        if self._count is not None:
            self._count.is_stopped = True
