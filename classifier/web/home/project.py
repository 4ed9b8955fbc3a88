"""The project that the page shows: its folder, its settings with whole paths, and making or changing one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier import settings as settings_module
from classifier.errors import SettingsError, message_of
from classifier.paths import command
from classifier.project import PROJECT_FILE, change_project, create_project, project_file
from classifier.web.home.recent import recent_projects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.settings import Settings

NAMES: Final = {
    "crawl": "sort.crawl",
    "labels": "labels.folder",
    "model": "model.folder",
    "library": "sort.library",
}
"""The folders of a project, by the names of their settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project's folder with its settings; `folders` are absolute."""

    folder: Path
    settings: Settings
    folders: Mapping[str, Path]

    def needed(self, name: str) -> Path:
        """One of the folders. Raises SettingsError when the project's file does not name it."""
        if name not in self.folders:
            raise SettingsError("{file}: {name} is missing", file=self.folder / PROJECT_FILE, name=NAMES[name])
        return self.folders[name]


def read_project(folder: Path) -> Project:
    """The project in `folder`. Raises SettingsError when there is none, or its file cannot be read."""
    file = project_file(folder)
    if file is None:
        raise SettingsError("{folder}: there is no {file}", folder=folder, file=PROJECT_FILE)
    settings = settings_module.load(None, project=file)
    named = {
        "crawl": settings.sort.crawl,
        "labels": settings.labels.folder,
        "model": settings.model.folder,
        "library": settings.sort.library,
    }
    folders = {name: folder / path for name, path in named.items() if path is not None}
    sections = {
        "labels": settings.labels.model_copy(update={"folder": folders.get("labels"), "csv": _below(folder, settings)}),
    }
    return Project(folder=folder, settings=settings.model_copy(update=sections), folders=folders)


def _below(folder: Path, settings: Settings) -> Path | None:
    return None if settings.labels.csv is None else folder / settings.labels.csv


def make_project(folder: Path, folders: Mapping[str, Path]) -> Project:
    """Make a project's folder, if it is not there, and its file. Raises SettingsError, also where one is already."""
    _check_labels(folders["labels"])
    if not folders["crawl"].is_dir():
        raise SettingsError("{crawl}: there is no such folder", crawl=folders["crawl"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        create_project(folder, {NAMES[name]: path for name, path in folders.items()})
    except OSError as error:
        raise SettingsError("{path}: {why}", path=folder, why=message_of(error)) from error
    return read_project(folder)


def change_folders(project: Project, folders: Mapping[str, Path]) -> Project:
    """Write other folders into the project's file. Raises SettingsError."""
    _check_labels(folders["labels"])
    changed = {NAMES[name]: path for name, path in folders.items() if project.folders.get(name) != path}
    try:
        change_project(project.folder / PROJECT_FILE, changed)
    except OSError as error:
        raise SettingsError("{path}: {why}", path=project.folder, why=message_of(error)) from error
    return read_project(project.folder)


def nest_labels(project: Project) -> Project:
    """Make the folders within category folders categories of their own. Raises SettingsError."""
    try:
        change_project(project.folder / PROJECT_FILE, {"labels.depth": 2})
    except OSError as error:
        raise SettingsError("{path}: {why}", path=project.folder, why=message_of(error)) from error
    return read_project(project.folder)


def _check_labels(labels: Path) -> None:
    """Raises SettingsError where everything on a disk or of a person would be read as labels."""
    try:
        is_too_much = labels.resolve() in {Path(labels.resolve().anchor), Path.home().resolve()}
    except (OSError, RuntimeError):  # there is no such disk or home folder
        return
    if is_too_much:
        raise SettingsError(
            "{folder} holds much more than labels: choose the folder that holds a folder for each category",
            folder=labels,
        )


def proposed() -> dict[str, Path]:
    """A project's folder in the home folder, and the folders in it."""
    try:
        home = Path.home()
    except RuntimeError:  # there is none
        home = Path.cwd()
    number, folder = 1, home / "illsort"
    while project_file(folder) is not None:
        number, folder = number + 1, home / f"illsort-{number + 1}"
    inner = {"labels": "labels", "model": "model", "library": "sorted"}
    return {"project": folder} | {name: folder / place for name, place in inner.items()}


def proposed_library(crawl: Path, project: Path) -> Path:
    """The folder to sort into: in the project's, or beside the crawl where only that is on its disk.

    There pictures are linked, and take no room.
    """
    try:
        if _disk_of(crawl) == _disk_of(project):
            return project / "sorted"
    except OSError:
        return project / "sorted"
    number, folder = 1, crawl.parent / "illsort-sorted"
    while folder.exists():
        number, folder = number + 1, crawl.parent / f"illsort-sorted-{number + 1}"
    return folder


def _disk_of(folder: Path) -> int:
    """The number of the disk of a folder, or of the nearest one above that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists()).stat().st_dev


def project_of(named: Path | None) -> Path | None:
    """The project to show: the named folder, or the one whose library it is; without one, this folder, else the last.

    None where there is none. Raises SettingsError when a folder is named that belongs to no project.
    """
    recent = recent_projects()
    if named is None:
        here = Path.cwd()
        return here if project_file(here) is not None else next(iter(recent), None)
    named = named.absolute()
    if project_file(named) is not None:
        return named
    found = next((one for one in [*named.parents, *recent] if _sorts_into(one, named)), None)
    if found is None:
        raise SettingsError(
            "{folder} is no project with {file}, nor the library of one; {command} shows a library alone",
            folder=named,
            file=PROJECT_FILE,
            command=command("review", named),
        )
    return found


def _sorts_into(folder: Path, library: Path) -> bool:
    try:
        return project_file(folder) is not None and read_project(folder).folders.get("library") == library
    except (SettingsError, OSError, ValueError):
        return False
