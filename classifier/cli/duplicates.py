"""`illsort duplicates`: list the copies of pictures in any folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli.options import ConfigOption, SetOption, as_path, crawl_in, library_in, load_settings, path_argument
from classifier.errors import Counted
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.duplicates.folder import Copy, Duplicates


KeepAllOption = Annotated[
    list[Path],
    typer.Option(
        "--keep-all",
        parser=as_path,
        metavar="PICTURE",
        help="List nothing: from now on this picture of the library and all its copies are filed each by itself.",
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html", parser=as_path, metavar="FILE", help="Also write a page that shows each group side by side."
    ),
]


def duplicates(
    folder: Annotated[
        Path | None, path_argument("Any folder of pictures, a library too (default: the crawl of illsort.toml).")
    ] = None,
    *,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    html: HtmlOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    keep_all: KeepAllOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """List copies of pictures: resized, compressed anew, cut or recolored a little, marked. Changes nothing.

    The best of each group, the largest and least compressed, is printed first.
    """
    from classifier.cli.terminal import TerminalProgress, failure_line, print_json, print_lines
    from classifier.duplicates.folder import find_duplicates
    from classifier.duplicates.keep_copies import keep_copies
    from classifier.report.duplicates_page import check_page_target, write_duplicates_page

    settings, progress = load_settings(config, set_), TerminalProgress()
    if keep_all:
        print_lines(_kept(keep_copies(folder or library_in(settings), keep_all, progress)))
        return
    folder = crawl_in(settings) if folder is None else folder
    if html is not None:
        check_page_target(html)
    found = find_duplicates(folder, library=settings.sort.library, settings=settings, progress=progress)
    if html is not None:
        limit = settings.images.max_megapixels
        write_duplicates_page(found, html, folder=folder, max_megapixels=limit, progress=progress)
    if as_json:
        print_json(_as_dict(found))
    else:
        print_lines(*(line for group in found.groups for line in _lines(group)))
    if found.failures:
        count = len(found.failures)
        heading = count_("{count:,} picture could not be read:", "{count:,} pictures could not be read:", count=count)
        print_lines(heading, *(failure_line(path, failure) for path, failure in found.failures), err=True)
    print_lines(_summary(found), err=True)
    if html is not None:
        print_lines(_("page: {path}", path=html), err=True)
    if found.failures:
        raise typer.Exit(1)


def _kept(count: int) -> str:
    return count_(
        "{count:,} picture is filed by itself from the next sort on",
        "{count:,} pictures are filed each by itself from the next sort on",
        count=count,
    )


def _lines(group: tuple[Copy, ...]) -> Iterator[str]:
    for number, one in enumerate(group):
        facts = _(
            "{width} x {height}, {size:,} kB", width=one.width, height=one.height, size=-(-one.size_bytes // 1000)
        )
        same = _(", the same file") if one.is_same else ""
        yield f"{'  ' if number else ''}{one.path}  {facts}{same}"


def _summary(found: Duplicates) -> str:
    copies = [one for group in found.groups for one in group[1:]]
    if not copies:
        return count_("{count:,} picture, no copies", "{count:,} pictures, no copies", count=found.pictures)
    return count_(
        "{count:,} of {pictures:,} pictures is a copy of a better one; in {groups}, the copies take {size:,.1f} MB",
        "{count:,} of {pictures:,} pictures are copies of a better one; in {groups}, the copies take {size:,.1f} MB",
        count=len(copies),
        pictures=found.pictures,
        groups=Counted("{count:,} group", "{count:,} groups", count=len(found.groups)),
        size=sum(one.size_bytes for one in copies) / 1e6,
    )


def _as_dict(found: Duplicates) -> dict[str, Any]:
    groups = [
        [
            {
                "path": one.path,
                "width": one.width,
                "height": one.height,
                "size_bytes": one.size_bytes,
                "same_as_best": one.is_same,
            }
            for one in group
        ]
        for group in found.groups
    ]
    failures = [{"path": path, "kind": failure.kind.value} for path, failure in found.failures]
    return {"pictures": found.pictures, "read": found.read, "groups": groups, "failed": failures}
