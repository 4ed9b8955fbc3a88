"""The routes of what a person did in the file manager: what it is now, and whether it is learned from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from classifier.web.requests import Body, Number, Query, get, post

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.app import Review


class _Answer(Body):
    learn: bool
    moved: Number
    added: Number


def manual_change_routes(page: Review) -> list[Route]:
    """The routes of `page`."""

    async def look(_: Query) -> dict[str, Any]:
        await asyncio.to_thread(page.manual_changes.look)
        return {"by_hand": page.manual_changes.state}

    async def answer(sent: _Answer) -> dict[str, Any]:
        limit = page.session.max_megapixels
        seen = {"moved": sent.moved, "added": sent.added}
        await asyncio.to_thread(page.manual_changes.answer, is_learned=sent.learn, seen=seen, max_megapixels=limit)
        return await page.session.run(lambda session: {"state": page.state_after_changes(session)})

    return [
        get("/api/manual-changes", Query, look),
        post("/api/manual-changes", _Answer, answer),
    ]
