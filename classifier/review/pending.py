"""What follows from a person's words and is not done yet: pictures that lie elsewhere than where they belong now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalogue import verdicts
from classifier.catalogue.journal import place_of, to_path
from classifier.filing.place import folder_for
from classifier.records import Action, Decision, PictureId
from classifier.sort.heed import heed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from classifier.catalogue.store import Catalogue
    from classifier.records import Verdict
    from classifier.review.guesses import Guesses


def pending(catalogue: Catalogue, pictures: Sequence[PictureId], guesses: Guesses) -> Iterator[Decision]:
    """What is decided of each of `pictures` that lies elsewhere; those that are not in the library are left out."""
    held = verdicts.latest(catalogue, pictures)
    for picture in pictures:
        known, place = _decided(catalogue, picture), place_of(catalogue, picture)
        if known is None or place is None:
            continue
        decision = _heeded(catalogue, known[1], held.get(picture), guesses)
        if to_path(place.path).parent != folder_for(decision):
            yield decision


def retracted(
    catalogue: Catalogue, held: Mapping[PictureId, Verdict], guesses: Guesses
) -> Iterator[tuple[int, Decision]]:
    """For each picture that was filed by the word that is taken back now: it waits for review again; with its run."""
    for picture, verdict in held.items():
        known = _decided(catalogue, picture)
        if known is None or _heeded(catalogue, known[1], verdict, guesses).reason != known[1].reason:
            continue
        run, was = known
        said = guesses.of(_logits(catalogue, picture, guesses.model))
        category = next(iter(said), was.category)
        confidence = said.get(category, was.confidence)
        yield (
            run,
            Decision(
                picture=picture,
                action=Action.REVIEW,
                category=category,
                confidence=confidence,
                reason=f"{int(confidence * 100) / 100:.2f} {category}: a person took back what was said of it",
            ),
        )


def _heeded(catalogue: Catalogue, decision: Decision, verdict: Verdict | None, guesses: Guesses) -> Decision:
    said: dict[str, float] = {}
    if verdict is not None and verdict.category not in {None, decision.category}:
        said = guesses.of(_logits(catalogue, decision.picture, guesses.model))
    return heed(decision, verdict, confidence=None if verdict is None else said.get(verdict.category or ""))


def _decided(catalogue: Catalogue, picture: PictureId) -> tuple[int, Decision] | None:
    row = catalogue.connection.execute(
        "SELECT run, action, category, confidence, reason FROM decisions WHERE picture = ?", (picture,)
    ).fetchone()
    if row is None:
        return None
    run, action, category, confidence, reason = row
    made = Decision(picture=picture, action=Action(action), category=category, confidence=confidence, reason=reason)
    return int(run), made


def _logits(catalogue: Catalogue, picture: PictureId, model: str) -> bytes | None:
    row = catalogue.connection.execute(
        "SELECT logits FROM predictions WHERE picture = ? AND model = ?", (picture, model)
    ).fetchone()
    return None if row is None else bytes(row[0])
