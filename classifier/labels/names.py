"""Category names: they become folder names, so they must be good ones on every system. Pure."""

from __future__ import annotations

from classifier.category_names import problem_with, twins_among
from classifier.errors import LabelsError


def check_names(categories: list[str], *, where: str) -> None:
    """Raise LabelsError when a category name cannot be a folder name everywhere, or two are one folder somewhere."""
    for name in categories:
        problem = problem_with(name)
        if problem:
            raise LabelsError(f"{where}: the category name {name!r} {problem}; rename it")
    twins = twins_among(categories)
    if twins is not None:
        raise LabelsError(f"{where}: {twins[0]!r} and {twins[1]!r} are one folder on Windows and macOS; rename one")
