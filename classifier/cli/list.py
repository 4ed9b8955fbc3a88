"""`illsort list`: the pictures of a folder or a bucket as parts, which any number of machines can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli.options import MOST, ConfigOption, Excluded, SetOption, load_settings
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from classifier.parts.list_pictures import Result
    from classifier.settings import Settings


def list_(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A folder, or a URL as s3://bucket/folder; it is only read.")
    ],
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="PARTS", help="A folder or URL of its own, for the parts of the listing.")
    ],
    part_size: Annotated[int, typer.Option("--part-size", min=1, max=MOST, help="Pictures in a part.")] = 10_000,
    exclude: Excluded = [],  # noqa: B006 - typer reads it, nobody writes
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """List the pictures of a folder or a bucket, loose or in tar archives, in parts for many machines."""
    from classifier import settings
    from classifier.cli.terminal import TerminalProgress, print_json, print_lines
    from classifier.parts.packages import require_packages

    require_packages()
    from classifier.parts.list_pictures import list_pictures
    from classifier.parts.storage import open_storage

    chosen, progress = settings.excluding(load_settings(config, set_), exclude), TerminalProgress()
    parts = open_storage(to)
    listed = list_pictures(open_storage(source), parts, progress, part_size=part_size, left_out=_left_out(chosen))
    print_lines(*map(_, (*listed.found.sentences(), *listed.found.complaints, *listed.damaged)), err=True)
    if as_json:
        print_json(_as_dict(listed))
    else:
        print_lines(_summary(listed, parts.url))
    if listed.damaged or listed.found.unreadable:
        raise typer.Exit(1)


def _left_out(chosen: Settings) -> Any:
    from classifier.parts.list_pictures import LeftOut
    from classifier.sort.scan import scope_from_settings

    scope, library = scope_from_settings(chosen), chosen.sort.library
    return LeftOut(exclude=scope.exclude, folders=scope.leave_out, skip=() if library is None else [library])


def _summary(listed: Result, to: str) -> str:
    from classifier.errors import Counted

    listing = listed.listing
    text = count_(
        "{count:,} picture listed in {parts}: {to}",
        "{count:,} pictures listed in {parts}: {to}",
        count=listing.pictures,
        parts=Counted("{count:,} part", "{count:,} parts", count=listing.parts),
        to=to,
    )
    if not listed.damaged:
        return text
    return _(
        "{text}; {damaged}",
        text=text,
        damaged=Counted(
            "{count:,} archive is damaged, and only what could be read of it is listed",
            "{count:,} archives are damaged, and only what could be read of them is listed",
            count=len(listed.damaged),
        ),
    )


def _as_dict(listed: Result) -> dict[str, Any]:
    listing = listed.listing
    counts = {"source": listing.source, "parts": listing.parts, "pictures": listing.pictures}
    return counts | {"damaged": [str(one) for one in listed.damaged], "passed_over": listed.found.numbers()}
