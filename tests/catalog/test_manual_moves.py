from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalogue
from classifier.catalog.manual_moves import by_hand, record_move
from classifier.catalog.moves import Place, add_places
from classifier.records import Method, PictureId, Said, Verdict

ID = PictureId("1" * 64)
OLD = Place(
    picture=ID, path=b"a/x.png", method=Method.LINK, source=b"/c/x.png", size_bytes=1, mtime_ns=1, inode=1, device=1
)
NEW = replace(OLD, path=b"b/x.png")


def verdict(at: str) -> Verdict:
    return Verdict(picture=ID, said=Said.RIGHT, category="a", origin="review", at=at)


@pytest.mark.parametrize("at", ["1999-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"])
def test_what_is_said_after_a_hand_move_holds_whatever_the_clock_shows(tmp_path: Path, at: str) -> None:
    with open_catalogue(tmp_path) as catalogue:
        annotation_log.add(catalogue, verdict(at))
        add_places(catalogue, [NEW], renamed=False)
        record_move(catalogue.connection, OLD, NEW)
        assert {ID: b"b"} == by_hand(catalogue)

        annotation_log.add(catalogue, verdict(at))
        assert {} == by_hand(catalogue)
