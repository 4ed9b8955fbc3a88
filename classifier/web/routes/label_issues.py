"""The routes of label issues."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from classifier.labels.load import library_option
from classifier.web import label_issues
from classifier.web.requests import Answers, Query, Steps, get, post

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import Route

    from classifier.web.app import Review
    from classifier.web.label_files import LabelIssue
    from classifier.web.session import ReviewSession


def label_issue_routes(page: Review) -> list[Route]:
    """The routes of the label issues of `page`."""

    def state(session: ReviewSession, issues: tuple[LabelIssue, ...]) -> dict[str, Any]:
        return label_issues.issues_state(session, issues) | {"option": library_option(page.library)}

    async def show(_: Query) -> dict[str, Any]:
        issues = await asyncio.to_thread(page.labels.issues)
        return {"doubts": await page.session.run(lambda session: state(session, issues))}

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
        post("/api/doubts/say", Answers, say),
        post("/api/doubts/back", Steps, back),
    ]
