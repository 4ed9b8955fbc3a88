"""`illsort`: the commands, and the one edge where an error becomes a line and an exit code.

0 done; 1 done, but some pictures failed; 2 the user's or the environment's fault, in one line; 130 stopped by Ctrl-C.
Anything else is our bug and keeps its traceback.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from classifier import __version__
from classifier.cli.audit import audit
from classifier.cli.demo import demo
from classifier.cli.label import label
from classifier.cli.report import report
from classifier.cli.review import review
from classifier.cli.sort import sort
from classifier.cli.status import status
from classifier.cli.train import train
from classifier.cli.undo import undo
from classifier.cli.verify import verify
from classifier.errors import IllsortError

STOPPED = 130


class Edge(TyperGroup):
    """Turns an IllsortError into one line on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except IllsortError as error:
            typer.echo(f"illsort: {error}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("\nillsort: stopped; the same command goes on where it was", err=True)
            raise typer.Exit(STOPPED) from None


app = typer.Typer(
    cls=Edge,
    name="illsort",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:  illsort demo",
)
app.command(epilog="\b\nExample:  illsort label ~/crawl --labels ~/labels")(label)
app.command(epilog="\b\nExample:  illsort train --config configs/default.toml --set labels.folder=~/labels")(train)
app.command(epilog="\b\nExample:  illsort sort ~/crawl --out ~/sorted --model ~/models/mine")(sort)
app.command(epilog="\b\nExample:  illsort status ~/sorted")(status)
app.command(epilog="\b\nExample:  illsort review ~/sorted")(review)
app.command(epilog="\b\nExample:  illsort audit ~/sorted --max-error 0.02")(audit)
app.command(epilog="\b\nExample:  illsort report ~/models/mine --open")(report)
app.command(epilog="\b\nExample:  illsort undo ~/sorted --run 3")(undo)
app.command(epilog="\b\nExample:  illsort verify ~/sorted --quick")(verify)
app.command(epilog="\b\nExample:  illsort demo --folder illsort-demo")(demo)


@app.callback(invoke_without_command=True)
def root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Sort pictures into your own categories; what it is not sure of waits for you."""
    if version:
        typer.echo(f"illsort {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; names that the terminal cannot show are escaped instead of stopping the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
