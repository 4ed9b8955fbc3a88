"""What a person said while reviewing becomes labels: the newest word about a picture goes before any older label.

Knows no training; reads a library's catalogue and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from classifier.catalogue import verdicts
from classifier.catalogue.journal import place_of, to_path
from classifier.catalogue.store import read_catalogue
from classifier.records import Example, Label, PictureId, Said, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The verdicts that hold, and the pictures of a category among them that lie in the library, as labels."""

    labels: tuple[Label, ...] = ()
    verdicts: Mapping[PictureId, Verdict] = field(default_factory=dict)

    def heed(self, example: Example) -> Example | None:
        """The example as the person sees it by now; None where they said it is not of its category."""
        verdict = self.verdicts.get(example.picture)
        if verdict is None:
            return example
        if verdict.said is Said.RIGHT and verdict.category is not None:
            return replace(example, label=replace(example.label, category=verdict.category))
        is_denied = verdict.said is Said.NONE or verdict.category == example.label.category
        return None if is_denied else example


def read_feedback(library: Path | None) -> Feedback:
    """What holds of the pictures of `library` (None: nothing). Raises LibraryError when it is no library."""
    if library is None:
        return Feedback()
    with read_catalogue(library) as catalogue:
        held = verdicts.latest(catalogue)
        labels = []
        for picture, verdict in held.items():
            place = place_of(catalogue, picture)
            if place is not None and verdict.said is Said.RIGHT and verdict.category is not None:
                labels.append(Label(path=library / to_path(place.path), category=verdict.category))
    return Feedback(labels=tuple(labels), verdicts=held)
