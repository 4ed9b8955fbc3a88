"""The route by which a person answers whether what they did in the file manager is learned from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from classifier.web.requests import Body, post

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.app import Review


class _Answer(Body):
    learn: bool


def manual_change_routes(page: Review) -> list[Route]:
    """The route of `page`."""

    async def answer(sent: _Answer) -> dict[str, Any]:
        limit = page.session.max_megapixels
        await asyncio.to_thread(page.manual_changes.answer, is_learned=sent.learn, max_megapixels=limit)
        return await page.session.run(lambda session: {"state": page.state_after_changes(session)})

    return [post("/api/manual-changes", _Answer, answer)]
