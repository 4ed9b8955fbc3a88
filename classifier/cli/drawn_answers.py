"""What `illsort audit` and `illsort review` share: pictures that are drawn from answers, fetched and filed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli.options import path_option
from classifier.errors import Counted, Message, SettingsError
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.sort.library_of_drawn import DrawnLibrary

AnswersToDrawFrom = Annotated[
    str | None,
    typer.Option(
        "--answers",
        metavar="ANSWERS",
        help="What illsort predict answered, a folder or a URL: draw from that, and fetch what is drawn.",
    ),
]
ModelOfAnswers = Annotated[
    Path | None, path_option("--model", "-m", help_="With --answers: the model that decides them.")
]

_MOST_SHOWN = 20


def refuse_without_answers(answers: str | None, given: Mapping[str, object]) -> None:
    """Raise SettingsError where one of these options is given and --answers is not."""
    names = [name for name, value in given.items() if value is not None]
    if answers is None and names:
        raise SettingsError("{option} goes with --answers", option=names[0])


def about_drawn(done: DrawnLibrary, *, drawn: int, population: int, library: Path) -> list[str]:
    """How many pictures were drawn, of how many, and which of them cannot be had or read."""
    from classifier.sort.library_of_drawn import pictures_of

    first = count_(
        "{count:,} picture of {population:,}, drawn by chance: {folder}",
        "{count:,} pictures of {population:,}, drawn by chance: {folder}",
        count=drawn - len(done.failures),
        population=population,
        folder=pictures_of(library),
    )
    return [first, *failure_lines(done.failures), *_unread_lines(done, library)]


def _unread_lines(done: DrawnLibrary, library: Path) -> list[str]:
    """How many this machine does not read, though the one that answered did: those that are too large, for example."""
    count = done.summary["broken"]
    return [_("{count:,} unreadable: {listed}", count=count, listed=library / "_broken.csv")] if count else []


def parts_missing(count: int) -> Counted:
    """That some of what was listed has no answers, so that nothing is drawn or decided of it."""
    return Counted(
        "{count:,} part of the listing has no answers yet: run illsort predict again",
        "{count:,} parts of the listing have no answers yet: run illsort predict again",
        count=count,
    )


def failure_lines(failures: Mapping[str, Message]) -> list[str]:
    """Which drawn pictures cannot be had, and why: the first of them by name."""
    if not failures:
        return []
    failed = count_(
        "{count:,} more was drawn and cannot be had:",
        "{count:,} more were drawn and cannot be had:",
        count=len(failures),
    )
    shown = [_("  {path}: {why}", path=key, why=why) for key, why in list(failures.items())[:_MOST_SHOWN]]
    return [failed, *shown, *(["  ..."] if len(failures) > _MOST_SHOWN else [])]
