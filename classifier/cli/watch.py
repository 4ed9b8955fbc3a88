"""`illsort watch`: sort what comes into crawls, without a person, until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli import interrupt
from classifier.cli.options import (
    MODES,
    ConfigOption,
    SetOption,
    as_path,
    crawl_in,
    library_in,
    load_settings,
    path_option,
)
from classifier.cli.sort import Library, strictness_of
from classifier.errors import Counted, LibraryError, Message
from classifier.i18n import _, count_
from classifier.paths import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.settings import Settings
    from classifier.sort.watch_round import Sorted

Crawls = Annotated[
    list[Path],
    typer.Argument(help="Folders that pictures come into (default: the one of illsort.toml).", parser=as_path),
]
Model = Annotated[Path | None, path_option("--model", "-m", help_="The model's folder (default: the library's last).")]
ModeOption = Annotated[
    str | None,
    typer.Option("--mode", metavar=MODES, help="How a picture gets into the library (default: as it was last)."),
]
Every = Annotated[
    int,
    typer.Option("--every", metavar="MINUTES", min=1, max=1440, help="How often to look even without a notice."),
]
JsonLines = Annotated[bool, typer.Option("--json-lines", help="Print each sort as one JSON object a line.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also print what each sort says.")]


def watch(
    crawls: Crawls = [],  # noqa: B006 - typer reads it, nobody writes
    *,
    out: Library = None,
    model: Model = None,
    mode: ModeOption = None,
    every: Every = 10,
    json_lines: JsonLines = False,
    verbose: Verbose = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Sort what comes into a crawl, as it was sorted last, until Ctrl-C; complete files only."""
    from classifier.catalog.lock import hold_watch_lock
    from classifier.catalog.strictness import Strictness
    from classifier.sort.watch import Watcher
    from classifier.sort.watch_notices import Machine
    from classifier.sort.watch_round import Order

    chosen = load_settings(config, set_, {"sort.library": out, "sort.mode": mode})
    library = library_in(chosen)
    folders = _checked(crawls or [crawl_in(chosen)], library, chosen)
    strictness = Strictness(**strictness_of(chosen, set_, {}))
    order = Order(library=library, bundle=model, settings=chosen, strictness=strictness)
    shown = _Shown(json_lines=json_lines, verbose=verbose)
    interrupt.resumable_in(library)
    with hold_watch_lock(library):
        shown.begin(folders, library, every)
        around = Machine(order, shown.say)
        Watcher(folders, library=library, every_s=every * 60, around=around, report=shown).run()


def _checked(crawls: list[Path], library: Path, chosen: Settings) -> list[Path]:
    """The crawls by their absolute paths; one that was sorted before may be gone for now.

    Raises LibraryError where nothing was sorted into `library`: a disk that is not there looks just so, and what a
    sort would make in its place would be another library.
    """
    from classifier.catalog.connection import is_library, read_catalog
    from classifier.sort.last_policy import last_crawls
    from classifier.sort.scan import checked_crawl

    if not is_library(library):
        begin = command("sort", crawls[0], "--out", library, "--model", chosen.model.folder or Path("MODEL"))
        raise LibraryError("{library}: there is no library; begin it with {command}", library=library, command=begin)
    with read_catalog(library) as catalog:
        known = set(last_crawls(catalog))
    absolute = [crawl.resolve() for crawl in crawls]
    return list(
        dict.fromkeys(one if one in known and not one.exists() else checked_crawl(one, library) for one in absolute)
    )


class _Shown:
    """Prints what a watcher reports: sorts on stdout, all else on stderr."""

    def __init__(self, *, json_lines: bool, verbose: bool) -> None:
        self._json_lines, self._verbose = json_lines, verbose

    def begin(self, crawls: list[Path], library: Path, every: int) -> None:
        """Say what is watched, and where the clock alone can be relied on."""
        from classifier.catalog.filesystem import is_on_network

        minutes = Counted("every {count:,} minute", "every {count:,} minutes", count=every)
        for crawl in crawls:
            self.say(
                Message("watching {crawl} for {library}: a look {often}", crawl=crawl, library=library, often=minutes)
            )
            if crawl.exists() and is_on_network(crawl):
                self.say(
                    Message("{crawl} is on a network disk, which may give no notices: the clock finds all", crawl=crawl)
                )

    def say(self, message: Message) -> None:
        """Print a line with its time on stderr."""
        from classifier.cli.terminal import print_lines

        print_lines(f"{_now()}  {_(message)}", err=True)

    def sorted(self, crawl: Path, round_: Sorted) -> None:
        """Print a line for a sort in which anything came or moved."""
        from dataclasses import asdict

        from classifier.catalog.values import utc_now
        from classifier.cli.terminal import print_json, print_lines
        from classifier.paths import to_text

        if self._verbose:
            for message in round_.messages:
                self.say(message)
        if self._json_lines:
            counts = {"pictures": round_.counts.pictures, **asdict(round_.counts)}
            print_json(
                {
                    "at": utc_now(),
                    "crawl": to_text(crawl),
                    **counts,
                    "unfinished": round_.unfinished,
                    "seconds": round_.seconds,
                }
            )
        elif round_.counts.pictures or round_.counts.moved:
            print_lines(f"{_now()}  {crawl}: {_(', ').join(_in_words(round_))}")


def _in_words(round_: Sorted) -> Iterator[str]:
    counts = round_.counts
    yield count_("{count:,} picture came", "{count:,} pictures came", count=counts.pictures)
    yield _("{count:,} filed", count=counts.filed)
    if waits := counts.review + counts.unknown:
        yield _("{count:,} waiting for you", count=waits)
    if counts.copies:
        yield count_("{count:,} copy of what is filed", "{count:,} copies of what is filed", count=counts.copies)
    if counts.duplicates:
        yield count_("{count:,} duplicate", "{count:,} duplicates", count=counts.duplicates)
    if counts.failed:
        yield _("{count:,} failed (illsort status says why)", count=counts.failed)
    if counts.moved:
        yield _("{count:,} moved within the library", count=counts.moved)


def _now() -> str:
    from classifier.catalog.values import utc_now
    from classifier.local_time import local_time

    return local_time(utc_now())
