"""The routes of what is drawn by chance: the images to ask about next, and the answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from classifier.catalog.by_chance import next_by_chance
from classifier.records import Selection
from classifier.web.requests import Answers, Limit, Query, get, post
from classifier.web.responses import queue_item

if TYPE_CHECKING:
    from collections.abc import Container

    from starlette.routing import Route

    from classifier.records import ImageId
    from classifier.web.app import Review
    from classifier.web.history import Answer
    from classifier.web.session import ReviewSession


class _DrawnQuery(Query):
    limit: Limit = 10


def by_chance_routes(page: Review) -> list[Route]:
    """The routes of what is drawn by chance for `page`."""

    async def show(sent: _DrawnQuery) -> dict[str, Any]:
        labels = await asyncio.to_thread(page.labels.image_ids)
        return {"pictures": await page.session.run(lambda session: items(session, sent.limit, labels)), "next": None}

    def items(session: ReviewSession, limit: int, labels: Container[ImageId]) -> list[dict[str, Any]]:
        image_ids = session.read(lambda catalog, _: next_by_chance(catalog, limit=limit, labels=labels))
        return [queue_item(session, item) for item in session.rows(image_ids)]

    async def say(sent: Answers) -> dict[str, Any]:
        answer = sent.single()
        page.thumbnails.heard()
        labels = await asyncio.to_thread(page.labels.image_ids)
        return {"state": await page.session.run(lambda session: record(session, answer, labels))}

    def record(session: ReviewSession, answer: Answer, labels: Container[ImageId]) -> dict[str, Any]:
        record_drawn(session, answer, labels=labels)
        return page.state_after(session, answers=1)

    return [get("/api/by-chance", _DrawnQuery, show), post("/api/by-chance/say", Answers, say)]


def record_drawn(session: ReviewSession, answer: Answer, *, labels: Container[ImageId]) -> None:
    """Store the answer about an image that was drawn by chance; those in `labels` are not asked about.

    It counts as such only where it is the next one in that order: another tab may have asked meanwhile.
    """
    following = session.read(lambda catalog, _: next_by_chance(catalog, limit=1, labels=labels))
    session.record([answer], selection=Selection.CHANCE if following == [answer.image_id] else None)
