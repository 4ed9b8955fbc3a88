"""Verdicts are only ever added; the last one holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalogue
from classifier.records import PictureId, Said, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalogue


def say(catalogue: Catalogue, picture: str, said: Said, *, category: str | None = "a", audit: int = 1) -> Verdict:
    verdict = Verdict(picture=PictureId(picture), said=said, category=category, origin="audit", at="now", audit=audit)
    return annotation_log.add(catalogue, verdict)


def test_the_last_verdict_of_a_picture_holds_and_the_earlier_ones_stay(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        first, last = say(catalogue, "p", Said.WRONG), say(catalogue, "p", Said.RIGHT, audit=2)
        other = say(catalogue, "q", Said.WRONG)

        assert {"p": last, "q": other} == annotation_log.latest(catalogue)
        assert {"p": last} == annotation_log.latest(catalogue, [PictureId("p"), PictureId("unknown")])
        assert [first, other] == annotation_log.of_audit(catalogue, 1)
        assert 2 == annotation_log.count(catalogue)


def test_what_is_taken_back_holds_no_longer_and_a_skip_changes_nothing(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        say(catalogue, "p", Said.WRONG)
        say(catalogue, "p", Said.TAKEN_BACK)
        kept = say(catalogue, "q", Said.RIGHT)
        say(catalogue, "q", Said.SKIPPED)

        assert {"q": kept} == annotation_log.latest(catalogue)
        assert 1 == annotation_log.count(catalogue)
        assert [1, 2, 3, 4] == [verdict.id for verdict in annotation_log.of_audit(catalogue, 1)]


def test_many_pictures_are_asked_about_at_once(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue, catalogue.transaction():
        said = [say(catalogue, f"{number}", Said.RIGHT) for number in range(1203)]

        assert {verdict.picture: verdict for verdict in said} == annotation_log.latest(
            catalogue, [v.picture for v in said]
        )


def test_what_is_taken_back_brings_back_what_was_said_before_it(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        first = say(catalogue, "p", Said.WRONG)
        say(catalogue, "p", Said.RIGHT)
        say(catalogue, "p", Said.TAKEN_BACK)

        assert {"p": first} == annotation_log.latest(catalogue)


def test_one_place_takes_back_its_own_words_alone(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        kept = say(catalogue, "p", Said.WRONG)
        review = replace(kept, said=Said.TAKEN_BACK, origin="review")
        annotation_log.add_all(catalogue, [review])

        assert {"p": kept} == annotation_log.latest(catalogue)
        assert ["review"] == [verdict.origin for verdict in annotation_log.of_origin(catalogue, "review")]
