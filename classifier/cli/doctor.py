"""`illsort doctor`: looks at this machine, and with a crawl says how long all of it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.cli.options import ConfigOption, SetOption, load_settings, path_option
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from classifier.doctor.estimate import Estimate
    from classifier.doctor.finding import Finding

_INDENT = " " * 4


def doctor(
    *,
    crawl: Annotated[
        Path | None,
        path_option(
            "--crawl", help_="A crawl to count and to measure on; it is only read (default: that of illsort.toml)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        path_option(
            "--out", "-o", help_="Where its library is to be (default: that of illsort.toml, or the current folder)."
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask whether the model hub answers.")] = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Check this machine: GPU, memory, decoders, disks, the model hub; time and room for a crawl."""
    from classifier.cli.terminal import TerminalProgress, print_json, print_lines
    from classifier.doctor.estimate import Estimate
    from classifier.doctor.examine import examine, requested

    chosen = load_settings(config, set_, {"sort.crawl": crawl, "sort.library": out})
    request = requested(chosen, crawl=chosen.sort.crawl, out=chosen.sort.library, offline=offline)
    findings: list[Finding] = []
    estimates: list[Estimate] = []
    for found in examine(request, TerminalProgress()):
        if isinstance(found, Estimate):
            estimates.append(found)
        else:
            findings.append(found)
            print_lines(*_lines(found), err=as_json)
    print_lines(*_table(estimates), "", _verdict(findings), err=as_json)
    problems = [one for one in findings if one.is_problem]
    if as_json:
        print_json(
            {
                "problems": len(problems),
                "findings": [one.as_dict() for one in findings],
                "estimates": [one.as_dict() for one in estimates],
            }
        )
    if problems:
        raise typer.Exit(1)


def _lines(found: Finding) -> list[str]:
    from classifier.doctor.finding import Level

    marks = {Level.OK: _("ok"), Level.HINT: _("hint"), Level.PROBLEM: _("PROBLEM")}
    lines = [_("{level}: {finding}", level=marks[found.level], finding=found.message)]
    return lines if found.remedy is None else [*lines, f"{_INDENT}-> {_(found.remedy)}"]


def _table(estimates: list[Estimate]) -> list[str]:
    if not estimates:
        return []
    from classifier.cli.terminal import table
    from classifier.doctor.estimate import LABELS, about

    head = (
        _("backbone"),
        _("pictures/s"),
        _("sort all"),
        _("train a head"),
        _("fine-tune"),
        _("disk"),
    )
    rows = [
        (
            one.backbone,
            f"{one.pictures_per_second:,.0f}",
            _(about(one.sort)),
            _(about(one.head)),
            _("too large") if one.finetune is None else _(about(one.finetune)),
            _("{size:,.1f} GB", size=one.disk / 1e9),
        )
        for one in estimates
    ]
    return [
        "",
        _("About how long it takes here, by what was measured; training on {labels} labels:", labels=LABELS),
        *table(head, rows),
        _("Disk is what a sort keeps beside the pictures: catalog, embeddings, and small pictures for the page."),
    ]


def _verdict(findings: list[Finding]) -> str:
    problems = sum(one.is_problem for one in findings)
    if not problems:
        return _("Nothing stands in the way.")
    return count_("{count} problem stands in the way.", "{count} problems stand in the way.", count=problems)
