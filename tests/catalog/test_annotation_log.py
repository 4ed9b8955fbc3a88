"""Verdicts are only ever added; the last one holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.records import Annotation, AnnotationKind, ImageId

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog


def say(
    catalog: Catalog, picture: str, said: AnnotationKind, *, category: str | None = "a", audit: int = 1
) -> Annotation:
    verdict = Annotation(image_id=ImageId(picture), kind=said, category=category, origin="audit", at="now", audit=audit)
    return annotation_log.add(catalog, verdict)


def test_the_last_annotation_counts_and_earlier_ones_are_kept(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        first, last = say(catalog, "p", AnnotationKind.WRONG), say(catalog, "p", AnnotationKind.RIGHT, audit=2)
        other = say(catalog, "q", AnnotationKind.WRONG)

        assert {"p": last, "q": other} == annotation_log.latest(catalog)
        assert {"p": last} == annotation_log.latest(catalog, [ImageId("p"), ImageId("unknown")])
        assert [first, other] == annotation_log.of_audit(catalog, 1)
        assert 2 == annotation_log.count(catalog)


def test_a_retracted_annotation_does_not_count_and_a_skip_changes_nothing(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        say(catalog, "p", AnnotationKind.WRONG)
        say(catalog, "p", AnnotationKind.TAKEN_BACK)
        kept = say(catalog, "q", AnnotationKind.RIGHT)
        say(catalog, "q", AnnotationKind.SKIPPED)

        assert {"q": kept} == annotation_log.latest(catalog)
        assert 1 == annotation_log.count(catalog)
        assert [1, 2, 3, 4] == [verdict.id for verdict in annotation_log.of_audit(catalog, 1)]


def test_the_annotations_of_many_images_are_read_at_once(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog, catalog.transaction():
        said = [say(catalog, f"{number}", AnnotationKind.RIGHT) for number in range(1203)]

        assert {verdict.image_id: verdict for verdict in said} == annotation_log.latest(
            catalog, [v.image_id for v in said]
        )


def test_a_retraction_restores_the_previous_annotation(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        first = say(catalog, "p", AnnotationKind.WRONG)
        say(catalog, "p", AnnotationKind.RIGHT)
        say(catalog, "p", AnnotationKind.TAKEN_BACK)

        assert {"p": first} == annotation_log.latest(catalog)


def test_a_retraction_affects_annotations_of_its_own_origin_only(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        kept = say(catalog, "p", AnnotationKind.WRONG)
        review = replace(kept, kind=AnnotationKind.TAKEN_BACK, origin="review")
        annotation_log.add_all(catalog, [review])

        assert {"p": kept} == annotation_log.latest(catalog)
        assert ["review"] == [verdict.origin for verdict in annotation_log.of_origin(catalog, "review")]
