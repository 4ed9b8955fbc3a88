"""The page's app: its routes, and the threads behind them. The browser never sends a path.

One thread owns the review session and its catalog. Images are decoded in others; counting and filing have their own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.catalog import annotation_log, audits
from classifier.catalog.connection import open_catalog, reported_as_library_error
from classifier.catalog.damage import DAMAGE_ERRORS
from classifier.catalog.library_changes import count_missing
from classifier.catalog.places import place_of
from classifier.catalog.values import to_path
from classifier.errors import IllsortError, LibraryError
from classifier.labels.from_annotations import placed_by_hand
from classifier.labels.load import train_command
from classifier.paths import displayable
from classifier.reason_text import reason_message
from classifier.records import PictureId
from classifier.settings import ImageSettings
from classifier.web.label_issues import LabelIssueFile
from classifier.web.label_paths import LabelPaths
from classifier.web.learner_process import LearnerStatus
from classifier.web.pending_moves import file_decided
from classifier.web.responses import SafeJSONResponse, damage_handler, error_response, in_both_languages, skipped_files
from classifier.web.routes.audit import AuditRoutes, RouteContext
from classifier.web.routes.categories import category_routes
from classifier.web.routes.folders import FolderRoutes
from classifier.web.routes.label_issues import label_issue_routes
from classifier.web.routes.similar import similar_routes
from classifier.web.schemas import Body, Steps, read_answers, read_body, read_queue_query
from classifier.web.session import ReviewSession
from classifier.web.similar import SimilarImages
from classifier.web.static_files import static_routes
from classifier.web.thumbnail_service import SIDES, ThumbnailService, likely_requests
from classifier.web.watch import watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request

    from classifier.web.learner_process import LearnerTarget
    from classifier.web.queue import CursorValue, QueueFilter, QueueItem

T = TypeVar("T")
_ID: Final = re.compile(r"[0-9a-f]{64}")


class Review:
    """The page of one library, from start to end; `max_error` is the error rate of its audits, None for the sort's."""

    def __init__(self, library: Path, *, learn: LearnerTarget | None = None, max_error: float | None = None) -> None:
        self._library = library
        self._max_error = max_error
        self._learning = LearnerStatus(library, learn)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="session")
        self._filing = asyncio.Lock()
        self._folders = FolderRoutes(library)
        self._similar = SimilarImages(library, see=lambda picture: self._thumbnails.see(picture, "small").result())
        self._labeled = LabelPaths(self._bundle_now)
        self._label_issues = LabelIssueFile(self._labeled, self._bundle_now)
        self._is_open = False
        self.unfiled = 0
        """How many pictures were left to be filed when the page was closed."""
        self.app = Starlette(
            lifespan=self._opened,
            routes=[
                *static_routes(),
                Route("/picture/{picture}/{size}", self._picture),
                Route("/api/state", self._state),
                Route("/api/queue", self._queue),
                Route("/api/say", self._say, methods=["POST"]),
                Route("/api/back", self._back, methods=["POST"]),
                Route("/api/file", self._file, methods=["POST"]),
                Route("/api/file-learned", self._file_learned, methods=["POST"]),
                *category_routes(self._ask, row=self._row, state=self._taught),
                *similar_routes(self._similar, self._ask, row=self._row, is_there=self._is_there),
                *AuditRoutes(self._place()).routes,
                *self._folders.routes,
                *label_issue_routes(self._place(), labels=self._label_issues.read),
            ],
            exception_handlers={
                IllsortError: error_response,
                HTTPException: error_response,
                **dict.fromkeys(DAMAGE_ERRORS, damage_handler(library)),
            },
        )

    def open(self) -> None:
        """Open the library; raises LibraryError if that fails. Otherwise it is opened with the server."""
        self._thread.submit(self._open).result()

    @asynccontextmanager
    async def _opened(self, _: Starlette) -> AsyncIterator[None]:
        await self._run_in_session(self._open)
        self._thread.submit(self._review_session.state)  # it counts, while the browser still starts
        self._thumbnails = ThumbnailService(
            self._library, path_of=self._path_of, max_megapixels=lambda: self._max_megapixels
        )
        self._learning.begin(lambda: self._thread.submit(self._review_session.use_newest_ranking))
        watching = asyncio.create_task(watch(self._review_session, self._library, run_in_session=self._run_in_session))
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError, IllsortError), reported_as_library_error(self._library):
                await watching
            await asyncio.to_thread(self._learning.end)
            await asyncio.to_thread(self._similar.close)
            await asyncio.to_thread(self._thumbnails.close)
            await self._run_in_session(self._close)
            self._thread.shutdown()

    def _open(self) -> None:
        if self._is_open:
            return
        with ExitStack() as opening:
            self._catalog = opening.enter_context(open_catalog(self._library))
            self._review_session = ReviewSession(self._catalog, by_hand=placed_by_hand(self._catalog, self._library))
            _, _, settings = audits.last_sort(self._catalog) or ("", None, {})
            limit = settings.get("images", {}).get("max_megapixels", ImageSettings().max_megapixels)
            self._max_megapixels = float(limit)
            opening.pop_all()
        self._is_open = True

    def _close(self) -> None:
        with suppress(IllsortError), self._catalog:  # what is damaged was said to whoever asked for it
            self._review_session.refresh()
        self.unfiled = self._review_session.unfiled

    async def _run_in_session(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _ask(self, question: Callable[[ReviewSession], T]) -> T:
        return await self._run_in_session(lambda: question(self._review_session))

    def _place(self) -> RouteContext:
        return RouteContext(
            library=self._library,
            max_error=self._max_error,
            run_in_session=self._run_in_session,
            review_session=lambda: (self._review_session, self._catalog),
            rows=lambda pictures: [self._row(row) for row in self._review_session.rows(pictures)],
            state=self._as_it_is,
            taught=self._taught,
        )

    async def _picture(self, request: Request) -> Response:
        picture, size = request.path_params["picture"], request.path_params["size"]
        if not _ID.fullmatch(picture) or size not in SIDES:
            return Response(status_code=404)
        made = await asyncio.wrap_future(self._thumbnails.see(PictureId(picture), size))
        if made is None:
            return Response(status_code=404)
        # Content by its hash never changes.
        return Response(made, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"})

    def _path_of(self, picture: PictureId) -> Path | None:
        place = self._thread.submit(lambda: place_of(self._catalog, picture)).result()
        if place is not None:
            return self._library / to_path(place.path)
        return self._labeled.path_of(picture) or self._label_issues.path_of(picture)

    def _is_there(self, picture: PictureId) -> bool:
        return self._path_of(picture) is not None

    def _bundle_now(self) -> Path | None:
        sort = self._thread.submit(lambda: audits.last_sort(self._catalog)).result()
        return None if sort is None else sort[1]

    def _page(self, wanted: QueueFilter, after: Sequence[CursorValue] | None, limit: int) -> list[QueueItem]:
        return self._thread.submit(lambda: self._review_session.page(wanted, after=after, limit=limit)).result()

    async def _state(self, _: Request) -> Response:
        return SafeJSONResponse(await self._run_in_session(self._as_it_is))

    async def _queue(self, request: Request) -> Response:
        wanted, after, limit = read_queue_query(request.query_params)
        wanted = replace(wanted, folder=self._folders.under(request.query_params))

        def look() -> tuple[list[dict[str, Any]], list[CursorValue] | None, list[str]]:
            rows = self._review_session.page(wanted, after=after, limit=limit)
            place = list(rows[-1].cursor) if len(rows) == limit else None
            return [self._row(row) for row in rows], place, self._review_session.waiting(wanted.action)

        shown, place, categories = await self._run_in_session(look)
        self._thumbnails.expect(likely_requests(self._page, wanted, place, categories))
        return SafeJSONResponse({"pictures": shown, "next": place})

    async def _say(self, request: Request) -> Response:
        self._thumbnails.heard()
        answers, _ = await read_answers(request)

        def say() -> dict[str, Any]:
            self._review_session.record(answers)
            self._learning.tell(len(answers))
            return self._as_it_is()

        return SafeJSONResponse({"state": await self._run_in_session(say)})

    async def _back(self, request: Request) -> Response:
        steps = (await read_body(request, Steps)).steps

        def take_back() -> dict[str, Any]:
            again = [self._row(row) for row in self._review_session.undo(steps=steps)]
            self._learning.tell(len(again))
            return {"pictures": again, "state": self._as_it_is()}

        return SafeJSONResponse(await self._run_in_session(take_back))

    async def _file(self, request: Request) -> Response:
        await read_body(request, Body)
        if self._filing.locked():
            raise LibraryError("it is being filed already")
        async with self._filing:
            made = await asyncio.to_thread(file_decided, self._library)

        def after() -> dict[str, Any]:
            self._review_session.refresh()
            return self._as_it_is()

        state = await self._run_in_session(after)
        left = [] if made is None else skipped_files(made.left)
        told = {"run": None, "moved": 0} if made is None else {"run": made.run, "moved": made.moved}
        return SafeJSONResponse({**told, "left": left, "state": state})

    async def _file_learned(self, request: Request) -> Response:
        await read_body(request, Body)
        self._learning.file()
        return SafeJSONResponse({"state": await self._run_in_session(self._as_it_is)})

    def _taught(self) -> dict[str, Any]:
        self._learning.tell(1)
        return self._as_it_is()

    def _as_it_is(self) -> dict[str, Any]:
        return self._review_session.state() | {
            "library": displayable(self._library.resolve().name),
            "train": train_command(self._library),
            "learning": self._learning.state,
            "missing": self._review_session.read(lambda catalog, _: sum(count_missing(catalog).values())),
            "words": self._review_session.read(lambda catalog, _: annotation_log.newest_id(catalog)),
        }

    def _row(self, row: QueueItem) -> dict[str, Any]:
        best, share = self._review_session.suggestion_of(row)
        return {
            "picture": row.picture,
            "tray": row.action.value,
            "category": best,
            "confidence": share,
            "ruled_out": sorted(self._review_session.ruled_out(row.picture)),
            "look": row.cluster,
            **in_both_languages("reason", reason_message(row.reason)),
            "learned_since": self._review_session.is_newer_than_reason(row),
            "name": displayable(row.path.name),
            "width": row.width,
            "height": row.height,
            "guesses": list(self._review_session.probabilities_of(row).items())[:5],
        }
