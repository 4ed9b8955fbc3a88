"""`illsort sample`: pictures of a listing, drawn by chance, in a folder of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli import interrupt
from classifier.cli.drawn_answers import failure_lines
from classifier.cli.options import MOST, MOST_SEED, ConfigOption, SetOption, load_settings, path_option
from classifier.errors import Message
from classifier.i18n import count_

if TYPE_CHECKING:
    from classifier.parts.sample import Sample


def sample(
    parts: Annotated[str, typer.Argument(metavar="PARTS", help="What illsort list wrote: a folder or a URL.")],
    *,
    to: Annotated[Path, path_option("--to", help_="A folder of its own for the pictures.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=MOST, help="Pictures to draw.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Another seed draws other pictures.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Fetch pictures of a listing, drawn by chance, into a folder: to label, sort and review there."""
    from classifier.cli.terminal import TerminalProgress, print_json, print_lines
    from classifier.parts.packages import require_packages

    require_packages()
    from classifier.parts.sample import fetch_sample

    limit = load_settings(config, set_).images.max_megapixels
    kept = Message("the pictures that were fetched stay, and the same command goes on")
    interrupt.resumable_if(lambda: True, kept=kept)
    found = fetch_sample(parts, to, count=count, seed=seed, max_megapixels=limit, progress=TerminalProgress())
    print_lines(*_in_words(found, to), err=as_json)
    if as_json:
        numbers = {"listed": found.listed, "drawn": found.drawn, "known": found.known}
        print_json(numbers | {"failures": {key: str(why) for key, why in found.failures.items()}})
    if found.failures:
        raise typer.Exit(1)


def _in_words(found: Sample, to: Path) -> list[str]:
    first = count_(
        "{count:,} picture, drawn by chance of {listed:,}: {folder}",
        "{count:,} pictures, drawn by chance of {listed:,}: {folder}",
        count=found.drawn - len(found.failures),
        listed=found.listed,
        folder=to,
    )
    return [first, *failure_lines(found.failures)]
