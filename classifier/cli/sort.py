"""`illsort sort`: file the pictures of a crawl into a library."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.options import (
    MODES,
    ConfigOption,
    Excluded,
    SetOption,
    Verbose,
    crawl_in,
    library_in,
    load_settings,
    path_argument,
    path_option,
)
from classifier.cli.sort_summary import end
from classifier.errors import Message, SettingsError
from classifier.local_time import local_date

if TYPE_CHECKING:
    from classifier.settings import Settings

Crawl = Annotated[
    Path | None,
    path_argument("Folder of unsorted pictures; only --mode move changes it (default: that of illsort.toml)."),
]
Library = Annotated[
    Path | None,
    path_option("--out", "-o", help_="The library: the folder to sort into (default: that of illsort.toml)."),
]
Model = Annotated[
    Path | None, path_option("--model", "-m", help_="The model's folder; later sorts take the library's last one.")
]

ModeOption = Annotated[
    str | None,
    typer.Option("--mode", metavar=MODES, help="How a picture gets into the library (default: link)."),
]
Threshold = Annotated[
    float | None, typer.Option(help="Least probability to file without asking (default: the model's).")
]
MaxError = Annotated[
    float | None, typer.Option(help="In place of a threshold: share of wrong ones among the filed, to be kept.")
]
Best = Annotated[bool, typer.Option("--best", help="If that share cannot be guaranteed, keep the least that can be.")]

AnswersOption = Annotated[
    str | None,
    typer.Option("--answers", metavar="ANSWERS", help="Take what illsort predict answered; read only what has none."),
]

Restart = Annotated[
    bool, typer.Option("--restart", help="After a stopped sort: take what is given now, not what it had.")
]

RestoreDeleted = Annotated[
    bool, typer.Option("--restore-deleted", help="File again what you deleted from the library.")
]

Embeddings = Annotated[
    bool | None,
    typer.Option(help="Keep what the network sees, so that a new head reads no picture again (default: yes)."),
]

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Preview: count what would be filed where; read, but file nothing.")
]

JsonLines = Annotated[
    bool, typer.Option("--json-lines", help="With --dry-run: each planned move as one JSON object a line.")
]

Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda (every card equal to the first), cuda:1 (that one alone), mps.")
]


def sort(
    crawl: Crawl = None,
    *,
    out: Library = None,
    model: Model = None,
    mode: ModeOption = None,
    threshold: Threshold = None,
    max_error: MaxError = None,
    best: Best = False,
    answers: AnswersOption = None,
    dry_run: DryRun = False,
    restart: Restart = False,
    exclude: Excluded = [],  # noqa: B006 - typer reads it, nobody writes
    restore_deleted: RestoreDeleted = False,
    embeddings: Embeddings = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    json_lines: JsonLines = False,
    device: Device = None,
    workers: Annotated[int | None, typer.Option("--workers", "-j", help="Processes that decode; 0: none.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "-b", help="Pictures a forward pass.")] = None,
    amp_dtype: Annotated[str | None, typer.Option(help="auto, float32, float16 or bfloat16, on a GPU.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, torch or onnx, on a CPU.")] = None,
    verbose: Verbose = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
) -> None:
    """Sort a crawl into category folders; what is unsure goes to _review, what is none of them to _unknown."""
    from classifier import settings
    from classifier.cli.terminal import TerminalProgress

    options = {"sort.crawl": crawl, "sort.library": out, "model.folder": model}
    options |= _as_decided(mode, threshold, max_error, embeddings)
    options |= _on_this_machine(device, workers, batch_size, amp_dtype, engine)
    chosen = settings.excluding(load_settings(config, set_, options), exclude)
    strictness = as_asked(chosen, set_, options, best=best)
    progress = TerminalProgress(verbose=verbose)
    says_paths, crawl, out = crawl is None or out is None, crawl_in(chosen), library_in(chosen)
    given: dict[str, Any] = {"library": out, "bundle": chosen.model.folder, "settings": chosen, **strictness}
    given |= {"restart": restart, "restore_deleted": restore_deleted, "answers": answers}
    given |= {"progress": progress, "says_paths": says_paths}
    interrupt.resumable_in(out)
    if dry_run:
        from classifier.cli.sort_preview import show_preview

        show_preview(crawl, given, as_json=as_json, json_lines=json_lines, verbose=verbose)
        return
    if json_lines:
        raise SettingsError("--json-lines prints planned moves: give it with --dry-run")
    summary = _sorted(crawl, given, as_json=as_json)
    end(_with_audit(summary, out), out, as_json=as_json)


def _sorted(crawl: Path, given: dict[str, Any], *, as_json: bool) -> dict[str, Any]:
    from classifier.cli.terminal import ask

    with given["progress"].stage(Message("starting"), total=None, unit=""):
        from classifier.sort.pipeline import sort as run_sort
    return run_sort(crawl, **given, on_changed=None if as_json or not sys.stdin.isatty() else ask)


def _as_decided(
    mode: str | None, threshold: float | None, max_error: float | None, embeddings: bool | None
) -> dict[str, Any]:
    return {
        "sort.mode": mode,
        "sort.threshold": threshold,
        "sort.max_error": max_error,
        "sort.embeddings": embeddings,
    }


def _on_this_machine(
    device: str | None, workers: int | None, batch_size: int | None, amp_dtype: str | None, engine: str | None
) -> dict[str, Any]:
    given = {
        "device": device,
        "workers": workers,
        "batch_size": batch_size,
        "amp_dtype": amp_dtype,
        "engine": engine,
    }
    return {f"runtime.{name}": value for name, value in given.items()}


def as_asked(chosen: Settings, overrides: Sequence[str], options: Mapping[str, Any], *, best: bool) -> dict[str, Any]:
    """The requested threshold or error rate, as `strictness_of` has it, and whether the least one will do."""
    strictness = strictness_of(chosen, overrides, options)
    if best and "max_error" not in strictness:
        raise SettingsError("--best is for an error rate that cannot be guaranteed: give --max-error with it")
    return strictness | ({"best": True} if best else {})


def _with_audit(summary: dict[str, Any], out: Path) -> dict[str, Any]:
    """Replace `no_guarantee` by the last audit's bound, where that keeps the rate and nothing was filed since."""
    if "no_guarantee" not in summary:
        return summary
    from classifier.audit.session import audit_guarantee
    from classifier.catalog.connection import read_catalog

    with read_catalog(out) as catalog:
        state = audit_guarantee(catalog, out)
    if state is None:
        return summary
    audit = Message(
        "guaranteed by the audit of {date}: of what is filed {bound}",
        date=local_date(state.audit.at),
        bound=state.bound().sentence,
    )
    return {key: value for key, value in summary.items() if key != "no_guarantee"} | {"promise": audit}


def strictness_of(chosen: Settings, overrides: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """The requested threshold or error rate: the command line overrides the file, a rate a threshold."""
    overridden = {override.partition("=")[0].strip() for override in overrides}
    overridden |= {name for name, value in options.items() if value is not None}
    if overridden >= {"sort.threshold", "sort.max_error"}:
        raise SettingsError("--threshold and --max-error: give one of them; each says how sure a picture is to be")
    given = chosen.sort
    if given.max_error is not None and "sort.threshold" not in overridden:
        return {"max_error": given.max_error}
    return {"threshold": given.threshold if "threshold" in given.model_fields_set else None}
