"""`illsort review`: a local page on which what waits is decided by single keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.cli.options import ConfigOption, LibraryArgument, SetOption, library_or_default, load_settings
from classifier.cli.serve_page import Host, NoLearning, NoOpen, PageOptions, Port, Token, print_unfiled, show_page
from classifier.i18n import _

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path


def learn(pipe: Connection, library: Path) -> None:
    """The learner, in a process of its own beside the page: only there torch is loaded."""
    from classifier.active.worker import run_learner

    run_learner(pipe, library)


def review(
    library: LibraryArgument = None,
    *,
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

    library = library_or_default(library)
    by_chance = load_settings(config, set_).review.by_chance
    options = PageOptions(host=host, port=port, token=token, no_open=no_open, by_chance=by_chance)
    waiting = show_page(library, options, name="review", learn=None if no_learning else learn)
    print_unfiled(waiting)
    if not waiting:
        print_lines("", _("all that was decided is filed"), err=True)
