"""Serves the page until Ctrl-C and opens it in a browser: shared by `illsort review` and `illsort label`.

The browser is started with a private file that leads to the page: every user of the machine can read command lines, so
the token must not be in one.
"""

from __future__ import annotations

import tempfile
import threading
import webbrowser
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
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


def show_page(
    library: Path, *, name: str, host: str, port: int, token: str | None, no_open: bool, learn: LearnerTarget | None
) -> int:
    """Serve the page of `library` until Ctrl-C; returns how many decisions are not filed yet.

    `name` is the command's name in messages. `learn` runs in a process of its own, beside the page.
    """
    from classifier.cli import interrupt
    from classifier.cli.terminal import print_lines
    from classifier.web.security import is_loopback
    from classifier.web.server import serve

    opening = BrowserFile()

    def opened(served: PageAddress) -> None:
        if not is_loopback(host):
            print_lines(
                "anyone in your network who has the token can see these pictures and decide; "
                "the connection is not encrypted",
                err=True,
            )
        print_lines(f"{name}: {served.new_address()}")
        print_lines("Ctrl-C ends it; every decision is saved when it is made", err=True)
        if not no_open:
            opening.open(served.new_address())

    def spent(served: PageAddress) -> None:
        opening.remove()
        if not token:
            print_lines(f"the page is open; for another browser: {served.new_address()}", err=True)

    try:
        waiting = serve(library, host=host, port=port, token=token, opened=opened, spent=spent, learn=learn)
    finally:
        opening.remove()
    interrupt.reset()
    return waiting


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
