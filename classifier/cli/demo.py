"""`illsort demo`: the main job on a fresh machine, with nothing but what the package brings."""

from __future__ import annotations

import os
from itertools import chain, count
from pathlib import Path
from typing import Annotated

from classifier.cli.options import path_option


def demo(
    *,
    folder: Annotated[
        Path | None,
        path_option("--folder", "-f", help_="A new folder for the demo's pictures (default: illsort-demo, or -2, -3)."),
    ] = None,
) -> None:
    """Try it: draws pictures, labels a tenth, trains, sorts the rest."""
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.demo.run import demo as run_demo
    from classifier.paths import command

    done = run_demo(folder or _free_folder(), progress=TerminalProgress())
    summary, known = done.summary, done.summary["filed"] - done.two_in_one_filed
    print_lines(
        "",
        f"{summary['pictures']} pictures sorted from 30 labels in {done.seconds:.0f} s, drawing and training included:",
        f"  {known} filed, {done.filed_right} of them right",
        f"  {summary['review']} left for you to look at, {summary['unknown']} unlike every label in _unknown; of 6 "
        f"that show two kinds at once {done.two_in_one_filed} were filed all the same",
        f"  {summary['duplicates']} duplicates, {summary['broken']} unreadable",
        f"Look at {done.library.resolve()}",
        f"and at the same in numbers: {command('status', done.library)}",
    )


def _free_folder() -> Path:
    """The first folder of the demo's name that is not there yet, so that the demo can be run again."""
    numbered = (Path(f"illsort-demo-{number}") for number in count(2))
    return next(folder for folder in chain([Path("illsort-demo")], numbered) if not os.path.lexists(folder))
