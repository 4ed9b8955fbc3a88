"""A library as a sort would have filed it, without a network: contents, categories and confidences as a test says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.audit.draw import target_of
from classifier.audit.estimate import AuditState
from classifier.audit.thresholds import threshold_steps
from classifier.catalog import audits, decisions, runs
from classifier.catalog.audits import Audit, SampledImage, filed
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.values import utc_now
from classifier.filing.executor import execute
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Annotation, AnnotationKind, Decision, ImageId, Method
from kit.filing import move_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Pictures filed under one category, at these confidences."""

    category: str
    confidences: Sequence[float]


def filed_library(
    folder: Path,
    *kinds: Kind,
    sort: dict[str, object] | None = None,
    content: Callable[[str, int], bytes] = lambda category, number: f"{category} {number}".encode(),
) -> Path:
    """A library in `folder / "sorted"` out of a crawl beside it, filed by a run with these settings of `sort`.

    `content` makes real pictures by category and number.
    """
    library, crawl = folder / "sorted", folder / "crawl"
    crawl.mkdir(parents=True)
    with hold_lock(library), open_catalog(library) as catalog:
        run = runs.begin(
            catalog,
            kind="sort",
            crawl=crawl,
            mode="link",
            model="m",
            bundle=folder / "m",
            settings={"sort": sort or {}},
        )
        made, moves = [], []
        for kind in kinds:
            for number, confidence in enumerate(kind.confidences):
                path = crawl / f"{kind.category} {number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content(kind.category, number))
                moves.append(move_of(path, method=Method.LINK, folder=kind.category))
                top = [[kind.category, int(confidence * 100) / 100]]
                reason = Reason.of(ReasonCode.ABOVE_THRESHOLD, threshold=0.5, top=top)
                made.append(
                    Decision(
                        image_id=moves[-1].image_id,
                        action=Action.FILE,
                        category=kind.category,
                        confidence=confidence,
                        reason=reason,
                    )
                )
        decisions.save(catalog, made, run=run)
        execute(catalog, library=library, run=run, moves=moves)
        runs.finish(catalog, run, {})
    return library


def recorded_target(library: Path) -> float | None:
    """The error rate requested of the last sort; None without one."""
    with read_catalog(library) as catalog:
        return target_of(catalog)


def audit_of(
    filed: dict[str, int],
    drawn: Sequence[tuple[str, float]],
    *,
    simple: bool = False,
    steps: Sequence[tuple[float, int]] = (),
    until: float | None = None,
    images: Sequence[int] | None = None,
) -> Audit:
    """An audit whose sample has these categories and confidences; its pictures are named "0", "1", ...

    `images` numbers the pictures where one may be drawn at several rows.
    """
    return Audit(
        at="2026-11-24T10:00:00+00:00",
        seed=0,
        simple=simple,
        filed=filed,
        steps=tuple(steps),
        marks=(0, 0),
        drawn=tuple(
            SampledImage(
                position=position,
                image_id=ImageId(str(position if images is None else images[position])),
                category=category,
                confidence=confidence,
                reason="as it was",
            )
            for position, (category, confidence) in enumerate(drawn)
        ),
        id=1,
        until=until,
    )


def answered(audit: Audit, said: Sequence[tuple[int, AnnotationKind]]) -> AuditState:
    """Where `audit` stands after these answers: positions with what was said, in this order."""
    return AuditState(
        audit,
        [
            Annotation(
                image_id=audit.drawn[position].image_id,
                kind=word,
                category=audit.drawn[position].category,
                origin="audit",
                at=audit.at,
                audit=audit.id,
                id=number,
            )
            for number, (position, word) in enumerate(said, start=1)
        ],
    )


def save_rows(
    library: Path, images: Iterable[int | None], *, source: str = "s3://bucket/answers", asked: str = "m.1"
) -> Audit:
    """An audit of 900 rows filed by answers elsewhere: of these images of the library, by id; None was not fetched."""
    with open_catalog(library) as catalog:
        there = list(filed(catalog))
        drawn = tuple(
            SampledImage(
                position=position,
                image_id=ImageId(f"{position:064x}") if number is None else there[number].image_id,
                category=there[number or 0].category,
                confidence=there[number or 0].confidence,
                reason=there[number or 0].reason,
            )
            for position, number in enumerate(images)
        )
        counts = {kind: 900 // len({one.category for one in there}) for kind in sorted({one.category for one in there})}
        steps = threshold_steps([one.confidence for one in there])
        of = len(there)
        audit = Audit(
            at=utc_now(),
            seed=3,
            simple=True,
            filed=counts,
            steps=tuple((threshold, 900 * kept // of) for threshold, kept in steps),
            marks=audits.marks(catalog),
            drawn=drawn,
            source=source,
            asked=asked,
        )
        return audits.save(catalog, audit)
