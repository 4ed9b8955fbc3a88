"""`illsort train`: learn from labeled pictures, write the bundle, show how good it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.options import ConfigOption, SetOption, Verbose, load_settings, path_option
from classifier.errors import Message
from classifier.i18n import _, count_
from classifier.paths import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.cli.terminal import TerminalProgress
    from classifier.records import Failure, Label
    from classifier.settings import Settings
    from classifier.training.pipeline import TrainingResult

Library = Annotated[
    Path | None, path_option("--library", help_="A sorted library: learn from what you said and did there.")
]

_MOST_MISTAKES = 5
_MOST_DOUBTS = 10
_ASKED = 0.05


def train(
    *,
    labels: Annotated[
        Path | None, path_option("--labels", "-l", help_="Folder of category folders, or a CSV file of labels.")
    ] = None,
    model: Annotated[
        Path | None, path_option("--model", "-m", help_="The folder that the model is written to.")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="auto, finetune or head (default: auto).")] = None,
    unlabeled: Annotated[
        Path | None, path_option("--unlabeled", help_="A crawl to learn from as well, without labels.")
    ] = None,
    library: Library = None,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Also read weights that are no safetensors.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Learn your categories from labeled pictures."""
    from classifier.cli.terminal import TerminalProgress, print_lines

    source = "labels.csv" if labels is not None and labels.is_file() else "labels.folder"
    options: dict[str, Any] = {source: labels, "labels.library": library, "model.folder": model}
    options |= {"train.recipe": recipe, "train.unlabelled": unlabeled, "model.allow_pickle": allow_pickle or None}
    chosen = _with_library(load_settings(config, set_, options))
    progress = TerminalProgress(verbose=verbose)
    learned = _learned(chosen, progress)
    if learned is None:
        return
    show(learned.evaluation)
    show_doubts(learned.evaluation.get("doubts"))
    show_forecast(learned.evaluation.get("curve"))
    print_lines("", _("model: {folder}", folder=learned.bundle.folder))
    _report(learned.bundle.folder, progress)
    print_lines(_("next, a preview of what it would file: {command}", command=_next_command(chosen)))
    if learned.unreadable:
        _print_unreadable(learned.unreadable)
        raise typer.Exit(1)


def _learned(chosen: Settings, progress: TerminalProgress) -> TrainingResult | None:
    """None in a process that a launcher started beside the main one: it has helped, and has nothing to show."""
    from classifier.cli.terminal import ask

    with progress.stage(Message("starting"), total=None, unit=""):
        from classifier.model.weights import check_versions

        check_versions()
        from classifier.training.helping import help_main
        from classifier.training.join import joined
        from classifier.training.pipeline import has_state, train_model

    with joined(chosen.runtime, progress) as processes:
        if not processes.is_main:
            help_main(processes, chosen.runtime)
            return None
        interrupt.resumable_if(
            lambda: has_state(chosen), kept=Message("the same command goes on after the epochs that were finished")
        )
        asked = ask if sys.stdin.isatty() else None
        return train_model(chosen, progress=progress, ask=asked, processes=processes)


def _print_unreadable(unreadable: Sequence[tuple[Label, Failure]]) -> None:
    from classifier.cli.terminal import failure_line, print_lines

    sentence = count_(
        "{count:,} labeled picture could not be read:",
        "{count:,} labeled pictures could not be read:",
        count=len(unreadable),
    )
    print_lines(sentence, *(failure_line(label.path, failure) for label, failure in unreadable), err=True)


def _with_library(chosen: Settings) -> Settings:
    """The same, with the library that is sorted into, once it is one, as that whose answers are learned from."""
    from classifier.catalog.connection import is_library

    library = chosen.sort.library
    if chosen.labels.library is not None or library is None or not is_library(library):
        return chosen
    return chosen.model_copy(update={"labels": chosen.labels.model_copy(update={"library": library})})


def _next_command(chosen: Settings) -> str:
    """The preview of a sort with the new model; where the settings name no crawl or library, words in their place."""
    crawl, library = chosen.sort.crawl or "CRAWL", chosen.sort.library or "LIBRARY"
    return command("sort", crawl, "--out", library, "--model", chosen.model.folder, "--dry-run")


def show(evaluation: dict[str, Any]) -> None:
    """Print the metrics of each category, the confusions and the most confident mistakes."""
    from classifier.cli.few_labels import too_few
    from classifier.cli.terminal import print_lines, table

    rows = [
        (row["category"], _share(row["precision"]), _share(row["recall"]), str(row["count"]))
        for row in evaluation["per_category"]
    ]
    print_lines("", _("On the held-out labeled pictures:"), "")
    print_lines(*table((_("category"), _("precision"), _("recall"), _("count")), rows))
    if evaluation["accuracy"] is not None:
        measured = {key: evaluation[key] for key in ("accuracy", "count")}
        print_lines("", _("{accuracy:.1%} of {count:,} held-out labeled pictures are predicted right", **measured))
    print_lines(*(_(message) for message in too_few(evaluation)))
    confusions = evaluation["confusions"][:_MOST_MISTAKES]
    if confusions:
        pairs = [_("{category} for {taken_for} x{count}", **confusion) for confusion in confusions]
        print_lines(_("taken for another: {pairs}", pairs=_(", ").join(pairs)))
    if mistakes := evaluation["mistakes"][:_MOST_MISTAKES]:
        print_lines(_("the surest mistakes, if their labels are right:"))
    for mistake in mistakes:
        print_lines("  " + _("{path}: labeled {category}, taken for {predicted} ({confidence:.0%})", **mistake))


def show_doubts(doubts: dict[str, Any] | None) -> None:
    """Print the label issues, the likeliest first."""
    from classifier.cli.terminal import print_lines
    from classifier.model.evaluation_fields import read_label_issues

    found = read_label_issues(doubts)
    if found is None or not found.labels:
        return
    count = len(found.labels)
    first = Message("the most doubtful") if count > _MOST_DOUBTS else Message("look at them")
    doubtful = count_(
        "{count} of {labels} labels is doubtful, about {wrong} of them wrong; {first}:",
        "{count} of {labels} labels are doubtful, about {wrong} of them wrong; {first}:",
        count=count,
        labels=found.count,
        wrong=found.wrong,
        first=first,
    )
    print_lines("", doubtful)
    for doubt in found.labels[:_MOST_DOUBTS]:
        print_lines("  " + _("{path}: labeled {category}, but {confidence:.0%} likely {likely}", **doubt))


def show_forecast(curve: dict[str, Any] | None) -> None:
    """Print what more labels are expected to bring, and where: two lines."""
    from classifier.cli.terminal import print_lines

    if not curve:
        return
    nearest = min(range(len(curve["max_errors"])), key=lambda index: abs(curve["max_errors"][index] - _ASKED))
    ahead = [
        _(
            "{times}x the labels {accuracy} predicted right, in hindsight {coverage} filed at {max_error:.0%} wrong",
            times=forecast["times"],
            accuracy=_range(forecast["accuracy"]),
            coverage=_range(forecast["coverage"][nearest]),
            max_error=curve["max_errors"][nearest],
        )
        for forecast in curve["forecasts"]
    ]
    print_lines("", _("Expected of {forecasts}", forecasts=_("; ").join(ahead)))
    paying = [need["category"] for need in curve["needs"][:3] if need["gain"] > 0]
    if paying:
        print_lines(_("The next labels pay most in {categories}", categories=_(", ").join(paying)))


def _report(folder: Path, progress: TerminalProgress) -> None:
    """Write the report after the bundle; an error is printed and does not fail the training."""
    from classifier.cli.terminal import print_lines
    from classifier.errors import IllsortError
    from classifier.report.model_report import write_bundle_report

    try:
        with progress.stage(Message("writing the report"), total=None, unit=""):
            written = write_bundle_report(folder)
        print_lines(_("report: {path}", path=written))
    except IllsortError as error:
        print_lines(_("no report: {why}", why=error.message), err=True)


def _range(expected: dict[str, float]) -> Message:
    return Message("{mean:.0%} ({low:.0%} to {high:.0%})", **expected)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
