"""Audits of what decisions about answers elsewhere file: begun, named, and by which command another is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.catalog import audits
from classifier.catalog.audits import Audit, SampledImage
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import utc_now
from classifier.errors import Message
from classifier.paths import command
from classifier.sort.given_options import GIVEN

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import Decision
    from classifier.sort.draw_answers import AnswerDraw


def audit_of(draw: AnswerDraw, *, source: str, asked: str, marks: tuple[int, int]) -> Audit:
    """The audit of rows that decisions about the answers at the URL `source` file; `asked` names these decisions.

    It is begun once what could be fetched is filed in a library with these `marks`: what was drawn and is not in its
    category's folder counts as wrong.
    """
    drawn = enumerate(row.decision for row in draw.rows)
    return Audit(
        at=utc_now(),
        seed=draw.seed,
        simple=True,
        filed=draw.categories,
        steps=draw.steps,
        marks=marks,
        drawn=tuple(_sampled(position, decision) for position, decision in drawn),
        source=source,
        asked=asked,
    )


def _sampled(position: int, decision: Decision) -> SampledImage:
    return SampledImage(
        position=position,
        image_id=decision.image_id,
        category=decision.category,
        confidence=decision.confidence,
        reason=decision.reason,
    )


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
