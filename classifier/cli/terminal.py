r"""The one module that prints: results on stdout, progress and messages on stderr.

Control characters are escaped: escape sequences, line ends and direction marks of a file's name appear as `\x1b`.
"""

from __future__ import annotations

import errno
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Never

import typer
from tqdm import tqdm

from classifier.cli import interrupt
from classifier.errors import Message
from classifier.i18n import _, count_
from classifier.jobs.current import current_report
from classifier.paths import displayable, to_json
from classifier.progress import Stage
from classifier.reason_text import reason_message
from classifier.records import Failure

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_WHOLE = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}{postfix}]"
_NAMED = "{desc} [{elapsed}{postfix}]"
_ALIVE_S = 1.0


def print_lines(*lines: str, err: bool = False, nl: bool = True) -> None:
    """Print each line as one line; on stderr with `err`, and without an end with `nl` False."""
    if lines:
        text = "\n".join(displayable(line) for line in lines)
        print(text, file=sys.stderr if err else sys.stdout, end="\n" if nl else "", flush=True)


def print_json(values: object) -> None:
    """Print one JSON object on stdout, in ASCII: it is the same JSON in whatever encoding stdout has."""
    print(to_json(values, ascii_only=True), flush=True)


def print_json_lines(values: Iterable[object]) -> None:
    """Print each as `print_json` does; ends early, and quietly, where what reads stdout, such as `head`, has ended."""
    try:
        for one in values:
            print(to_json(one, ascii_only=True))
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and error.errno != errno.EINVAL:  # the latter is Windows' own
            raise
        with suppress(OSError):
            sys.stdout.close()  # else Python complains at its end that it cannot flush


def ask(question: Message, *, default: bool = True) -> bool:
    """Ask a question that y or n answers, and Enter with `default`."""
    shown = f"{displayable(_(question))} [{'Y/n' if default else 'y/N'}]"
    answers = {"": default, "y": True, "yes": True, "是": True, "n": False, "no": False, "否": False}
    while True:
        answer = typer.prompt(shown, default="", show_default=False, err=True)
        answer = unicodedata.normalize("NFKC", answer).strip().lower()  # an input method may send full-width letters
        if answer in answers:
            return answers[answer]
        print_lines(_("answer y or n"), err=True)


def ask_text(question: Message) -> str:
    """Ask for a text."""
    return str(typer.prompt(displayable(_(question)), err=True)).strip()


class _Bar:
    def __init__(self, bar: tqdm[Never]) -> None:
        self._bar = bar
        self._followed: Callable[[], Message | None] | None = None

    def advance(self, count: int = 1) -> None:
        with interrupt.deferred():
            self._bar.update(count)

    def note(self, text: Message) -> None:
        self._bar.set_postfix_str(displayable(_(text)), refresh=False)

    def follow(self, note: Callable[[], Message | None]) -> None:
        self._followed = note

    def draw(self) -> None:
        if self._followed is not None:
            text = self._followed()
            self._bar.set_postfix_str("" if text is None else displayable(_(text)), refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        if self._followed is not None:
            self._bar.set_postfix_str("", refresh=False)  # what is over waits for nothing
        self._bar.close()


class TerminalProgress:
    """Bars with rate and time left, and messages above them, on stderr; details too with `verbose`.

    In a job, all of it is reported to the page as well.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._job = current_report()

    def say(self, message: Message) -> None:
        """Print a message above the bars."""
        with interrupt.deferred():
            tqdm.write(displayable(_(message)), file=sys.stderr)
        if self._job is not None:
            self._job.say(message)

    def detail(self, message: Message) -> None:
        """Print a message if details are wanted."""
        if self._verbose:
            self.say(message)

    @contextmanager
    def stage(self, name: Message, *, total: int | None, unit: str) -> Iterator[Stage]:
        """Show a bar; where stderr is not a terminal, a line every 30 seconds.

        A stage without total and unit shows only its name while it lasts, and only on a terminal.
        """
        is_terminal, only_names = sys.stderr.isatty(), total is None and not unit
        interval = 0.2 if is_terminal else 30.0
        with interrupt.deferred():
            bar: tqdm[Never] = tqdm(
                total=total,
                desc=displayable(_(name)),
                unit=unit if unit == "B" else f" {_unit(unit)}",
                unit_scale=unit == "B",
                dynamic_ncols=True,
                mininterval=interval,
                maxinterval=max(interval, 10.0),
                bar_format=_format(total, unit),
                disable=total == 0 or (only_names and not is_terminal),
                leave=not only_names,
                file=sys.stderr,
            )
        shown = _Bar(bar)
        try:
            with nullcontext() if bar.disable else _kept_alive(shown, every_s=max(_ALIVE_S, interval)):
                if self._job is None:
                    yield shown
                else:
                    with self._job.stage(name, total=total, unit=unit) as reported:
                        yield _Both(shown, reported)
        finally:
            with interrupt.deferred():
                shown.close()


class _Both:
    """A stage that is shown in the terminal and reported to the page."""

    def __init__(self, *stages: Stage) -> None:
        self._stages = stages

    def advance(self, count: int = 1) -> None:
        for stage in self._stages:
            stage.advance(count)

    def note(self, text: Message) -> None:
        for stage in self._stages:
            stage.note(text)

    def follow(self, note: Callable[[], Message | None]) -> None:
        for stage in self._stages:
            stage.follow(note)


def _unit(unit: str) -> str:
    names = {"picture": count_("picture", "pictures", count=2), "file": count_("file", "files", count=2)}
    return names.get(unit, unit)


def _format(total: int | None, unit: str) -> str | None:
    if not unit:
        return _WHOLE if total else _NAMED
    return _BAR if total else None


@contextmanager
def _kept_alive(bar: _Bar, *, every_s: float) -> Iterator[None]:
    """Redraw the bar at an interval, so that its clock goes on while nothing advances."""
    ended = threading.Event()

    def draw() -> None:
        while not ended.wait(every_s):
            bar.draw()

    thread = threading.Thread(target=draw, name="bar", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A head and rows as lines of aligned columns: the first column to the left, the others to the right."""
    shown = [[displayable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(columns(row[column]) for row in shown) for column in range(len(head))]
    return [
        "  ".join(
            cell + " " * (width - columns(cell)) if column == 0 else " " * (width - columns(cell)) + cell
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    ]


def failure_line(path: Path, failure: Failure) -> str:
    """Why a picture could not be read, as an indented line."""
    return f"  {path}: {_(failure.kind)}: {_(reason_message(failure.detail))}"


def bar(share: float, *, width: int = 30) -> str:
    """A share 0..1 as a bar of `width` cells; a share above 0 fills at least one cell."""
    cells = max(1, round(share * width)) if share > 0 else 0
    return "█" * cells + "·" * (width - cells)


def columns(text: str) -> int:
    """Columns a terminal takes: wide characters, such as Chinese ones, take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
