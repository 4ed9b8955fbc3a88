"""The page's question about the crawl's folders, and the folder in its other questions."""

from __future__ import annotations

import asyncio
from dataclasses import astuple
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.records import Action
from classifier.review.answer import Answer
from classifier.review.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request


class FolderRoutes:
    """What the page asks about the folders of one library's crawls."""

    def __init__(self, library: Path) -> None:
        self._folders = Folders(library)
        self.routes = [Route("/api/folders", self._show)]

    def under(self, query: Mapping[str, str]) -> bytes | None:
        """The folder that is asked for by its number; None when none is. Answers 400 for one that was never told."""
        number = _number(query)
        path = None if number is None else self._folders.path_of(number)
        if number is not None and path is None:
            raise HTTPException(400, "there is no such folder")
        return path

    async def _show(self, request: Request) -> Response:
        tray = request.query_params.get("tray", Action.REVIEW)
        try:
            action = None if tray == "skipped" else Action(tray)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        chosen = _number(request.query_params)
        folders, more = await asyncio.to_thread(self._folders.look, action, chosen=chosen)
        return Answer({"folders": [astuple(folder) for folder in folders], "more": more})


def _number(query: Mapping[str, str]) -> int | None:
    given = query.get("folder")
    if given is None:
        return None
    if not given.isascii() or not given.isdigit():
        raise HTTPException(400, "a folder's number")
    return int(given)
