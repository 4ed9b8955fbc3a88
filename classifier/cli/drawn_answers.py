"""What `illsort audit` and `illsort review` share: pictures that are drawn from answers, fetched and filed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli.options import model_in, path_option
from classifier.errors import Counted, Message, SettingsError
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from classifier.records import Action
    from classifier.settings import Settings
    from classifier.sort.answer_decider import AnswerDecider, Asked
    from classifier.sort.draw_answers import AnswerDraw
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


def open_answers(answers: str, chosen: Settings, asked: Asked) -> AnswerDecider:
    """The answers, as a model decides them; the sort of what is drawn will say what is promised.

    Raises SettingsError, ModelError or StorageError in one line where they cannot be decided so.
    """
    from classifier.progress import SilentProgress
    from classifier.sort.answer_decider import open_decider

    return open_decider(answers, bundle=model_in(chosen), settings=chosen, asked=asked, progress=SilentProgress())


def draw_from(
    decider: AnswerDecider, actions: AbstractSet[Action], *, count: int, seed: int, measures: bool = False
) -> AnswerDraw:
    """Draw rows as `draw_rows`, and say of how many parts nothing is drawn for want of answers."""
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.sort.draw_answers import draw_rows

    draw = draw_rows(decider, actions, count=count, seed=seed, measures=measures, progress=TerminalProgress())
    if missing := decider.folder.missing():
        print_lines(_(parts_missing(missing)), err=True)
    return draw


def fetch_and_file(
    decider: AnswerDecider, draw: AnswerDraw, library: Path, *, settings: Settings, asked: Asked
) -> None:
    """Fetch what was drawn, file it into the library, and say how much that is and what cannot be had."""
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.sort.library_of_drawn import file_drawn

    done = file_drawn(decider, draw, library, settings=settings, asked=asked, progress=TerminalProgress())
    drawn, population = len(draw.rows), sum(draw.categories.values())
    print_lines(*_about_drawn(done, drawn=drawn, population=population, library=library), err=True)


def _about_drawn(done: DrawnLibrary, *, drawn: int, population: int, library: Path) -> list[str]:
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
