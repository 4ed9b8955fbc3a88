"""The app of the home page: the project that is open, its jobs, its rooms."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from classifier.errors import IllsortError, SettingsError, message_of
from classifier.paths import displayable, quoted
from classifier.web.home.crawl_count import CrawlCounter
from classifier.web.home.facts import library_facts, model_facts, sample_facts
from classifier.web.home.jobs import ProjectJobs
from classifier.web.home.label_count import LabelCounter
from classifier.web.home.project import Project, proposed, read_project
from classifier.web.home.recent import note_project, recent_projects
from classifier.web.home.rooms import Room, room_routes
from classifier.web.home.routes import home_routes
from classifier.web.home.steps import DUPLICATES_PAGE, commands
from classifier.web.responses import error_response, in_both_languages
from classifier.web.routes.images import static_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from classifier.web.learner_process import LearnerTarget


class Home:
    """The home page. `folder` is the project to begin with, if any; `learn` runs beside each room."""

    def __init__(self, folder: Path | None, *, learn: LearnerTarget | None = None) -> None:
        self._folder = folder
        self.crawl = CrawlCounter()
        self.labels = LabelCounter()
        self.label = Room(
            lambda: self.project().needed("labels"),
            learn,
            by_chance=self._by_chance,
            reading=lambda: self.jobs().unfinished("label"),
        )
        self.review = Room(lambda: self.project().needed("library"), learn, by_chance=self._by_chance)
        self.app = Starlette(
            lifespan=self._lifespan,
            routes=[
                *static_routes("home.html"),
                *home_routes(self),
                room_routes("/label", self.label),
                room_routes("/review", self.review),
            ],
            exception_handlers={IllsortError: error_response, HTTPException: error_response},
        )

    def _by_chance(self) -> float:
        return self.project().settings.review.by_chance

    def project(self) -> Project:
        """The open project. Raises SettingsError when there is none, or its file cannot be read."""
        if self._folder is None:
            raise SettingsError("no project is open")
        return read_project(self._folder)

    def jobs(self) -> ProjectJobs:
        """The jobs of the open project. Raises SettingsError when there is none."""
        if self._folder is None:
            raise SettingsError("no project is open")
        return ProjectJobs(self._folder)

    async def open(self, project: Project | None) -> None:
        """Show another project, or none, and take up what was left of its jobs."""
        self._folder = None if project is None else project.folder
        await self.label.close()
        await self.review.close()
        if project is not None:
            await asyncio.to_thread(self._begin, project.folder)

    def state(self, *, count_again: bool = False) -> dict[str, Any]:
        """All that the page shows but the jobs."""
        state: dict[str, Any] = {
            "recent": [str(one) for one in recent_projects()],
            "proposed": {name: str(path) for name, path in proposed().items()},
            "commands": commands(),
            "folder": None if self._folder is None else str(self._folder),
            "project": None,
        }
        if self._folder is None:
            return state
        state["cd"] = f"cd {quoted(str(self._folder))}"
        try:
            project = self.project()
        except IllsortError as error:
            return state | in_both_languages("trouble", message_of(error))
        return state | {"project": self._facts(project, count_again=count_again)}

    def _facts(self, project: Project, *, count_again: bool) -> dict[str, Any]:
        folders, crawl = project.folders, project.folders.get("crawl")
        count = None
        if crawl is not None:
            skip = [folders[name] for name in ("labels", "model", "library") if name in folders]
            exclude = project.settings.images.exclude
            count = self.crawl.count(crawl, skip=skip, exclude=exclude, again=count_again).as_dict()
        return {
            "name": displayable(project.folder.name),
            "folders": {name: str(path) for name, path in folders.items()},
            "recipe": project.settings.train.recipe,
            "mode": project.settings.sort.mode.value,
            "crawl": count,
            "duplicates": (project.folder / DUPLICATES_PAGE).is_file(),
            "labels": self.labels.facts(project.settings.labels) | sample_facts(folders.get("labels")),
            "model": model_facts(folders.get("model")),
            "library": library_facts(folders.get("library")),
        }

    def _begin(self, folder: Path) -> None:
        """Note the project, and take up its jobs; of one that was never opened here, only once a step is started."""
        is_known = folder.absolute() in recent_projects()
        with suppress(OSError):
            note_project(folder)
        if is_known:
            with suppress(SettingsError):  # said when a step is started
                ProjectJobs(folder).take_up()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        if self._folder is not None:
            await asyncio.to_thread(self._begin, self._folder)
        try:
            yield
        finally:
            self.crawl.stop()
            self.labels.stop()
            for room in (self.label, self.review):
                await room.close()
