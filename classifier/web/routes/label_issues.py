"""The routes of label issues."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from classifier.labels.load import library_option
from classifier.records import ImageId
from classifier.web import label_issues
from classifier.web.requests import Answers, Query, Steps, get, post
from classifier.web.routes.images import ImageQuery, neighbors_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import Route

    from classifier.web.app import Review
    from classifier.web.label_files import LabelIssue
    from classifier.web.session import ReviewSession


_COMPARED: Final = ("category", "likely")
"""What a doubtful label is compared with: the nearest of its own category, and of the one that is rather likely."""


def label_issue_routes(page: Review) -> list[Route]:
    """The routes of the label issues of `page`."""

    def state(session: ReviewSession, issues: tuple[LabelIssue, ...]) -> dict[str, Any]:
        found = label_issues.issues_state(session, issues, library=page.library.absolute())
        return found | {"option": library_option(page.library)}

    async def show(_: Query) -> dict[str, Any]:
        issues = await asyncio.to_thread(page.labels.issues)
        return {"doubts": await page.session.run(lambda session: state(session, issues))}

    async def compare(sent: ImageQuery) -> dict[str, Any]:
        issues = await asyncio.to_thread(page.labels.issues)
        about = await page.session.run(lambda session: label_issues.issue_of(session, issues, ImageId(sent.image_id)))
        categories = (about.category, about.likely)
        doubted = {one.image_id for one in issues}
        found = await asyncio.wrap_future(page.similar.compare(about.image_id, categories, doubted=doubted))
        return {name: await neighbors_json(page, found[one]) for name, one in zip(_COMPARED, categories, strict=True)}

    async def say(sent: Answers) -> dict[str, Any]:
        answer = sent.single()
        return await change(lambda session, issues: label_issues.answer(session, issues, answer))

    async def back(sent: Steps) -> dict[str, Any]:
        return await change(lambda session, issues: label_issues.take_back(session, issues, steps=sent.steps))

    async def change(how: Callable[[ReviewSession, tuple[LabelIssue, ...]], None]) -> dict[str, Any]:
        issues = await asyncio.to_thread(page.labels.issues)

        def work(session: ReviewSession) -> dict[str, Any]:
            how(session, issues)
            return {"doubts": state(session, issues), "state": page.state_after(session, answers=1)}

        return await page.session.run(work)

    return [
        get("/api/doubts", Query, show),
        get("/api/doubts/{picture:id}", ImageQuery, compare),
        post("/api/doubts/say", Answers, say),
        post("/api/doubts/back", Steps, back),
    ]
