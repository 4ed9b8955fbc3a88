"""`illsort sort`: file the pictures of a crawl into a library."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.options import (
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
from classifier.errors import Counted, Message
from classifier.i18n import _, count_
from classifier.paths import command
from classifier.records import Mode

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

Threshold = Annotated[
    float | None, typer.Option(help="Least probability to file without asking (default: the model's).")
]
MaxError = Annotated[
    float | None, typer.Option(help="In place of a threshold: share of wrong ones among the filed, to be kept.")
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

Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda (every card equal to the first), cuda:1 (that one alone), mps.")
]


def sort(
    crawl: Crawl = None,
    *,
    out: Library = None,
    model: Model = None,
    mode: Annotated[Mode | None, typer.Option(help="How a picture gets into the library (default: link).")] = None,
    threshold: Threshold = None,
    max_error: MaxError = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; change nothing.")] = False,
    restart: Restart = False,
    exclude: Excluded = [],  # noqa: B006 - typer reads it, nobody writes
    restore_deleted: RestoreDeleted = False,
    embeddings: Embeddings = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
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
    from classifier.cli.terminal import TerminalProgress, ask, print_lines

    options = {"sort.crawl": crawl, "sort.library": out, "model.folder": model}
    options |= _as_decided(mode, threshold, max_error, embeddings)
    options |= _on_this_machine(device, workers, batch_size, amp_dtype, engine)
    chosen = settings.excluding(load_settings(config, set_, options), exclude)
    strictness, progress = _strictness(chosen, set_, options), TerminalProgress(verbose=verbose)
    crawl, out = _places(chosen, are_given=crawl is not None and out is not None)
    with progress.stage(Message("starting"), total=None, unit=""):
        from classifier.sort.pipeline import sort as run_sort
    interrupt.resumable_in(None if dry_run else out)
    summary = run_sort(
        crawl,
        library=out,
        bundle=chosen.model.folder,
        settings=chosen,
        **strictness,
        progress=progress,
        restart=restart,
        restore_deleted=restore_deleted,
        on_changed=None if as_json or dry_run or not sys.stdin.isatty() else ask,
        plan=(lambda line: print_lines(_(line), err=as_json)) if dry_run else None,
    )
    _end(summary if dry_run else _with_audit(summary, out), out, dry_run=dry_run, as_json=as_json)


def _places(chosen: Settings, *, are_given: bool) -> tuple[Path, Path]:
    """The crawl and the library, printed where the command line names but one of them or none."""
    from classifier.cli.terminal import print_lines

    crawl, library = crawl_in(chosen), library_in(chosen)
    if not are_given:
        print_lines(_("sorting {crawl} into {library}", crawl=crawl, library=library), err=True)
    return crawl, library


def _as_decided(
    mode: Mode | None, threshold: float | None, max_error: float | None, embeddings: bool | None
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
        date=state.audit.at[:10],
        bound=state.bound().sentence,
    )
    return {key: value for key, value in summary.items() if key != "no_guarantee"} | {"promise": audit}


def _strictness(chosen: Settings, overrides: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """The requested threshold or error rate: the command line overrides the file, a rate a threshold."""
    from classifier.errors import SettingsError

    overridden = {override.partition("=")[0].strip() for override in overrides}
    overridden |= {name for name, value in options.items() if value is not None}
    if overridden >= {"sort.threshold", "sort.max_error"}:
        raise SettingsError("--threshold and --max-error: give one of them; each says how sure a picture is to be")
    given = chosen.sort
    if given.max_error is not None and "sort.threshold" not in overridden:
        return {"max_error": given.max_error}
    return {"threshold": given.threshold if "threshold" in given.model_fields_set else None}


def _end(summary: dict[str, Any], out: Path, *, dry_run: bool, as_json: bool) -> None:
    """Print the summary; exit with 1 if any picture could not be read or filed."""
    from classifier.cli.terminal import print_json, print_lines

    print_lines(*_in_words(summary, out, dry_run=dry_run), err=as_json)
    if as_json:
        print_json(summary)
    if summary["broken"] or summary["failed"] or summary["unreadable"]:
        raise typer.Exit(1)


def _in_words(summary: dict[str, Any], out: Path, *, dry_run: bool) -> list[str]:
    first = count_(
        "{count:,} picture in {seconds:.1f} s",
        "{count:,} pictures in {seconds:.1f} s",
        count=summary["pictures"],
        seconds=summary["seconds"],
    )
    lines = [*_decided(summary, out, dry_run=dry_run), *_failed(summary, out, dry_run=dry_run)]
    lines += [summary[outcome] for outcome in ("promise", "no_guarantee") if outcome in summary]
    return [first, *(f"  {_(line)}" for line in lines)]


def _decided(summary: dict[str, Any], out: Path, *, dry_run: bool) -> Iterator[Message]:
    count = len(summary["categories"])
    filed = {
        "filed": summary["filed"],
        "categories": Counted("{count:,} category", "{count:,} categories", count=count),
    }
    review = {"count": summary["review"], "folder": out / "_review"}
    unknown = {"count": summary["unknown"], "folder": out / "_unknown"}
    if dry_run:
        yield Message("{filed:,} would be filed in {categories}", **filed)
    else:
        yield Message("{filed:,} filed in {categories}", **filed)
    if summary["review"] and dry_run:
        yield Message("{count:,} would be waiting for you in {folder}", **review)
    elif summary["review"]:
        yield Message("{count:,} waiting for you in {folder}", **review)
    if summary["unknown"] and dry_run:
        yield Message("{count:,} would be unlike all your labels: {folder}", **unknown)
    elif summary["unknown"]:
        yield Message("{count:,} unlike all your labels: {folder}", **unknown)
    if duplicates := summary["duplicates"]:
        yield Counted("{count:,} duplicate of those", "{count:,} duplicates of those", count=duplicates)


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
