"""The route of a sample that is still being read: how far that is, and which images were read last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from classifier.catalog import embeddings, runs
from classifier.web.requests import Query, get

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.catalog.connection import Catalog
    from classifier.decision.suggestions import Suggestions
    from classifier.records import ImageId
    from classifier.web.app import Review
    from classifier.web.session import ReviewSession

_SHOWN: Final = 24


def reading_routes(page: Review) -> list[Route]:
    """The route of the sample of `page`: the job that reads it, and whether its groups are there."""

    @page.session.task
    def show(session: ReviewSession, _: Query) -> dict[str, Any]:
        session.use_newest_ranking()
        is_grouped = session.pages.ranking.number > 0
        if is_grouped:
            session.refresh()  # what was placed meanwhile
        pictures = [] if is_grouped else session.read(_newest)
        return {"job": page.reading() if page.reading else None, "grouped": is_grouped, "pictures": pictures}

    return [get("/api/reading", Query, show)]


def _newest(catalog: Catalog, _: Suggestions) -> list[ImageId]:
    backbone = runs.last_settings(catalog, "label").get("backbone", "")
    return embeddings.newest(catalog, backbone, count=_SHOWN)
