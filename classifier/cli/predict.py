"""`illsort predict`: answers to the pictures of a listing, a file a part, on this machine or on many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.options import MOST, ConfigOption, SetOption, Verbose, load_settings, model_in, path_option
from classifier.errors import Message
from classifier.i18n import _, count_

if TYPE_CHECKING:
    from classifier.parts.predict import Predicted

_MOST_SHOWN = 20


def predict(
    parts: Annotated[str, typer.Argument(help="What illsort list wrote: a folder or a URL.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Where the answers go, a file a part: a folder or a URL.")],
    model: Annotated[
        Path | None, path_option("--model", "-m", help_="The model's folder, as training wrote it.")
    ] = None,
    on: Annotated[
        str, typer.Option("--on", metavar="RUNNER", help="here, processes:N, ray (of its own), or ray:ADDRESS.")
    ] = "here",
    part: Annotated[
        int | None, typer.Option("--part", min=0, max=MOST, help="Only this part, as a scheduler's job arrays do.")
    ] = None,
    embeddings: Annotated[
        bool,
        typer.Option("--embeddings", help="Also keep what the network sees, so that another head reads none again."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    verbose: Verbose = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Have a model answer for each picture of a listing; parts that are answered are skipped, so it can be repeated."""
    from classifier.cli.terminal import TerminalProgress

    chosen = load_settings(config, set_, {"model.folder": model})
    given: dict[str, Any] = {"model": model_in(chosen), "answers": to, "settings": chosen}
    given |= {"embeddings": embeddings, "only": part, "progress": TerminalProgress(verbose=verbose)}
    _end(_predicted(parts, on, given), as_json=as_json)


def _predicted(parts: str, on: str, given: dict[str, Any]) -> Predicted:
    with given["progress"].stage(Message("starting"), total=None, unit=""):
        from classifier.parts.packages import require_packages

        require_packages()
        from classifier.model.weights import check_versions

        check_versions()
        from classifier.parts.predict import predict_parts, where_from
    where = where_from(on)
    kept = Message("the parts that were answered stay, and the same command goes on")
    interrupt.resumable_if(lambda: True, kept=kept)
    interrupt.stop_at_sigterm()
    return predict_parts(parts, where=where, **given)


def _end(done: Predicted, *, as_json: bool) -> None:
    """Print what became of the parts; exit with 1 where a part or a picture failed."""
    from classifier.cli.terminal import print_json, print_lines

    outcome = done.outcome
    pictures, unreadable = (sum(getattr(one, name) for one in outcome.done) for name in ("pictures", "failures"))
    if as_json:
        print_json(_as_json(done, pictures, unreadable))
    else:
        print_lines(*_lines(done, pictures, unreadable))
    failed = [_("  part {number}: {why}", number=one.number, why=one.why) for one in outcome.failed]
    if failed:
        print_lines(
            count_("{count:,} part has no answers:", "{count:,} parts have no answers:", count=len(failed)),
            *failed[:_MOST_SHOWN],
            *(["  ..."] if len(failed) > _MOST_SHOWN else []),
            _("the same command tries them again"),
            err=True,
        )
    if failed or unreadable:
        raise typer.Exit(1)


def _lines(done: Predicted, pictures: int, unreadable: int) -> list[str]:
    parts = count_(
        "{count:,} part answered, {pictures:,} pictures",
        "{count:,} parts answered, {pictures:,} pictures",
        count=len(done.outcome.done),
        pictures=pictures,
    )
    lines = [_("{parts}: {where}", parts=parts, where=done.answers)]
    if done.before:
        lines.append(count_("{count:,} was answered before", "{count:,} were answered before", count=done.before))
    if unreadable:
        lines.append(
            count_(
                "{count:,} picture could not be read; its row says why",
                "{count:,} pictures could not be read; their rows say why",
                count=unreadable,
            )
        )
    return lines


def _as_json(done: Predicted, pictures: int, unreadable: int) -> dict[str, Any]:
    return {
        "answers": done.answers,
        "answered": len(done.outcome.done),
        "answered_before": done.before,
        "pictures": pictures,
        "unreadable": unreadable,
        "failed": [{"part": one.number, "why": str(one.why)} for one in done.outcome.failed],
    }
