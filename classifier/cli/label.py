"""`illsort label`: labels from nothing: a sample of the crawl, named by grids on the page, filed by category."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli import interrupt
from classifier.cli.options import (
    MOST,
    ConfigOption,
    Excluded,
    SetOption,
    Verbose,
    crawl_in,
    load_settings,
    path_argument,
    path_option,
)
from classifier.cli.review import learn
from classifier.cli.serve_page import Host, NoOpen, PageOptions, Port, Token, show_page
from classifier.errors import Counted, Message
from classifier.i18n import _, count_
from classifier.paths import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.active.sample import Sample
    from classifier.cli.terminal import TerminalProgress
    from classifier.settings import Settings

_FEW = 5
_TOO_FEW = 2


def label(
    crawl: Annotated[
        Path | None, path_argument("Folder of unsorted pictures; it is never changed (default: that of illsort.toml).")
    ] = None,
    *,
    labels: Annotated[
        Path | None, path_option("--labels", "-l", help_="The folder to label into (default: labels.folder).")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=2, max=MOST, help="Pictures to draw (default: at least 1,500, by the crawl's size)."),
    ] = None,
    more: Annotated[int, typer.Option(min=0, max=MOST, help="Draw so many others, beside those drawn before.")] = 0,
    mode: Annotated[
        str | None,
        typer.Option(metavar="link|copy|symlink", help="How a picture gets among the labels (default: link)."),
    ] = None,
    exclude: Excluded = [],  # noqa: B006 - typer reads it, nobody writes
    port: Port = 0,
    host: Host = "127.0.0.1",
    token: Token = None,
    no_open: NoOpen = False,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Only draw the pictures; the page of illsort open shows them.")
    ] = False,
    verbose: Verbose = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Make labels from nothing: name what looks alike in a sample of the crawl, on a page, until it can be trained."""
    from classifier import settings
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.errors import CrawlError, SettingsError

    options = {"sort.crawl": crawl, "sort.mode": mode, "labels.folder": labels}
    chosen = settings.excluding(load_settings(config, set_, options), exclude)
    crawl, folder = crawl_in(chosen), chosen.labels.folder
    if folder is None:
        raise SettingsError("where do the labels go? say --labels FOLDER, for example --labels ~/labels")
    interrupt.resumable_in(folder)
    progress = TerminalProgress(verbose=verbose)
    with progress.stage(Message("starting"), total=None, unit=""):
        from classifier.active.sample import take_sample

    sample = take_sample(crawl, library=folder, settings=chosen, count=count, more=more, progress=progress)
    print_lines(*_in_words(sample, folder), err=True)
    if sample.drawn == sample.broken:
        raise CrawlError("{crawl}: holds no picture that can be read, so there is nothing to label", crawl=crawl)
    if not no_page:
        _show_page(folder, PageOptions(host=host, port=port, token=token, no_open=no_open), chosen, progress)


def _show_page(folder: Path, options: PageOptions, settings: Settings, progress: TerminalProgress) -> None:
    """Show the page until it ends, then file what was decided there."""
    from classifier.cli.terminal import print_lines
    from classifier.web.pending_moves import file_decided

    options = replace(options, by_chance=settings.review.by_chance)
    if show_page(folder, options, name="label", learn=learn):
        made = file_decided(folder, progress=progress)
        for path, why in () if made is None else made.left:
            print_lines(_("{path}: not filed: {why}", path=path, why=why), err=True)
    print_lines(*_next(folder), err=True)


def _in_words(sample: Sample, folder: Path) -> list[str]:
    first = count_(
        "{count:,} picture drawn, {new} in {folder}",
        "{count:,} pictures drawn, {new} in {folder}",
        count=sample.drawn,
        new=Counted("{count:,} new one waits", "{count:,} new ones wait", count=sample.waiting),
        folder=folder / "_review",
    )
    return [first, *(f"  {_(line)}" for line in _left_out(sample, folder))]


def _left_out(sample: Sample, folder: Path) -> Iterator[Message]:
    listed = folder / "_broken.csv"
    if sample.repeated:
        yield Message("{count:,} left out, for they repeat others", count=sample.repeated)
    if sample.broken:
        yield Message("{count:,} unreadable: {listed}", count=sample.broken, listed=listed)
    if sample.unreadable:
        yield Counted(
            "{count:,} file or folder could not be read: {listed}",
            "{count:,} files and folders could not be read: {listed}",
            count=sample.unreadable,
            listed=listed,
        )
    if sample.failed:
        yield Message("{count:,} could not be taken: {command}", count=sample.failed, command=command("status", folder))


def _next(folder: Path) -> list[str]:
    """The labels so far, and the command that trains on them."""
    from classifier.catalog.connection import read_catalog
    from classifier.catalog.stats import library_stats
    from classifier.labels.from_annotations import placed_by_hand
    from classifier.labels.load import train_command

    with read_catalog(folder) as catalog:
        there = Counter(library_stats(folder).filed) + Counter(placed_by_hand(catalog, folder))
    filed = dict(there.most_common())
    labels = Counted(
        "{count:,} label in {folder}", "{count:,} labels in {folder}", count=sum(filed.values()), folder=folder
    )
    counts = _(", ").join(f"{category} {count:,}" for category, count in filed.items())
    lines = ["", _("{labels}: {counts}", labels=labels, counts=counts) if counts else _(labels)]
    poor = [category for category, count in filed.items() if count < _FEW]
    if len(filed) < _TOO_FEW:
        return [*lines, _("training needs two categories: run it again and go on")]
    if poor:
        named = _(", ").join(poor)
        lines.append(_("with fewer than {few} a category is hardly learned: {categories}", few=_FEW, categories=named))
    return [*lines, _drawn_whole(folder), _("train with: {command}", command=train_command(folder))]


def _drawn_whole(folder: Path) -> str:
    """Whether the labels hold a random draw that was answered whole, so that they can guarantee an error rate."""
    from classifier.labels.random_draw import read_draws

    draws = read_draws(folder)
    count, left = sum(len(draw.image_ids) for draw in draws), sum(draw.count_pending(draw.named) for draw in draws)
    if left and (sample := sum(len(draw.sample(draw.named)) for draw in draws)):
        return count_(
            "{count:,} picture of a random order was judged without a gap: --max-error is guaranteed by it, as far as "
            "one can",
            "{count:,} pictures of a random order were judged without a gap: --max-error is guaranteed by them, as far "
            "as so many can",
            count=sample,
        )
    if left:
        return _(
            "{left:,} of {count:,} drawn pictures are not judged yet: until all are, these labels give --max-error no "
            "guarantee (the easiest are named first)",
            left=left,
            count=count,
        )
    return _(
        "all {count:,} drawn pictures are judged: --max-error is guaranteed by them, as far as so many can", count=count
    )
