"""The state of an audit: the answers, the next image, and the bounds on the error rate. Pure.

A skipped image is shown once more at the end. Skipped images count as wrong, so that skipping improves no bound.
Repeating audits until one looks good would fail far more often than in 5% of all cases (57% within 20). So each further
audit of the same sort is judged at a higher confidence, and all of them together keep 95% (`look_confidence`). An audit
is a random draw from the filed images, so its bound holds for these only. It says nothing about another model or
threshold, which would file images that could not be drawn.
An audit until an error rate is shown is judged by bounds that hold whenever one looks; it ends once the rate is shown,
or cannot be shown by what was drawn any more.
Of decisions about answers elsewhere, rows are drawn, and one image may be at several: it is asked about once, and its
answer counts for each of them. So an audit counts rows, which are images in a library.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from classifier.errors import Message
from classifier.model.anytime_bounds import anytime_upper_bound, draws_at_rate
from classifier.model.binomial_bounds import finite_upper_bound, look_confidence, upper_bound
from classifier.progress import percent_up
from classifier.records import AnnotationKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.catalog.audits import Audit, SampledImage
    from classifier.records import Annotation, ImageId

CONFIDENCE = 0.95
_MOST_SKIPS = 2
_AGAIN = 50
"""In an audit until a rate is shown, a skipped image comes again after so many others."""
TELLING = 30
"""Answers from which a bound of an unfinished audit is stated: before, it says nothing but that there are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An upper bound on the error rate of a category, or of the library if `category` is None.

    `wrong` of `asked` were judged wrong and `skipped` were not judged; at most the share `at_most` (0..1) of the
    `filed` images is wrong. All audits of the same sort together have 95% confidence; this is the `number`-th, judged
    at `confidence`. The bound of each category holds by itself, not jointly with the others.
    """

    category: str | None
    filed: int
    asked: int
    wrong: int
    skipped: int
    at_most: float
    number: int = 1
    source: str | None = None
    """The answers elsewhere whose decisions it is of, as rows; None for the images of a library."""
    is_early: bool = False
    """Whether too few are answered to state it."""

    @property
    def confidence(self) -> float:
        """The confidence at which this audit is judged."""
        return look_confidence(self.number, CONFIDENCE)

    @property
    def sentence(self) -> Message:
        """The bound as a sentence."""
        if not self.asked:
            return Message("nothing is known yet")
        if self.is_early:
            return Message(
                "{found} judged so far are wrong; from {count} on it says how many of all can be",
                found=self._found,
                count=TELLING,
            )
        bound = Message(
            "at most {at_most} wrong, {confidence:.0%} confidence; {found}",
            at_most=percent_up(self.at_most),
            confidence=CONFIDENCE,
            found=self._found,
        )
        if self.number == 1:
            return bound
        if self.source is not None:
            return Message(
                "{bound}; audit {number} of these decisions, so judged at {confidence:.4g}%",
                bound=bound,
                number=self.number,
                confidence=self.confidence * 100,
            )
        return Message(
            "{bound}; audit {number} of this sort, so judged at {confidence:.4g}%",
            bound=bound,
            number=self.number,
            confidence=self.confidence * 100,
        )

    @property
    def _found(self) -> Message:
        found = Message("{wrong} of {asked}", wrong=self.wrong, asked=self.asked)
        if self.skipped:
            found = Message("{found}, and {skipped} skipped, counted as wrong", found=found, skipped=self.skipped)
        return Message("{found}, all there are", found=found) if self.asked == self.filed else found


class AuditState:
    """An audit with its annotations, oldest first; immutable."""

    def __init__(self, audit: Audit, annotations: Iterable[Annotation]) -> None:
        self.audit = audit
        self.answers: Sequence[Annotation] = _standing(annotations)

    @cached_property
    def kinds(self) -> dict[ImageId, AnnotationKind]:
        """The annotation of each image, skipped ones too."""
        return {annotation.image_id: annotation.kind for annotation in self.answers}

    @cached_property
    def current(self) -> SampledImage | None:
        """The next image to judge; None if all are answered, or an audit until a rate is shown has come to its end."""
        if self.is_shown or self.is_hopeless:
            return None
        answered = {annotation.image_id for annotation in self.answers if annotation.kind is not AnnotationKind.SKIPPED}
        left = [d for d in self.audit.drawn if d.image_id not in answered and self._skips[d.image_id] < _MOST_SKIPS]
        again = len(self.audit.drawn) if self.audit.until is None else _AGAIN
        return min(left, key=lambda drawn: drawn.position + again * self._skips[drawn.image_id], default=None)

    @cached_property
    def judged(self) -> list[SampledImage]:
        """What was answered or skipped, in the order of the draw.

        An image that was drawn again counts again once all before it are judged: what is judged stays a random draw.
        """
        found: list[SampledImage] = []
        seen: set[ImageId] = set()
        kinds, is_reached = self.kinds, True
        for drawn in self.audit.drawn:
            if drawn.image_id not in kinds:
                is_reached = False
            elif is_reached or drawn.image_id not in seen:
                found.append(drawn)
                seen.add(drawn.image_id)
        return found

    @cached_property
    def _asked_as(self) -> dict[ImageId, str]:
        """The category that each judged image was asked about: that of its first row."""
        return {one.image_id: one.category for one in reversed(self.judged)}

    @cached_property
    def _skips(self) -> Counter[ImageId]:
        return Counter(annotation.image_id for annotation in self.answers if annotation.kind is AnnotationKind.SKIPPED)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing more to judge."""
        return self.current is None

    @cached_property
    def is_shown(self) -> bool:
        """Whether the error rate is shown until which this audit goes on."""
        until = self.audit.until
        return until is not None and self._at_most(len(self._bad), self.asked, self.audit.population) <= until

    @cached_property
    def is_hopeless(self) -> bool:
        """Whether that rate would not be shown if all that is left to judge of what was drawn were right."""
        bad = sum(not self._may_be_right(drawn) for drawn in self._bad)
        count, until = len(self.audit.drawn), self.audit.until
        return until is not None and self._at_most(bad, count, self.audit.population) > until

    @cached_property
    def left_at_this_rate(self) -> int | None:
        """About how many more show that rate if as great a share of them is wrong; None if what was drawn does not."""
        until, asked = self.audit.until, self.asked
        if until is None or not asked or self.is_finished:
            return None
        population, most = self.audit.population, len(self.audit.drawn)
        enough = draws_at_rate(len(self._bad) / asked, population, until, self.confidence, least=asked + 1, most=most)
        return None if enough is None else enough - asked

    @property
    def asked(self) -> int:
        """How many of what was drawn were answered or skipped."""
        return len(self.judged)

    def is_bad(self, drawn: SampledImage) -> bool:
        """Whether a sampled image counts as wrong."""
        return self._kind_of(drawn) in {AnnotationKind.WRONG, AnnotationKind.SKIPPED}

    def _kind_of(self, drawn: SampledImage) -> AnnotationKind | None:
        """The annotation of a row; WRONG where it has the image under another category than was asked about."""
        kind = self.kinds.get(drawn.image_id)
        return kind if kind is None or drawn.category == self._asked_as[drawn.image_id] else AnnotationKind.WRONG

    def _may_be_right(self, drawn: SampledImage) -> bool:
        """Whether it was skipped, and comes again."""
        return self._kind_of(drawn) is AnnotationKind.SKIPPED and self._skips[drawn.image_id] < _MOST_SKIPS

    def bound(self, category: str | None = None) -> Bound:
        """The bound from the answers so far, for one category or the library.

        The images, also those of one category, are a simple random draw, so the bound is hypergeometric and exact. They
        come in random order, so the first few are a valid sample too; but stopping because they look good is not valid,
        unless the audit is one until a rate is shown: those bounds hold for any stop, for each category too.
        Earlier versions drew a share of each category: the number of wrong ones then varies less than in a simple draw,
        so the binomial bound holds (Hoeffding 1956).
        """
        of_it = [drawn for drawn in self.judged if category in {None, drawn.category}]
        counts = Counter(map(self._kind_of, of_it))
        bad, asked = counts[AnnotationKind.WRONG] + counts[AnnotationKind.SKIPPED], len(of_it)
        filed = self.audit.population if category is None else self.audit.filed[category]
        return Bound(
            category=category,
            filed=filed,
            asked=asked,
            wrong=counts[AnnotationKind.WRONG],
            skipped=counts[AnnotationKind.SKIPPED],
            at_most=self._at_most(bad, asked, filed, is_exact=self.audit.simple or category is not None),
            number=self.audit.number,
            source=self.audit.source,
            is_early=self.asked < TELLING and not self.is_finished,
        )

    @property
    def confidence(self) -> float:
        """The confidence at which this audit is judged."""
        return look_confidence(self.audit.number, CONFIDENCE)

    def _at_most(self, bad: int, asked: int, filed: int, *, is_exact: bool = True) -> float:
        if self.audit.until is not None:
            return anytime_upper_bound(bad, asked, filed, self.confidence)
        if is_exact or asked == filed:
            return finite_upper_bound(bad, asked, filed, self.confidence)
        return upper_bound(bad, asked, self.confidence)

    @cached_property
    def _bad(self) -> list[SampledImage]:
        return list(filter(self.is_bad, self.judged))

    def bounds(self) -> list[Bound]:
        """One bound for each category, the largest category first."""
        order = sorted(self.audit.filed, key=lambda category: (-self.audit.filed[category], category))
        return [self.bound(category) for category in order]


def _standing(annotations: Iterable[Annotation]) -> tuple[Annotation, ...]:
    standing: list[Annotation] = []
    for annotation in annotations:
        if annotation.kind is not AnnotationKind.TAKEN_BACK:
            standing.append(annotation)
        elif standing:
            standing.pop()
    return tuple(standing)
