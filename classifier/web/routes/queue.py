"""The routes of the queue: its pages and folders, the answers, undo, and filing."""

from __future__ import annotations

import asyncio
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Json

from classifier.catalog.queue import Order, QueueFilter
from classifier.errors import LibraryError
from classifier.records import Action
from classifier.web.filed import shown_items
from classifier.web.pending_moves import file_decided
from classifier.web.requests import Answers, Body, Cursor, Limit, Number, Query, Steps, get, post
from classifier.web.responses import RequestError, queue_item, skipped_files
from classifier.web.thumbnail_service import likely_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route

    from classifier.catalog.queue import CursorValue, QueueItem
    from classifier.web.app import Review
    from classifier.web.folders import Folders
    from classifier.web.session import ReviewSession


class _FolderQuery(Query):
    """A folder of the crawl by its number."""

    folder: Number | None = None


class _FoldersQuery(_FolderQuery):
    tray: Literal["review", "unknown", "skipped"] = "review"


def folder_routes(page: Review) -> list[Route]:
    """The route of the folders of `page`."""

    async def show(sent: _FoldersQuery) -> dict[str, Any]:
        action = None if sent.tray == "skipped" else Action(sent.tray)
        folders, more = await asyncio.to_thread(page.folders.look, action, chosen=sent.folder)
        return {"folders": [astuple(folder) for folder in folders], "more": more}

    return [get("/api/folders", _FoldersQuery, show)]


def _folder_path(folders: Folders, number: int | None) -> bytes | None:
    """The folder with that number; None without one. Answers 400 for an unknown number."""
    path = None if number is None else folders.path_of(number)
    if number is not None and path is None:
        raise RequestError("there is no such folder")
    return path


class _QueueQuery(_FolderQuery):
    tray: Literal["review", "unknown"] = "review"
    order: Order = Order.CONFIDENCE
    category: str = ""
    skipped: bool = False
    grid: bool = False
    look: Number | Literal[""] = ""
    rating: str = ""
    tag: str = ""
    limit: Limit = 60
    after: Json[Cursor] | None = None


def queue_routes(page: Review) -> list[Route]:
    """The routes of the queue of `page`."""

    @page.session.task
    def state(session: ReviewSession, _: Query) -> dict[str, Any]:
        return page.state(session)

    def read_page(wanted: QueueFilter, after: Sequence[CursorValue] | None, limit: int) -> list[QueueItem]:
        return page.session.wait_for(lambda session: session.page(wanted, after=after, limit=limit))

    async def queue(sent: _QueueQuery) -> dict[str, Any]:
        wanted = await _with_tags(page, _filter(sent, _folder_path(page.folders, sent.folder)), sent)
        return await page.session.run(lambda session: read_items(session, sent, wanted))

    def read_items(session: ReviewSession, sent: _QueueQuery, wanted: QueueFilter) -> dict[str, Any]:
        items = session.page(wanted, after=sent.after, limit=sent.limit)
        cursor = list(items[-1].cursor) if len(items) == sent.limit else None
        page.thumbnails.expect(likely_requests(read_page, wanted, cursor, session.waiting(wanted.action)))
        return {"pictures": [queue_item(session, item) for item in items], "next": cursor}

    @page.session.task
    def record(session: ReviewSession, sent: Answers) -> dict[str, Any]:
        answers = sent.parsed()
        session.record(answers)
        return {"state": page.state_after(session, answers=len(answers))}

    async def say(sent: Answers) -> dict[str, Any]:
        page.thumbnails.heard()
        return await record(sent)

    @page.session.task
    def back(session: ReviewSession, sent: Steps) -> dict[str, Any]:
        items = shown_items(session, [item.image_id for item in session.undo(steps=sent.steps)])
        return {"pictures": items, "state": page.state_after(session, answers=len(items))}

    return [
        get("/api/state", Query, state),
        get("/api/queue", _QueueQuery, queue),
        post("/api/say", Answers, say),
        post("/api/back", Steps, back),
    ]


def tag_routes(page: Review) -> list[Route]:
    """The route of the tags by which the queue of `page` can be limited: none where no tagger is used."""

    async def tags(_: Query) -> dict[str, Any]:
        known = await asyncio.wrap_future(page.tags.tags())
        if known is None:
            return {"ratings": [], "tags": []}
        return {"ratings": known.ratings, "tags": [*known.characters, *known.others]}

    return [get("/api/tags", Query, tags)]


async def _with_tags(page: Review, wanted: QueueFilter, sent: _QueueQuery) -> QueueFilter:
    """The filter, limited to the rating and tag that are sent, if any."""
    if not sent.rating and not sent.tag:
        return wanted
    found = await asyncio.wrap_future(page.tags.search(sent.rating, sent.tag))
    return replace(wanted, tagged=found)


def filing_routes(page: Review) -> list[Route]:
    """The routes that file what was decided on `page`, and what was learned."""
    is_filing = asyncio.Lock()

    async def file(_: Body) -> dict[str, Any]:
        if is_filing.locked():
            raise LibraryError("it is being filed already")
        async with is_filing:
            made = await asyncio.to_thread(file_decided, page.library)
        await page.session.run(lambda session: session.refresh())
        filed = {"run": None, "moved": 0} if made is None else {"run": made.run, "moved": made.moved}
        left = [] if made is None else skipped_files(made.left)
        return {**filed, "left": left, "state": await page.session.run(page.state)}

    async def file_learned(_: Body) -> dict[str, Any]:
        page.learner.file()
        return {"state": await page.session.run(page.state)}

    return [post("/api/file", Body, file), post("/api/file-learned", Body, file_learned)]


def _filter(sent: _QueueQuery, folder: bytes | None) -> QueueFilter:
    wanted = QueueFilter(
        action=Action(sent.tray),
        order=sent.order,
        category=sent.category or None,
        skipped=sent.skipped,
        grid=sent.grid,
        cluster=None if sent.look == "" else sent.look,
        folder=folder,
    )
    if sent.after is not None and len(sent.after) != wanted.cursor_length:
        raise RequestError("not a place in the queue")
    return wanted
