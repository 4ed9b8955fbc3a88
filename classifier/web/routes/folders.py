"""The route of the folders of the crawl, and the folder in other queries."""

from __future__ import annotations

import asyncio
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Literal

from classifier.records import Action
from classifier.web.responses import RequestError
from classifier.web.routes.endpoint import get
from classifier.web.schemas import Number, Query

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.app import Review
    from classifier.web.folders import Folders


class FolderQuery(Query):
    """A folder of the crawl by its number."""

    folder: Number | None = None


class _FoldersQuery(FolderQuery):
    tray: Literal["review", "unknown", "skipped"] = "review"


def folder_routes(page: Review) -> list[Route]:
    """The route of the folders of `page`."""

    async def show(sent: _FoldersQuery) -> dict[str, Any]:
        action = None if sent.tray == "skipped" else Action(sent.tray)
        folders, more = await asyncio.to_thread(page.folders.look, action, chosen=sent.folder)
        return {"folders": [astuple(folder) for folder in folders], "more": more}

    return [get("/api/folders", _FoldersQuery, show)]


def folder_path(folders: Folders, number: int | None) -> bytes | None:
    """The folder with that number; None without one. Answers 400 for an unknown number."""
    path = None if number is None else folders.path_of(number)
    if number is not None and path is None:
        raise RequestError("there is no such folder")
    return path
