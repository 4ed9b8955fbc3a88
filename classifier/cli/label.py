"""`illsort label`: labels from nothing: a sample of the crawl, named by grids on the page, filed by category."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli import interrupt
from classifier.cli.options import MOST, ConfigOption, Excluded, SetOption, path_argument, path_option
from classifier.cli.review import learn
from classifier.cli.serve_page import Host, NoOpen, PageOptions, Port, Token, show_page
from classifier.paths import command
from classifier.progress import counted
from classifier.records import Mode

if TYPE_CHECKING:
    from classifier.active.sample import Sample

_FEW = 5
_TOO_FEW = 2


def label(
    crawl: Annotated[Path, path_argument("Folder of unsorted pictures; it is never changed.")],
    *,
    labels: Annotated[
        Path | None, path_option("--labels", "-l", help_="The folder to label into (default: labels.folder).")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=2, max=MOST, help="Pictures to draw (default: at least 1,500, by the crawl's size)."),
    ] = None,
    more: Annotated[int, typer.Option(min=0, max=MOST, help="Draw so many others, beside those drawn before.")] = 0,
    mode: Annotated[Mode | None, typer.Option(help="link, copy or symlink (default: link).")] = None,
    exclude: Excluded = [],  # noqa: B006 - typer reads it, nobody writes
    port: Port = 0,
    host: Host = "127.0.0.1",
    token: Token = None,
    no_open: NoOpen = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Make labels from nothing: name what looks alike in a sample of the crawl, on a page, until it can be trained."""
    from classifier import settings
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.errors import SettingsError

    loaded = settings.load(config, [*set_, *([] if mode is None else [f"sort.mode={mode.value}"])])
    chosen = settings.excluding(loaded, exclude)
    folder = labels or chosen.labels.folder
    if folder is None:
        raise SettingsError("where do the labels go? say --labels FOLDER, for example --labels ~/labels")
    interrupt.resumable_in(folder)
    progress = TerminalProgress()
    with progress.stage("starting", total=None, unit=""):
        from classifier.active.sample import take_sample
        from classifier.web.pending_moves import file_decided

    sample = take_sample(crawl, library=folder, settings=chosen, count=count, more=more, progress=progress)
    print_lines(*_in_words(sample, folder), err=True)
    options = PageOptions(host=host, port=port, token=token, no_open=no_open)
    if show_page(folder, options, name="label", learn=learn):
        made = file_decided(folder, progress=progress)
        for path, why in () if made is None else made.left:
            print_lines(f"{path}: not filed: {why}", err=True)
    print_lines(*_next(folder), err=True)


def _in_words(sample: Sample, folder: Path) -> list[str]:
    new = counted(sample.waiting, "new one waits", "new ones wait")
    lines = [f"{counted(sample.drawn, 'picture')} drawn, {new} in {folder / '_review'}"]
    lines += [f"  {sample.repeated:,} left out, for they repeat others"] if sample.repeated else []
    lines += [f"  {sample.broken:,} unreadable: {folder / '_broken.csv'}"] if sample.broken else []
    unreadable = counted(sample.unreadable, "file or folder", "files and folders")
    lines += [f"  {unreadable} could not be read: {folder / '_broken.csv'}"] if sample.unreadable else []
    lines += [f"  {sample.failed:,} could not be taken: {command('status', folder)}"] if sample.failed else []
    return lines


def _next(folder: Path) -> list[str]:
    """The labels so far, and the command that trains on them."""
    from classifier.catalog.connection import read_catalog
    from classifier.catalog.stats import library_stats
    from classifier.labels.from_annotations import placed_by_hand
    from classifier.labels.load import train_command

    with read_catalog(folder) as catalog:
        there = Counter(library_stats(folder).filed) + Counter(placed_by_hand(catalog, folder))
    filed = dict(there.most_common())
    told = ", ".join(f"{category} {count:,}" for category, count in filed.items())
    lines = ["", f"{counted(sum(filed.values()), 'label')} in {folder}" + (f": {told}" if told else "")]
    poor = [category for category, count in filed.items() if count < _FEW]
    if len(filed) < _TOO_FEW:
        return [*lines, "training needs two categories: run it again and go on"]
    if poor:
        lines.append(f"with fewer than {_FEW} a category is hardly learned: {', '.join(poor)}")
    return [*lines, *_drawn_whole(folder), f"train with: {train_command(folder)}"]


def _drawn_whole(folder: Path) -> list[str]:
    """Whether the labels are a random draw that was answered whole, so that they can guarantee an error rate."""
    from classifier.labels.random_draw import read_draws

    draws = read_draws(folder)
    count, left = sum(len(draw.pictures) for draw in draws), sum(draw.count_pending(draw.named) for draw in draws)
    if left:
        wait = f"{left:,} of {count:,} drawn pictures are not judged yet"
        return [f"{wait}: until all are, these labels give --max-error no guarantee (the easiest are named first)"]
    return [f"all {count:,} drawn pictures are judged: --max-error is guaranteed by them, as far as so many can"]
