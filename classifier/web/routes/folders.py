"""The page's question about the crawl's folders, and the folder in its other questions."""

from __future__ import annotations

import asyncio
from dataclasses import astuple
from typing import TYPE_CHECKING, Literal

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.records import Action
from classifier.web.folders import Folders
from classifier.web.responses import Answer
from classifier.web.schemas import FolderQuery, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request


class _FoldersQuery(FolderQuery):
    tray: Literal["review", "unknown", "skipped"] = "review"


class FolderRoutes:
    """What the page asks about the folders of one library's crawls."""

    def __init__(self, library: Path) -> None:
        self._folders = Folders(library)
        self.routes = [Route("/api/folders", self._show)]

    def under(self, query: Mapping[str, str]) -> bytes | None:
        """The folder that is asked for by its number; None when none is. Answers 400 for one that was never told."""
        number = read_query(query, FolderQuery).folder
        path = None if number is None else self._folders.path_of(number)
        if number is not None and path is None:
            raise HTTPException(400, "there is no such folder")
        return path

    async def _show(self, request: Request) -> Response:
        asked = read_query(request.query_params, _FoldersQuery)
        action = None if asked.tray == "skipped" else Action(asked.tray)
        folders, more = await asyncio.to_thread(self._folders.look, action, chosen=asked.folder)
        return Answer({"folders": [astuple(folder) for folder in folders], "more": more})
