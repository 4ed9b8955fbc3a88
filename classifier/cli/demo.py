"""`illsort demo`: the main job on a fresh machine, with nothing but what the package brings."""

from __future__ import annotations

import os
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from classifier.cli.options import path_option
from classifier.i18n import _

if TYPE_CHECKING:
    from classifier.demo.run import DemoResult


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
    print_lines(
        "",
        _(
            "{count} pictures sorted from 30 labels in {seconds:.0f} s, drawing and training included:",
            count=done.summary["pictures"],
            seconds=done.seconds,
        ),
        *(f"  {line}" for line in _counts(done)),
        _("Look at {library}", library=done.library.resolve()),
        _("and at the same in numbers: {command}", command=command("status", done.library)),
    )


def _counts(done: DemoResult) -> list[str]:
    summary, two_in_one = done.summary, done.two_in_one_filed
    return [
        _("{count} filed, {right} of them right", count=summary["filed"] - two_in_one, right=done.filed_right),
        _(
            "{review} left for you to look at, {unknown} unlike every label in _unknown; of 6 that show two kinds at "
            "once {filed} were filed all the same",
            review=summary["review"],
            unknown=summary["unknown"],
            filed=two_in_one,
        ),
        _("{count} duplicates, {broken} unreadable", count=summary["duplicates"], broken=summary["broken"]),
    ]


def _free_folder() -> Path:
    """The first folder of the demo's name that is not there yet, so that the demo can be run again."""
    numbered = (Path(f"illsort-demo-{number}") for number in count(2))
    return next(folder for folder in chain([Path("illsort-demo")], numbered) if not os.path.lexists(folder))
