"""`illsort train`: learn from labeled pictures, write the bundle, show how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.options import ConfigOption, SetOption

if TYPE_CHECKING:
    from classifier.cli.terminal import TerminalProgress

_MOST_MISTAKES = 5
_MOST_DOUBTS = 10
_ASKED = 0.05


def train(
    *,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Also read weights that are no safetensors.")
    ] = False,
) -> None:
    """Learn your categories from labeled pictures."""
    from classifier import settings
    from classifier.cli.terminal import TerminalProgress, print_lines
    from classifier.progress import counted

    chosen = settings.load(config, [*set_, *(["model.allow_pickle=true"] if allow_pickle else [])])
    progress = TerminalProgress()
    with progress.stage("starting", total=None, unit=""):
        from classifier.model.weights import check_versions

        check_versions()
        from classifier.training.pipeline import has_begun, train_model

    interrupt.resumable_if(
        lambda: has_begun(chosen), kept="the same command goes on after the epochs that were finished"
    )
    learned = train_model(chosen, progress=progress)
    show(learned.evaluation)
    show_doubts(learned.evaluation.get("doubts"))
    show_forecast(learned.evaluation.get("curve"))
    print_lines("", f"model: {learned.bundle.folder}")
    _report(learned.bundle.folder, progress)
    if learned.unreadable:
        from classifier.i18n import _
        from classifier.reason_text import reason_message

        print_lines(f"{counted(len(learned.unreadable), 'labeled picture')} could not be read:", err=True)
        for label, failure in learned.unreadable:
            print_lines(f"  {label.path}: {failure.kind}: {_(reason_message(failure.detail))}", err=True)
        raise typer.Exit(1)


def show(evaluation: dict[str, Any]) -> None:
    """Print the metrics of each category, the confusions and the most confident mistakes."""
    from classifier.cli.terminal import print_lines, table

    rows = [
        (row["category"], _share(row["precision"]), _share(row["recall"]), str(row["count"]))
        for row in evaluation["per_category"]
    ]
    print_lines("", "On the held-out labels:", "")
    print_lines(*table(("category", "precision", "recall", "count"), rows))
    print_lines("", f"accuracy {_share(evaluation['accuracy'])} of {evaluation['count']} held-out pictures")
    confusions = evaluation["confusions"][:_MOST_MISTAKES]
    if confusions:
        print_lines(
            "taken for another: " + ", ".join(f"{c['category']} for {c['taken_for']} x{c['count']}" for c in confusions)
        )
    for mistake in evaluation["mistakes"][:_MOST_MISTAKES]:
        print_lines(f"  sure but wrong: {mistake['path']}: {mistake['confidence']:.2f} {mistake['predicted']}")


def show_doubts(doubts: dict[str, Any] | None) -> None:
    """Print the label issues, the likeliest first."""
    from classifier.cli.terminal import print_lines
    from classifier.model.evaluation_fields import read_label_issues

    found = read_label_issues(doubts)
    if found is None or not found.labels:
        return
    all_ = len(found.labels)
    first = "the most doubtful" if all_ > _MOST_DOUBTS else "look at them"
    are = "is" if all_ == 1 else "are"
    print_lines("", f"{all_} of {found.count} labels {are} doubtful, about {found.wrong} of them wrong; {first}:")
    for doubt in found.labels[:_MOST_DOUBTS]:
        rather = f"{doubt['confidence']:.0%} {doubt['likely']}"
        print_lines(f"  {doubt['path']}: labeled {doubt['category']}, by the model {rather}")


def show_forecast(curve: dict[str, Any] | None) -> None:
    """Print what more labels are expected to bring, and where: two lines."""
    from classifier.cli.terminal import print_lines

    if not curve:
        return
    asked = min(range(len(curve["max_errors"])), key=lambda index: abs(curve["max_errors"][index] - _ASKED))
    ahead = [
        f"{forecast['times']}x the labels {_range(forecast['accuracy'])} right, "
        f"in hindsight {_range(forecast['coverage'][asked])} filed at {curve['max_errors'][asked]:.0%} wrong"
        for forecast in curve["forecasts"]
    ]
    print_lines("", "Expected of " + "; ".join(ahead))
    paying = [need["category"] for need in curve["needs"][:3] if need["gain"] > 0]
    if paying:
        print_lines("The next labels pay most in " + ", ".join(paying))


def _report(folder: Path, progress: TerminalProgress) -> None:
    """Write the report after the bundle; an error is printed and does not fail the training."""
    from classifier.cli.terminal import print_lines
    from classifier.errors import IllsortError
    from classifier.report.model_report import write_bundle_report

    try:
        with progress.stage("writing the report", total=None, unit=""):
            written = write_bundle_report(folder)
        print_lines(f"report: {written}")
    except IllsortError as error:
        print_lines(f"no report: {error}", err=True)


def _range(expected: dict[str, float]) -> str:
    return f"{expected['mean']:.0%} ({expected['low']:.0%} to {expected['high']:.0%})"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
