"""The routes of what is drawn by chance: the images to ask about next, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.catalog.by_chance import next_by_chance
from classifier.records import Selection
from classifier.web.requests import Answers, Limit, Query, get, post
from classifier.web.responses import queue_item

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.app import Review
    from classifier.web.history import Answer
    from classifier.web.session import ReviewSession


class _DrawnQuery(Query):
    limit: Limit = 10


def by_chance_routes(page: Review) -> list[Route]:
    """The routes of what is drawn by chance for `page`."""

    @page.session.task
    def show(session: ReviewSession, sent: _DrawnQuery) -> dict[str, Any]:
        image_ids = session.read(lambda catalog, _: next_by_chance(catalog, limit=sent.limit))
        return {"pictures": [queue_item(session, item) for item in session.rows(image_ids)], "next": None}

    @page.session.task
    def record(session: ReviewSession, sent: Answers) -> dict[str, Any]:
        record_drawn(session, sent.single())
        return {"state": page.state_after(session, answers=1)}

    async def say(sent: Answers) -> dict[str, Any]:
        page.thumbnails.heard()
        return await record(sent)

    return [get("/api/by-chance", _DrawnQuery, show), post("/api/by-chance/say", Answers, say)]


def record_drawn(session: ReviewSession, answer: Answer) -> None:
    """Store the answer about an image that was drawn by chance.

    It counts as such only where it is the next one in that order: another tab may have asked meanwhile.
    """
    following = session.read(lambda catalog, _: next_by_chance(catalog, limit=1))
    session.record([answer], selection=Selection.CHANCE if following == [answer.image_id] else None)
