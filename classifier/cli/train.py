"""`illsort train`: learn from labelled pictures, write the bundle, show how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="TOML file with settings.")]
SetOption = Annotated[
    list[str], typer.Option("--set", "-s", help="One setting, over the file: section.key=value; can be repeated.")
]
_MOST_MISTAKES = 5


def train(
    *,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Also read weights that are no safetensors.")
    ] = False,
) -> None:
    """Learn your categories from labelled pictures."""
    from classifier import settings
    from classifier.cli.terminal import TerminalProgress

    chosen = settings.load(config, [*set_, *(["model.allow_pickle=true"] if allow_pickle else [])])
    from classifier.model.versions import check_versions

    check_versions()
    from classifier.learn.recipe import learn

    learned = learn(chosen, progress=TerminalProgress())
    show(learned.evaluation)
    typer.echo(f"\nmodel: {learned.bundle.folder}")
    if learned.unreadable:
        typer.echo(f"{len(learned.unreadable)} labelled pictures could not be read:", err=True)
        for label, failure in learned.unreadable:
            typer.echo(f"  {label.path}: {failure.kind}: {failure.detail}", err=True)
        raise typer.Exit(1)


def show(evaluation: dict[str, Any]) -> None:
    """The table a person looks at: each category, what is mistaken for what, the surest mistakes."""
    from classifier.cli.terminal import table

    rows = [
        (row["category"], _share(row["precision"]), _share(row["recall"]), str(row["count"]))
        for row in evaluation["per_category"]
    ]
    typer.echo("\nOn the held-out labels:\n")
    typer.echo(table(("category", "precision", "recall", "count"), rows))
    typer.echo(f"\naccuracy {_share(evaluation['accuracy'])} of {evaluation['count']} held-out pictures")
    confusions = evaluation["confusions"][:_MOST_MISTAKES]
    if confusions:
        typer.echo(
            "taken for another: " + ", ".join(f"{c['category']} for {c['taken_for']} x{c['count']}" for c in confusions)
        )
    for mistake in evaluation["mistakes"][:_MOST_MISTAKES]:
        typer.echo(f"  sure but wrong: {mistake['path']}: {mistake['confidence']:.2f} {mistake['predicted']}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
