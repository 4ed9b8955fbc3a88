"""Audits of what decisions about answers elsewhere file: stored, named, and by which command another is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.catalog import audits
from classifier.catalog.audits import Audit, FiledDraw
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import utc_now
from classifier.errors import LibraryError, Message
from classifier.paths import command
from classifier.sort.given_options import GIVEN

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
    """The command that draws another sample of what the same decisions about `source` file.

    What was asked of them is what was asked of the sort that filed the pictures.
    """
    _, bundle, settings = audits.last_sort(catalog) or ("", None, {})
    model: list[object] = [] if bundle is None else ["--model", bundle]
    words = ["--new", *model, *_about_deciding(settings)]
    if count is not None:
        words += ["--count", count]
    return command("audit", library, "--answers", source, *words)


def _about_deciding(settings: dict[str, Any]) -> list[str]:
    given, asked = settings.get(GIVEN, {}), Strictness.from_settings(settings).asked
    words = [str(word) for word in given.get("strictness", [])]
    if asked is not None:  # the least rate was taken in its place
        words = ["--max-error", f"{asked:g}", "--best"]
    elif words[:1] == ["--threshold"]:
        words = ["--set", f"sort.threshold={words[1]}"]
    unknown = [str(word) for word in given.get("options", []) if str(word).startswith("sort.unknown")]
    return words + [part for word in unknown for part in ("--set", word)]
