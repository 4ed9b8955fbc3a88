"""`illsort review`: a local page on which what waits is decided by single keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.drawn_answers import (
    AnswersToDrawFrom,
    ModelOfAnswers,
    draw_from,
    fetch_and_file,
    open_answers,
    refuse_without_answers,
)
from classifier.cli.options import (
    MOST,
    MOST_SEED,
    ConfigOption,
    LibraryArgument,
    SetOption,
    library_or_default,
    load_settings,
)
from classifier.cli.serve_page import Host, NoLearning, NoOpen, PageOptions, Port, Token, print_unfiled, show_page
from classifier.cli.sort import as_asked
from classifier.errors import LibraryError, Message
from classifier.i18n import _

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from classifier.settings import Settings

_COUNT = 2000


def learn(pipe: Connection, library: Path) -> None:
    """The learner, in a process of its own beside the page: only there torch is loaded."""
    from classifier.active.worker import run_learner

    run_learner(pipe, library)


def review(
    library: LibraryArgument = None,
    *,
    answers: AnswersToDrawFrom = None,
    model: ModelOfAnswers = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, max=MOST, help="With --answers: pictures to draw (2000).")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MOST_SEED, help="With --answers: another seed draws other pictures.")
    ] = None,
    port: Port = 0,
    host: Host = "127.0.0.1",
    token: Token = None,
    no_learning: NoLearning = False,
    no_open: NoOpen = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Decide by keys what waits in _review and _unknown, on a page that only this machine can open."""
    from classifier.cli.terminal import print_lines

    refuse_without_answers(answers, {"--model": model, "--count": count, "--seed": seed})
    options = {"model.folder": model}
    chosen = load_settings(config, set_, options)
    library = library_or_default(library)
    if answers is not None:
        asked = as_asked(chosen, set_, options, best=False)
        _draw(answers, library, chosen, asked, count=count or _COUNT, seed=seed or 0)
    by_chance = 0.0 if answers is not None or _is_of_answers(library) else chosen.review.by_chance
    page = PageOptions(host=host, port=port, token=token, no_open=no_open, by_chance=by_chance)
    waiting = show_page(library, page, name="review", learn=None if no_learning else learn)
    print_unfiled(waiting)
    if not waiting:
        print_lines("", _("all that was decided is filed"), err=True)


def _draw(answers: str, library: Path, chosen: Settings, asked: dict[str, Any], *, count: int, seed: int) -> None:
    """Fetch and file what is drawn of the answers that wait for a person."""
    from classifier.cli.terminal import print_lines
    from classifier.parts.packages import require_packages

    require_packages()
    from classifier.records import Action
    from classifier.sort.answer_decider import Asked
    from classifier.sort.library_of_drawn import check_drawn

    kept = Message("the pictures that were fetched stay, and the same command goes on")
    interrupt.resumable_if(lambda: True, kept=kept)
    wanted = Asked(**asked)
    decider = open_answers(answers, chosen, wanted)
    check_drawn(library, decider)
    _refuse_audited(library)
    draw = draw_from(decider, {Action.REVIEW, Action.UNKNOWN}, count=count, seed=seed)
    if not draw.rows:
        print_lines(
            _("{source}: nothing waits for a person by these answers", source=decider.folder.storage.url), err=True
        )
        raise typer.Exit
    fetch_and_file(decider, draw, library, settings=chosen, asked=wanted)


def _is_of_answers(library: Path) -> bool:
    """Whether its pictures were drawn from answers: what is drawn by chance from them measures nothing else."""
    from classifier.catalog.chosen_pictures import sources
    from classifier.catalog.connection import is_library, read_catalog

    if not is_library(library):
        return False
    with read_catalog(library) as catalog:
        return bool(sources(catalog))


def _refuse_audited(library: Path) -> None:
    """Raise LibraryError where an audit of answers is: what is filed for it stays as it was decided for it."""
    from classifier.catalog.audits import last
    from classifier.catalog.connection import is_library, read_catalog

    if not is_library(library):
        return
    with read_catalog(library) as catalog:
        if last(catalog) is not None:
            raise LibraryError("{library}: holds an audit; give a folder of its own to the review", library=library)
