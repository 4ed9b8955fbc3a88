"""`illsort open`, and `illsort` alone: a page for the whole job, from the crawl to the spot check."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from classifier.cli.options import path_argument
from classifier.cli.review import learn
from classifier.cli.serve_page import NoLearning, NoOpen, PageOptions, Port, Token, show_served
from classifier.errors import Message

_HOST = "127.0.0.1"  # no other: the page shows this machine's folders and starts commands


def open_home(
    folder: Annotated[
        Path | None,
        path_argument("A folder with illsort.toml, or its library (default: this folder, or the last one opened)."),
    ] = None,
    *,
    port: Port = 0,
    token: Token = None,
    no_learning: NoLearning = False,
    no_open: NoOpen = False,
) -> None:
    """Open a page for the whole job: look, label, train, sort, review; its work goes on when the page is closed."""
    from classifier.web.home.app import Home
    from classifier.web.home.project import project_of
    from classifier.web.home.rooms import PATHS
    from classifier.web.server import serve_app

    home = Home(project_of(folder), learn=None if no_learning else learn)
    options = PageOptions(host=_HOST, port=port, token=token, no_open=no_open)
    last = Message("Ctrl-C ends the page; what was started goes on, and illsort shows it again")
    show_served(partial(serve_app, home.app, rooms=PATHS), options, name="open", last=last)
