"""The route of the folders of the crawl, and the folder in other queries."""

from __future__ import annotations

import asyncio
from dataclasses import astuple
from typing import TYPE_CHECKING, Literal

from starlette.responses import Response
from starlette.routing import Route

from classifier.records import Action
from classifier.web.folders import Folders
from classifier.web.responses import RequestError, SafeJSONResponse
from classifier.web.schemas import FolderQuery, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request


class _FoldersQuery(FolderQuery):
    tray: Literal["review", "unknown", "skipped"] = "review"


class FolderRoutes:
    """The folders of the crawls of one library."""

    def __init__(self, library: Path) -> None:
        self._folders = Folders(library)
        self.routes = [Route("/api/folders", self._show)]

    def under(self, query: Mapping[str, str]) -> bytes | None:
        """The folder of a query by its number; None without one. Answers 400 for an unknown number."""
        number = read_query(query, FolderQuery).folder
        path = None if number is None else self._folders.path_of(number)
        if number is not None and path is None:
            raise RequestError("there is no such folder")
        return path

    async def _show(self, request: Request) -> Response:
        asked = read_query(request.query_params, _FoldersQuery)
        action = None if asked.tray == "skipped" else Action(asked.tray)
        folders, more = await asyncio.to_thread(self._folders.look, action, chosen=asked.folder)
        return SafeJSONResponse({"folders": [astuple(folder) for folder in folders], "more": more})
