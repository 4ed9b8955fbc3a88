"""`illsort review`: a local page on which what waits is decided by single keys."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def learn(pipe: Connection, library: Path) -> None:
    """What runs beside the page, in a process of its own: there torch may be loaded."""
    from classifier.relearn.process import run

    run(pipe, library)


def review(
    library: Annotated[Path, typer.Argument(help="The folder that was sorted into.")],
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page is served; 0 takes a free port.")] = 0,
    host: Annotated[
        str, typer.Option(help="Another address than this machine's own lets other machines in; it needs --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None, typer.Option(help="What the page's address must hold (default: drawn anew each time).")
    ] = None,
    no_learning: Annotated[
        bool, typer.Option("--no-learning", help="Leave guesses and order as the last sort made them.")
    ] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address without opening a browser.")] = False,
) -> None:
    """Decide by keys what waits in _review and _unknown, on a page that only this machine can open."""
    from classifier.review.guard import is_loopback
    from classifier.review.serve import serve

    def opened(address: str) -> None:
        if not is_loopback(host):
            typer.echo(
                "anyone in your network who has the token can see these pictures and decide; "
                "the connection is not encrypted",
                err=True,
            )
        typer.echo(f"review: {address}")
        typer.echo("Ctrl-C ends it; every decision is saved when it is made", err=True)
        if not no_open:
            webbrowser.open(address)

    waiting = serve(library, host=host, port=port, token=token, opened=opened, learn=None if no_learning else learn)
    if waiting:
        what = "1 decision waits" if waiting == 1 else f"{waiting:,} decisions wait"
        typer.echo(f"\n{what} to be filed: on the page, or by the next illsort sort", err=True)
    else:
        typer.echo("\nall that was decided is filed", err=True)
