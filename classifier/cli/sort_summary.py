"""What `illsort sort` and its preview print at the end, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from classifier.errors import Counted, Message
from classifier.i18n import _, count_
from classifier.paths import command


def end(summary: dict[str, Any], out: Path, *, as_json: bool) -> None:
    """Print the summary; exit with 1 if any picture could not be read or filed."""
    from classifier.cli.terminal import print_json, print_lines

    print_lines(*in_words(summary, out), *_next(summary, out), err=as_json)
    if as_json:
        print_json(summary)
    exit_by(summary)


def _next(summary: dict[str, Any], out: Path) -> list[str]:
    """The command to go on with: what waits is decided, else what was filed is checked."""
    if summary["review"] or summary["unknown"]:
        return [_("next, decide what waits: {command}", command=command("review", out))]
    if summary["filed"] and not _is_audited(out):
        return [_("next, judge a random sample of what was filed: {command}", command=command("audit", out))]
    return []


def _is_audited(out: Path) -> bool:
    """Whether an audit was drawn since anything was filed or moved, or is of answers elsewhere."""
    from classifier.catalog import audits
    from classifier.catalog.connection import read_catalog

    with read_catalog(out) as catalog:
        audit = audits.last(catalog)
        return audit is not None and (audit.source is not None or audits.marks(catalog)[0] == audit.marks[0])


def exit_by(summary: dict[str, Any]) -> None:
    """Exit with 1 if any picture could not be read or filed."""
    if summary["broken"] or summary["failed"] or summary["unreadable"]:
        raise typer.Exit(1)


def in_words(summary: dict[str, Any], out: Path, *, dry_run: bool = False) -> list[str]:
    """The summary in lines; of a preview with `dry_run`."""
    from classifier.images.walk_result import left_where_they_are

    first = count_(
        "{count:,} picture in {seconds:.1f} s",
        "{count:,} pictures in {seconds:.1f} s",
        count=summary["pictures"],
        seconds=summary["seconds"],
    )
    lines = [*_decided(summary, out, dry_run=dry_run), *_failed(summary, out, dry_run=dry_run)]
    lines += left_where_they_are(summary)
    lines += [summary[outcome] for outcome in ("promise", "no_guarantee") if outcome in summary]
    return [first, *(f"  {_(line)}" for line in lines)]


def _decided(summary: dict[str, Any], out: Path, *, dry_run: bool) -> Iterator[Message]:
    count = len(summary["categories"])
    filed = {
        "filed": summary["filed"],
        "categories": Counted("{count:,} category", "{count:,} categories", count=count),
    }
    unknown = {"count": summary["unknown"], "folder": out / "_unknown"}
    if dry_run:
        yield Message("{filed:,} would be filed in {categories}", **filed)
    else:
        yield Message("{filed:,} filed in {categories}", **filed)
    yield from _waiting(summary["review"], summary["review_in_parents"], out, dry_run=dry_run)
    if summary["unknown"] and dry_run:
        yield Message("{count:,} would be unlike all your labels: {folder}", **unknown)
    elif summary["unknown"]:
        yield Message("{count:,} unlike all your labels: {folder}", **unknown)
    yield from _copies(summary, out, dry_run=dry_run)
    if duplicates := summary["duplicates"]:
        yield Counted("{count:,} duplicate of those", "{count:,} duplicates of those", count=duplicates)


def _copies(summary: dict[str, Any], out: Path, *, dry_run: bool) -> Iterator[Message]:
    folder = out / "_duplicates"
    if (count := summary["copies"]) and dry_run:
        yield Counted(
            "{count:,} copy of what is filed would be in {folder}",
            "{count:,} copies of what is filed would be in {folder}",
            count=count,
            folder=folder,
        )
    elif count:
        yield Counted(
            "{count:,} copy of what is filed: {folder}",
            "{count:,} copies of what is filed: {folder}",
            count=count,
            folder=folder,
        )
    if left := summary["copies_left"]:
        yield Counted(
            "{count:,} copy of what is filed, left in the crawl",
            "{count:,} copies of what is filed, left in the crawl",
            count=left,
        )


def _waiting(count: int, count_in_parents: int, out: Path, *, dry_run: bool) -> Iterator[Message]:
    review = {"count": count, "folder": out / "_review"}
    if count > count_in_parents and dry_run:
        yield Message("{count:,} would be waiting for you in {folder}", **review)
    elif count > count_in_parents:
        yield Message("{count:,} waiting for you in {folder}", **review)
    elif count and dry_run:
        yield Message("{count:,} would be waiting for you", count=count)
    elif count:
        yield Message("{count:,} waiting for you", count=count)
    if count_in_parents:
        yield in_parents(count_in_parents)


def in_parents(count: int) -> Message:
    """Where some of what waits is instead, and why."""
    return Counted(
        "{count:,} of those in the _review of a parent category: the parent is sure, which category in it is not",
        "{count:,} of those in the _review of parent categories: the parent is sure, which category in it is not",
        count=count,
    )


def _failed(summary: dict[str, Any], out: Path, *, dry_run: bool) -> Iterator[Message]:
    """What could not be read or filed, and where the list is."""
    above = Message("said above")
    path = out / "_broken.csv"
    listed = Message("would be listed in {path}", path=path) if dry_run else path
    not_filed, not_moved = summary["failed"] - summary["not_moved"], summary["not_moved"]
    if summary["broken"]:
        yield Message("{count:,} unreadable: {listed}", count=summary["broken"], listed=listed)
    if summary["unreadable"]:
        yield Counted(
            "{count:,} file or folder could not be read: {listed}",
            "{count:,} files and folders could not be read: {listed}",
            count=summary["unreadable"],
            listed=listed,
        )
    if deleted := summary["deleted"]:
        yield Message(
            "{count:,} no longer in the library, and not filed again without --restore-deleted", count=deleted
        )
    if not_filed:
        where = above if dry_run else command("status", out)
        yield Message("{count:,} could not be filed: {where}", count=not_filed, where=where)
    if not_moved:
        yield Message("{count:,} could not be moved, left in place: {where}", count=not_moved, where=above)
