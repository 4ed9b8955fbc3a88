"""The page in a browser, as the terminal opens and closes it: what `illsort review` and `illsort label` share."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from classifier.review.teacher import Run

Port = Annotated[int, typer.Option(min=0, max=65535, help="Where the page is served; 0 takes a free port.")]
Host = Annotated[
    str, typer.Option(help="Another address than this machine's own lets other machines in; it needs --token.")
]
Token = Annotated[str | None, typer.Option(help="What the page's address must hold (default: drawn anew each time).")]
NoLearning = Annotated[
    bool, typer.Option("--no-learning", help="Leave guesses and order as they are, whatever is decided.")
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Print the address without opening a browser.")]


def show_page(
    library: Path, *, name: str, host: str, port: int, token: str | None, no_open: bool, learn: Run | None
) -> int:
    """Serve the page of `library` until Ctrl-C, as `name`; how many decisions are left to be filed.

    `learn` is what learns beside the page, in a process of its own.
    """
    from classifier.cli import stop
    from classifier.cli.terminal import tell
    from classifier.review.guard import is_loopback
    from classifier.review.serve import serve

    def opened(address: str) -> None:
        if not is_loopback(host):
            tell(
                "anyone in your network who has the token can see these pictures and decide; "
                "the connection is not encrypted",
                err=True,
            )
        tell(f"{name}: {address}")
        tell("Ctrl-C ends it; every decision is saved when it is made", err=True)
        if not no_open:
            webbrowser.open(address)

    waiting = serve(library, host=host, port=port, token=token, opened=opened, learn=learn)
    stop.forget()
    return waiting
