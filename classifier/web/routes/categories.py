"""The routes of categories: create and rename, and grids of images without a category."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from classifier.catalog.queue_by_ranking import cluster_images, image_clusters, list_grids, predicted_images
from classifier.catalog.ranking import cluster_names
from classifier.web.requests import Body, Limit, Number, Query, get, post
from classifier.web.responses import RequestError, queue_item

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import QueueItem
    from classifier.decision.suggestions import Suggestions
    from classifier.web.app import Review
    from classifier.web.session import ReviewSession


class _GridQuery(Query):
    look: Number | None = None
    category: str = ""
    limit: Limit = 60


class _Name(Body):
    make: str | None = None
    rename: str | None = None
    to: str | None = None


def category_routes(page: Review) -> list[Route]:
    """The routes of the categories and grids of `page`."""

    @page.session.task
    def all_grids(session: ReviewSession, _: Query) -> dict[str, Any]:
        return _all(session)

    @page.session.task
    def one_grid(session: ReviewSession, sent: _GridQuery) -> dict[str, Any]:
        of = sent.category or sent.look
        if of is None or (sent.category and sent.look is not None):
            raise RequestError("not a grid")
        items = [queue_item(session, one) for one in _grid(session, of, limit=sent.limit)]
        return {"pictures": items, "next": None} | _all(session)

    @page.session.task
    def change(session: ReviewSession, sent: _Name) -> dict[str, Any]:
        match sent:
            case _Name(make=str(made), rename=None, to=None):
                session.make_category(made)
            case _Name(make=None, rename=str(old), to=str(new)):
                session.rename_category(old, new)
            case _:
                raise RequestError("not a category")
        return {"state": page.state_after(session, answers=1)}

    return [
        get("/api/grids", Query, all_grids),
        get("/api/grid", _GridQuery, one_grid),
        post("/api/categories", _Name, change),
    ]


def _all(session: ReviewSession) -> dict[str, Any]:
    """Every grid in which something waits, and the state of the clusters: sent with every grid."""

    def read(catalog: Catalog, suggestions: Suggestions) -> dict[str, Any]:
        names = cluster_names(session.pages.ranking)
        found = [
            {
                "look": one.cluster,
                "category": one.category,
                "count": one.count,
                "names": names.get(str(one.cluster), []),
            }
            for one in list_grids(catalog, suggestions.names)
        ]
        return {"grids": found, "groups": asdict(image_clusters(catalog))}

    return session.read(read)


def _grid(session: ReviewSession, of: int | str, *, limit: int) -> list[QueueItem]:
    """The images of a cluster, or of a predicted category."""
    if isinstance(of, int):
        return session.read(lambda catalog, _: cluster_images(catalog, of, limit=limit))
    return session.read(
        lambda catalog, suggestions: predicted_images(catalog, suggestions.names.aliases_of(of), limit=limit)
    )
