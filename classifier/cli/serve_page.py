"""Serves the page until Ctrl-C and opens it in a browser: shared by `illsort review`, `audit`, `label` and `open`.

The browser is started with a private file that leads to the page: every user of the machine can read command lines, so
the token must not be in one.
"""

from __future__ import annotations

import tempfile
import threading
import webbrowser
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.errors import Message
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.web.learner_process import LearnerTarget
    from classifier.web.server import PageAddress

Port = Annotated[int, typer.Option(min=0, max=65535, help="Where the page is served; 0 takes a free port.")]
Host = Annotated[
    str, typer.Option(help="Another address than this machine's own lets other machines in; it needs --token.")
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="ILLSORT_TOKEN",
        help="What the page's address must hold, any number of times (default: drawn anew, good once). "
        "Where others use this machine, give it as ILLSORT_TOKEN: they can read command lines.",
    ),
]
NoLearning = Annotated[
    bool, typer.Option("--no-learning", help="Leave guesses and order as they are, whatever is decided.")
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Print the address without opening a browser.")]

_PAGE = """\
<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>illsort</title>
<a href="{address}">illsort</a>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """How the page is served: the options above, the view that it opens at, and the error rate of its audits.

    `by_chance` is the share of what it asks that is drawn by chance.
    """

    host: str
    port: int
    token: str | None
    no_open: bool
    view: str = ""
    max_error: float | None = None
    by_chance: float = 0.0

    def address(self, served: PageAddress) -> str:
        """A new address of the page, at the view."""
        return served.new_address() + (f"#{self.view}" if self.view else "")


def show_page(library: Path, options: PageOptions, *, name: str, learn: LearnerTarget | None) -> int:
    """Serve the page of `library` until Ctrl-C; returns how many decisions are not filed yet.

    `name` is the command's name in messages. `learn` runs in a process of its own, beside the page.
    """
    from classifier.web.server import serve

    last = Message("Ctrl-C ends it; every decision is saved when it is made")
    page = partial(serve, library, learn=learn, max_error=options.max_error, by_chance=options.by_chance)
    waiting = []

    def serve_library(**served: Any) -> None:
        waiting.append(page(**served))

    show_served(serve_library, options, name=name, last=last, first=_by_chance(options.by_chance))
    return waiting[0]


def _by_chance(share: float) -> Message | None:
    if not share:
        return None
    percent = f"{share:.0%}"
    return Message(
        "about {share} of what the page asks is drawn by chance: it measures the model, and --max-error rests on "
        "it (review.by_chance)",
        share=percent,
    )


def show_served(
    serve: Callable[..., None], options: PageOptions, *, name: str, last: Message, first: Message | None = None
) -> None:
    """Open the browser at what `serve` serves until Ctrl-C; it takes the arguments of `web.server.serve_app`.

    `last` is the line below the address, `first` one above it.
    """
    from classifier.cli import interrupt
    from classifier.cli.terminal import print_lines
    from classifier.web.security import is_loopback

    opening = BrowserFile()

    def opened(served: PageAddress) -> None:
        if not is_loopback(options.host):
            print_lines(
                _(
                    "anyone in your network who has the token can see these pictures and decide; "
                    "the connection is not encrypted"
                ),
                err=True,
            )
        if first is not None:
            print_lines(_(first), err=True)
        print_lines(f"{name}: {options.address(served)}")
        print_lines(_(last), err=True)
        if not options.no_open:
            opening.open(options.address(served))

    def spent(served: PageAddress) -> None:
        opening.remove()
        if not options.token:
            another = options.address(served)
            print_lines(_("the page is open; for another browser: {address}", address=another), err=True)

    try:
        serve(host=options.host, port=options.port, token=options.token, opened=opened, spent=spent)
    finally:
        opening.remove()
    interrupt.reset()


def print_unfiled(waiting: int) -> None:
    """Print how many decisions wait to be filed, after the page was closed."""
    from classifier.cli.terminal import print_lines

    if waiting:
        left = count_(
            "{count:,} decision waits to be filed: on the page, or by the next illsort sort",
            "{count:,} decisions wait to be filed: on the page, or by the next illsort sort",
            count=waiting,
        )
        print_lines("", left, err=True)


class BrowserFile:
    """A file that only this user can read and that redirects to the page; removed once it is open, or at the end."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self, address: str) -> None:
        """Start the browser in a thread: some browsers return only when they are closed."""
        self._folder = tempfile.TemporaryDirectory(
            prefix="illsort-open-", dir=_visible_folder(), ignore_cleanup_errors=True
        )
        path = Path(self._folder.name, "illsort.html")
        path.touch(mode=0o600)
        path.write_text(_PAGE.format(address=escape(address)), encoding="utf-8")
        threading.Thread(target=webbrowser.open, args=[path.as_uri()], daemon=True).start()

    def remove(self) -> None:
        """Remove the file."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def _visible_folder() -> Path | None:
    """The home folder: browsers in a sandbox of their own (snap, flatpak) see neither /tmp nor what begins with "."."""
    try:
        home = Path.home()
        return home if home.is_dir() else None
    except RuntimeError:  # there is none
        return None
