"""`illsort decide`: decide the answers to a listing in parts, without a catalog, as files of decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.drawn_answers import parts_missing
from classifier.cli.options import ConfigOption, SetOption, Verbose, load_settings, model_in
from classifier.cli.sort import Best, MaxError, Model, Threshold, as_asked
from classifier.errors import Counted, Message
from classifier.i18n import _, count_

Answers = Annotated[str, typer.Argument(metavar="ANSWERS", help="What illsort predict answered: a folder, or a URL.")]
To = Annotated[str, typer.Option("--to", metavar="DECISIONS", help="Where files of decisions go: a folder, or a URL.")]


def decide(
    answers: Answers,
    *,
    to: To,
    model: Model = None,
    threshold: Threshold = None,
    max_error: MaxError = None,
    best: Best = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    verbose: Verbose = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Decide what illsort predict answered as a sort does, into Parquet files, one a part: for pictures in buckets."""
    from classifier.cli.terminal import TerminalProgress, print_json, print_lines
    from classifier.parts.packages import require_packages

    options = {"model.folder": model, "sort.threshold": threshold, "sort.max_error": max_error}
    chosen = load_settings(config, set_, options)
    require_packages()
    from classifier.sort.decide_answers import decide_answers

    kept = Message("the parts that were decided stay, and the same command goes on")
    interrupt.resumable_if(lambda: True, kept=kept)
    summary = decide_answers(
        answers,
        bundle=model_in(chosen),
        to=to,
        settings=chosen,
        progress=TerminalProgress(verbose=verbose),
        **as_asked(chosen, set_, options, best=best),
    )
    print_lines(*_in_words(summary), err=as_json)
    if as_json:
        print_json(summary)
    if summary["failed"] or summary["parts_missing"]:
        raise typer.Exit(1)


def _in_words(summary: dict[str, Any]) -> list[str]:
    first = count_(
        "{count:,} picture in {seconds:.1f} s",
        "{count:,} pictures in {seconds:.1f} s",
        count=summary["pictures"],
        seconds=summary["seconds"],
    )
    return [first, *(f"  {_(line)}" for line in _lines(summary))]


def _lines(summary: dict[str, Any]) -> Iterator[Message]:
    categories = summary["categories"]
    count = Counted("{count:,} category", "{count:,} categories", count=len(categories))
    yield Message("{filed:,} to be filed in {categories}", filed=summary["filed"], categories=count)
    for category, files in categories.items():
        yield Message("  {count:,} {category}", count=files, category=category)
    yield Message("{count:,} to be reviewed", count=summary["review"])
    yield Message("{count:,} unlike all your labels", count=summary["unknown"])
    if summary["failed"]:
        yield Message("{count:,} that could not be read", count=summary["failed"])
    if missing := summary["parts_missing"]:
        yield parts_missing(missing)
    yield from (summary[outcome] for outcome in ("promise", "no_guarantee") if outcome in summary)
    yield Message("decisions: {files}", files=summary["decisions"])
