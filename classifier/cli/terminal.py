"""How the terminal shows what a run reports: progress bars and facts on stderr, results on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Never

from tqdm import tqdm

from classifier.progress import Stage

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class _Bar:
    def __init__(self, bar: tqdm[Never]) -> None:
        self._bar = bar

    def advance(self, count: int = 1) -> None:
        self._bar.update(count)

    def note(self, text: str) -> None:
        self._bar.set_postfix_str(text, refresh=False)


class TerminalProgress:
    """Bars with rate and time left; `quiet` keeps the facts back, for --json."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def say(self, message: str) -> None:
        """Print one fact above the bars."""
        if not self._quiet:
            tqdm.write(message, file=sys.stderr)

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[Stage]:
        """Show a bar; without a terminal it is told now and then instead of redrawn."""
        interval = 0.2 if sys.stderr.isatty() else 30.0
        with tqdm(
            total=total,
            desc=name,
            unit=f" {unit}s",
            unit_scale=False,
            dynamic_ncols=True,
            mininterval=interval,
            maxinterval=max(interval, 10.0),
            bar_format=_BAR if total else None,
            disable=total == 0,
            file=sys.stderr,
        ) as bar:
            yield _Bar(bar)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a head in aligned columns: the first to the left, the others to the right."""
    widths = [max(_width(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) if column == 0 else " " * (width - _width(cell)) + cell
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )


def bar(share: float, *, width: int = 30) -> str:
    """A share 0..1 as a bar of `width` cells; anything above nothing shows."""
    cells = max(1, round(share * width)) if share > 0 else 0
    return "█" * cells + "·" * (width - cells)


def _width(text: str) -> int:
    """Columns a terminal takes: wide characters, such as Chinese ones, take two."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
