"""The page of one library: its parts, from start to end, and its app. The browser never sends a path.

One thread owns the review session and its catalog. Images are decoded in others; counting and filing have their own.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog, reported_as_library_error
from classifier.catalog.damage import DAMAGE_ERRORS
from classifier.catalog.library_changes import count_missing
from classifier.errors import IllsortError
from classifier.filing.reconcile import reconcile_if_free
from classifier.labels.load import train_command
from classifier.paths import command, displayable
from classifier.web.filed import FiledImages
from classifier.web.folders import Folders
from classifier.web.label_files import LabelFiles
from classifier.web.learner_process import LearnerStatus
from classifier.web.manual_changes import ManualChangesStatus
from classifier.web.most_alike import MostAlike
from classifier.web.pending_moves import takes_originals
from classifier.web.responses import damage_handler, error_response
from classifier.web.routes.audit import audit_routes
from classifier.web.routes.by_chance import by_chance_routes
from classifier.web.routes.categories import category_routes
from classifier.web.routes.filed import filed_routes
from classifier.web.routes.images import image_routes, similar_routes, static_routes
from classifier.web.routes.label_issues import label_issue_routes
from classifier.web.routes.manual_changes import manual_change_routes
from classifier.web.routes.queue import filing_routes, folder_routes, queue_routes, tag_routes
from classifier.web.routes.reading import reading_routes
from classifier.web.session_thread import SessionThread
from classifier.web.similar import SimilarImages
from classifier.web.tags import TagSearch
from classifier.web.thumbnail_service import ThumbnailService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from classifier.records import ImageId
    from classifier.web.learner_process import LearnerTarget
    from classifier.web.session import ReviewSession


def prepare(library: Path) -> None:
    """Record what a killed run left undone, if no other process works there. Raises LibraryError if it is no library.

    Looking for a library creates none.
    """
    read_catalog(library).close()
    reconcile_if_free(library)


class Review:
    """The parts of the page, which its routes share.

    `max_error` is the error rate that an audit must show to be kept; None for that of the last sort. `train` is the
    command that trains on what was decided, where a project names it. `by_chance` is the share of the answers that is
    asked of images drawn by chance. `reading` returns the job that reads a sample for
    this page, as the home page shows it, while there is one.
    """

    thumbnails: ThumbnailService
    similar: SimilarImages

    def __init__(
        self,
        library: Path,
        *,
        learn: LearnerTarget | None = None,
        max_error: float | None = None,
        train: str | None = None,
        by_chance: float = 0.0,
        reading: Callable[[], dict[str, Any] | None] | None = None,
    ) -> None:
        self.library = library
        self.train = train or train_command(library)
        self.max_error = max_error
        self.by_chance = by_chance
        self.reading = reading
        self.session = SessionThread(library)
        self.learner = LearnerStatus(library, learn)
        self.manual_changes = ManualChangesStatus(library)
        self.folders = Folders(library)
        self.labels = LabelFiles(self.session.bundle)
        self.tags = TagSearch(library)
        self.filed = FiledImages(library)
        self.most_alike = MostAlike(library)
        self.app = Starlette(
            lifespan=self._lifespan,
            routes=[
                *static_routes(),
                *image_routes(self),
                *queue_routes(self),
                *by_chance_routes(self),
                *reading_routes(self),
                *filing_routes(self),
                *category_routes(self),
                *similar_routes(self),
                *audit_routes(self),
                *folder_routes(self),
                *tag_routes(self),
                *filed_routes(self),
                *label_issue_routes(self),
                *manual_change_routes(self),
            ],
            exception_handlers={
                IllsortError: error_response,
                HTTPException: error_response,
                **dict.fromkeys(DAMAGE_ERRORS, damage_handler(library)),
            },
        )

    def path_of(self, image_id: ImageId) -> Path | None:
        """Where an image of the library, of the labels or only of the crawl is, in any thread but the session's."""
        path = self.session.path_of(image_id) or self.labels.path_of(image_id)
        return self.session.path_in_crawl(image_id) if path is None and self.reading else path

    def state(self, session: ReviewSession) -> dict[str, Any]:
        """The state of the page, in the session's thread."""
        return session.state() | {
            "library": displayable(self.library.resolve().name),
            "train": self.train,
            "undo": command("undo", self.library),
            "by_chance": self.by_chance,
            "learning": self.learner.state,
            "by_hand": self.manual_changes.state,
            "moves": session.read(lambda catalog, _: takes_originals(catalog)),
            "missing": session.read(lambda catalog, _: sum(count_missing(catalog).values())),
            "words": session.read(lambda catalog, _: annotation_log.newest_id(catalog)),
        }

    def state_after(self, session: ReviewSession, *, answers: int) -> dict[str, Any]:
        """The same after that many answers were given or undone; notifies the learner."""
        self.learner.add_answers(answers)
        return self.state(session)

    def state_after_changes(self, session: ReviewSession) -> dict[str, Any]:
        """The same after labels came from the file manager."""
        session.refresh()
        return self.state_after(session, answers=1)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.opened():
            yield

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Its parts work within the block. Raises LibraryError."""
        await asyncio.to_thread(self.session.open)
        self.session.count()  # while the browser still starts
        self.thumbnails = ThumbnailService(
            self.library, path_of=self.path_of, max_megapixels=self.session.max_megapixels
        )
        self.similar = SimilarImages(self.library)
        self.learner.begin(self.session.use_newest_ranking)
        watching = asyncio.create_task(self.session.watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError, IllsortError), reported_as_library_error(self.library):
                await watching
            for part in (
                self.learner.end,
                self.similar.close,
                self.tags.close,
                self.filed.close,
                self.most_alike.close,
                self.thumbnails.close,
                self.session.close,
            ):
                await asyncio.to_thread(part)
