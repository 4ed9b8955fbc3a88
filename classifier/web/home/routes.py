"""The routes of the home page. A path comes in the body of a POST only; what is started is named by its step."""

from __future__ import annotations

import asyncio
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from classifier.i18n import Language
from classifier.sort.last_preview import SHEET
from classifier.web.home.places import asked_path, look_into, nearest, places
from classifier.web.home.project import change_folders, make_project, nest_labels, proposed_library, read_project
from classifier.web.home.steps import DUPLICATES_PAGE
from classifier.web.requests import Body, Number, Query, get, post
from classifier.web.responses import RequestError

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.home.app import Home

PathText = Annotated[str, Field(min_length=1, max_length=32_000)]
_LANGUAGES = {"en": Language.ENGLISH, "zh": Language.CHINESE}


class _Folder(Body):
    """A folder to list; with `nearest`, the nearest one above it that is there."""

    path: PathText | None = None
    nearest: bool = False


class _Open(Body):
    path: PathText


class _Folders(Body):
    crawl: PathText
    labels: PathText
    model: PathText
    library: PathText


class _Propose(Body):
    crawl: PathText
    project: PathText


class _Create(_Folders):
    project: PathText


class _Step(Body):
    step: str
    language: Literal["en", "zh"]


class _JobNumber(Body):
    number: Number


class _LogQuery(Query):
    number: Number


def home_routes(home: Home) -> list[Route]:
    """The routes of `home`."""
    return [*_project_routes(home), *_choice_routes(home), *_job_routes(home)]


def _project_routes(home: Home) -> list[Route]:
    async def state(_: Query) -> dict[str, Any]:
        return await asyncio.to_thread(home.state)

    async def count(_: Body) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: home.state(count_again=True))

    async def folders(sent: _Folder) -> dict[str, Any]:
        found = await asyncio.to_thread(places)
        path = found[0].path if sent.path is None and found else sent.path or "/"
        begin = nearest if sent.nearest else Path
        listing = await asyncio.to_thread(lambda: look_into(begin(asked_path(path))))
        return asdict(listing) | {"places": [asdict(one) for one in found]}

    async def open_sheet(_: Body) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: _show_file(home.project().needed("library") / SHEET))

    async def open_duplicates(_: Body) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: _show_file(home.project().folder / DUPLICATES_PAGE))

    return [
        get("/api/home", Query, state),
        post("/api/count", Body, count),
        post("/api/folders", _Folder, folders),
        post("/api/preview/open", Body, open_sheet),
        post("/api/duplicates/open", Body, open_duplicates),
    ]


def _show_file(page: Path) -> dict[str, Any]:
    """Have the browser open a page that illsort wrote."""
    if not page.is_file():
        raise RequestError("{path}: there is no such file", path=page)
    webbrowser.open(page.absolute().as_uri())
    return {}


def _choice_routes(home: Home) -> list[Route]:
    async def open_project(sent: _Open) -> dict[str, Any]:
        await home.open(await asyncio.to_thread(lambda: read_project(asked_path(sent.path))))
        return await asyncio.to_thread(home.state)

    async def close_project(_: Body) -> dict[str, Any]:
        await home.open(None)
        return await asyncio.to_thread(home.state)

    async def propose(sent: _Propose) -> dict[str, Any]:
        crawl, project = asked_path(sent.crawl), asked_path(sent.project)
        return {"library": str(await asyncio.to_thread(proposed_library, crawl, project))}

    async def create(sent: _Create) -> dict[str, Any]:
        project = asked_path(sent.project)
        await home.open(await asyncio.to_thread(make_project, project, _paths(sent)))
        return await asyncio.to_thread(home.state)

    async def change(sent: _Folders) -> dict[str, Any]:
        await home.open(await asyncio.to_thread(lambda: change_folders(home.project(), _paths(sent))))
        return await asyncio.to_thread(home.state)

    async def nest(_: Body) -> dict[str, Any]:
        await home.open(await asyncio.to_thread(lambda: nest_labels(home.project())))
        return await asyncio.to_thread(home.state)

    return [
        post("/api/project/open", _Open, open_project),
        post("/api/project/close", Body, close_project),
        post("/api/project/propose", _Propose, propose),
        post("/api/project/create", _Create, create),
        post("/api/project/change", _Folders, change),
        post("/api/project/nest", Body, nest),
    ]


def _paths(sent: _Folders) -> dict[str, Any]:
    return {name: asked_path(getattr(sent, name)) for name in ("crawl", "labels", "model", "library")}


def _job_routes(home: Home) -> list[Route]:
    async def jobs() -> dict[str, Any]:
        return {"jobs": await asyncio.to_thread(lambda: home.jobs().as_list())}

    async def show(_: Query) -> dict[str, Any]:
        return await jobs()

    async def start(sent: _Step) -> dict[str, Any]:
        if sent.step in {"train", "finetune"}:
            await home.label.file_decided()  # what was named is a label only once it is filed
        await asyncio.to_thread(lambda: home.jobs().start(sent.step, _LANGUAGES[sent.language]))
        return await jobs()

    async def stop(sent: _JobNumber) -> dict[str, Any]:
        await asyncio.to_thread(lambda: home.jobs().stop(sent.number))
        return await jobs()

    async def log(sent: _LogQuery) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: home.jobs().log(sent.number))

    return [
        get("/api/jobs", Query, show),
        post("/api/jobs/start", _Step, start),
        post("/api/jobs/stop", _JobNumber, stop),
        get("/api/jobs/{number:int}/log", _LogQuery, log),
    ]
