"""Audits of what decisions about answers elsewhere file: stored, named, and by which command another is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import audits
from classifier.catalog.audits import Audit, FiledDraw
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import utc_now
from classifier.errors import LibraryError, Message
from classifier.paths import command

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog


def save_draw(catalog: Catalog, draw: FiledDraw) -> Audit:
    """Store a draw as an audit, once what could be fetched of it is filed in this library.

    What was drawn and is not in its category's folder counts as wrong. Raises LibraryError when nothing was drawn.
    """
    if not draw.drawn:
        raise LibraryError(
            "{source}: nothing is filed by these answers, so there is nothing to audit", source=draw.source
        )
    audit = Audit(
        at=utc_now(),
        seed=draw.seed,
        simple=True,
        filed=draw.filed,
        steps=draw.steps,
        marks=audits.marks(catalog),
        drawn=draw.drawn,
        source=draw.source,
        asked=draw.asked,
    )
    return audits.save(catalog, audit)


def of_what(audit: Audit) -> Message:
    """What an audit's bound is of."""
    if audit.source is None:
        return Message("of {filed:,} filed pictures", filed=audit.population)
    return Message(
        "of {filed:,} pictures filed by the answers at {source}", filed=audit.population, source=audit.source
    )


def draw_command(catalog: Catalog, library: Path, source: str, *, count: int | None = None) -> str:
    """The command that draws another sample of what the same decisions about `source` file."""
    _, bundle, settings = audits.last_sort(catalog) or ("", None, {})
    model: list[object] = [] if bundle is None else ["--model", bundle]
    words = [*model, *_options(Strictness.from_settings(settings).requested)]
    if count is not None:
        words += ["--count", count]
    return command("audit", library, "--answers", source, *words)


def _options(requested: Strictness) -> list[str]:
    """How sure a picture is to be, as it was requested of the sort that filed what was drawn."""
    if requested.asked is None:
        return requested.option.split()
    return ["--max-error", f"{requested.asked:g}", "--best"]
