from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.catalog.manual_moves import manually_placed, record_moves
from classifier.catalog.places import LibraryFile, add_places
from classifier.records import Annotation, AnnotationKind, ImageId, Method

ID = ImageId("1" * 64)
OLD = LibraryFile(
    image_id=ID, path=b"a/x.png", method=Method.LINK, source=b"/c/x.png", size_bytes=1, mtime_ns=1, inode=1, device=1
)
NEW = replace(OLD, path=b"b/x.png")


def verdict(at: str) -> Annotation:
    return Annotation(image_id=ID, kind=AnnotationKind.RIGHT, category="a", origin="review", at=at)


@pytest.mark.parametrize("at", ["1999-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"])
def test_an_annotation_after_a_manual_move_counts_at_any_clock(tmp_path: Path, at: str) -> None:
    with open_catalog(tmp_path) as catalog:
        annotation_log.add(catalog, verdict(at))
        add_places(catalog, [NEW], renamed=False)
        record_moves(catalog.connection, [(OLD, NEW)])
        assert {ID: b"b"} == manually_placed(catalog)

        annotation_log.add(catalog, verdict(at))
        assert {} == manually_placed(catalog)
