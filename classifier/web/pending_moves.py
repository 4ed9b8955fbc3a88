"""What follows from annotations and is not filed yet: where images belong now, and the run that moves them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.category_folders import REVIEW, KnownCategories, read_known
from classifier.catalog.page_answers import annotated_images
from classifier.catalog.queue import items_of_categories, items_of_images
from classifier.catalog.ranking import attach_newest
from classifier.catalog.values import to_bytes
from classifier.category_names import SEPARATOR
from classifier.decision.decide import apply_annotation
from classifier.decision.suggestions import read_suggestions
from classifier.filing.destination import is_in_its_folder
from classifier.filing.reconcile import open_library
from classifier.filing.refile import RefileResult, refile_images
from classifier.progress import Progress, SilentProgress
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, AnnotationKind, Decision, Mode
from classifier.sort.copies import rule_of_last_sort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import QueueItem
    from classifier.decision.suggestions import Suggestions
    from classifier.records import Annotation, ImageId


def takes_originals(catalog: Catalog) -> bool:
    """Whether the last sort moved pictures out of their crawl; a sample never does."""
    _, _, settings = audits.last_sort(catalog) or ("", None, {})
    return bool(settings.get("sort", {}).get("mode") == Mode.MOVE)


def pending_decisions(
    catalog: Catalog, rows: Iterable[QueueItem], held: Mapping[ImageId, Annotation], guesses: Suggestions
) -> Iterator[Decision]:
    """The new decision of each image that is not where its annotation puts it, nor where a person put it by hand."""
    known: KnownCategories | None = None
    for row in rows:
        decision = _heeded(row, held.get(row.image_id), guesses)
        if is_in_its_folder(row.path, decision):
            continue
        if decision.reason.code is ReasonCode.MOVED_BY_PERSON:
            known = known or read_known(catalog.connection)
            if known.decision_for(to_bytes(row.path.parent)) == (decision.action, decision.category):
                continue
        yield decision


def retracted_decisions(
    catalog: Catalog, held: Mapping[ImageId, Annotation], guesses: Suggestions
) -> Iterator[tuple[QueueItem, Decision]]:
    """Each image that was decided by the annotation now retracted, with the decision that it waits again.

    One that was filed before, and was moved by the annotation, is filed as it was.
    """
    filed = decisions.filed_before(catalog, list(held))
    out = annotation_log.ruled_out(annotation_log.of_images(catalog, list(held)))
    for row in items_of_images(catalog, list(held), model=guesses.model):
        annotation = held[row.image_id]
        probabilities = {
            name: one for name, one in guesses.of(row.logits).items() if name not in out.get(row.image_id, ())
        }
        category = next(iter(probabilities), _guessed_once(row, guesses))
        # What it ruled out may be the best guess again.
        is_guess = annotation.kind is AnnotationKind.WRONG and category == annotation.category != guesses.names.resolve(
            row.category
        )
        is_guess &= row.action is Action.REVIEW
        if not is_guess and row.reason.params.get("annotation") != annotation.id:
            continue
        if (before := filed.get(row.image_id)) is not None and before.reason.params.get("annotation") != annotation.id:
            yield row, before
            continue
        confidence = probabilities.get(category, row.confidence)
        top = [[category, int(confidence * 100) / 100]] if category else []
        again = Decision(
            image_id=row.image_id,
            action=Action.REVIEW,
            category=category,
            confidence=confidence,
            reason=Reason.of(ReasonCode.RETRACTED, top=top),
        )
        yield row, again


def misplaced_decisions(catalog: Catalog, guesses: Suggestions) -> Iterator[Decision]:
    """Decisions for images in the folder of a renamed category."""
    rows = items_of_categories(catalog, list(guesses.names.now), model=guesses.model)
    return (
        decision for decision in pending_decisions(catalog, rows, {}, guesses) if decision.action is not Action.UNKNOWN
    )


def _guessed_once(row: QueueItem, guesses: Suggestions) -> str:
    """The earlier best guess, from the folder where it waits; empty if no model ever predicted."""
    parts = row.path.parent.parts
    if len(parts) > 1 and parts[0] == REVIEW:
        return SEPARATOR.join(parts[1:])
    return row.category if guesses.model else ""


def _heeded(row: QueueItem, annotation: Annotation | None, guesses: Suggestions) -> Decision:
    category = guesses.names.resolve(row.category)
    decision = Decision(
        image_id=row.image_id, action=row.action, category=category, confidence=row.confidence, reason=row.reason
    )
    probabilities = guesses.of(row.logits) if annotation is not None and annotation.category != category else {}
    answered = apply_annotation(
        decision, annotation, confidence=None if annotation is None else probabilities.get(annotation.category or "")
    )
    is_copy = row.action is Action.DUPLICATE and (answered.action, answered.category) == (Action.FILE, category)
    return decision if is_copy else answered  # of what is filed there


KIND = "review"


def file_decided(library: Path, *, progress: Progress | None = None) -> RefileResult | None:
    """Move every image to where its annotation puts it, and its copies with it, as one undoable run.

    Returns None when nothing is pending.

    Raises LibraryError while another process files there; nothing is lost, because a sort applies annotations too.
    Raises FilingStopped when the disk refuses; the rest is filed the next time.
    """
    progress = progress or SilentProgress()
    with open_library(library, progress) as catalog:
        attach_newest(catalog)
        annotated = dict.fromkeys(annotated_images(catalog))
        guesses = read_suggestions(catalog)
        rows = items_of_images(catalog, list(annotated), model=guesses.model)
        decided = [one for one in misplaced_decisions(catalog, guesses) if one.image_id not in annotated]
        decided += pending_decisions(catalog, rows, annotation_log.latest(catalog, list(annotated)), guesses)
        if not decided:
            return None
        decided = list(rule_of_last_sort(catalog).with_groups(decided).values())
        with catalog.transaction():
            run = _begin(catalog, library)
            decisions.save(catalog, decided, run=run)
        made = refile_images(catalog, library, decided, run=run, progress=progress)
        runs.finish(catalog, run, {"pictures": made.moved, "failed": len(made.left)})
        return made


def _begin(catalog: Catalog, library: Path) -> int:
    model, bundle, _ = audits.last_sort(catalog) or ("", library, {})
    return runs.begin(catalog, kind=KIND, crawl=library.resolve(), mode="", model=model, bundle=bundle, settings={})
