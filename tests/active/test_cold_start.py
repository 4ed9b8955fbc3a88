"""What a person's words about a few pictures make of the others: grids of what is taken for each category."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.active.cold_start import ColdStartLearner
from classifier.active.pipeline import take_sample
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.ranking import attach_newest
from classifier.errors import LibraryError
from classifier.records import AnnotationKind
from classifier.settings import ModelSettings, RuntimeSettings, Settings
from classifier.web.clusters import cluster_images, list_grids, predicted_images
from classifier.web.history import Answer
from classifier.web.session import ReviewSession
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import waiting_library

SETTINGS = Settings(model=ModelSettings(image_size=64), runtime=RuntimeSettings(workers=0))
EACH = 14


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of labels in which pictures near two colors wait."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "crawl").mkdir()
    for name in ("red", "green"):
        for number in range(EACH):
            content = encoded(varied(COLORS[name], seed=number, size=(160, 120)), "PNG")
            (folder / "crawl" / f"{name} {number}.png").write_bytes(content)
    settings = SETTINGS.model_copy(update={"labels": SETTINGS.labels.model_copy(update={"near_duplicate_bits": 0})})
    assert 2 * EACH == take_sample(folder / "crawl", library=folder / "labels", settings=settings).drawn
    return folder / "labels"


def test_before_anything_is_said_there_are_clusters_alone(drawn: Path) -> None:
    with open_catalog(drawn) as catalog:
        session = ReviewSession(catalog)
        found = session.read(lambda held, guesses: list_grids(held, guesses.names))
        assert session.state()["labelling"]
        assert {None} == {one.category for one in found}
        shown = [
            row
            for one in found
            for row in session.read(lambda held, _, of=one.cluster or 0: cluster_images(held, of, limit=99))
        ]
        assert sum(one.count for one in found) == len({row.picture for row in shown}) > EACH
    assert 0 == ColdStartLearner(drawn).learn()


def test_once_two_categories_have_five_the_others_are_taken_for_one_of_them(drawn: Path) -> None:
    with open_catalog(drawn) as catalog:
        session = ReviewSession(catalog)
        rows = [row for look in range(9) for row in cluster_images(catalog, look, limit=99)]
        for name in ("red", "green"):
            session.make_category(name)
            own = [row.picture for row in rows if row.path.name.startswith(name)][:5]
            session.record([Answer(picture=one, said=AnnotationKind.RIGHT, category=name) for one in own])
        learner = ColdStartLearner(drawn)
        assert 2 == learner.learn()
        session.use_newest_ranking()

        taken = {one.category for one in session.read(lambda held, guesses: list_grids(held, guesses.names))}
        assert {"red", "green"} <= taken
        for name in ("red", "green"):
            found = predicted_images(catalog, [name], limit=99)
            assert {name} == {row.path.name.partition(" ")[0] for row in found[:4]}
            assert sorted((row.best_confidence for row in found), reverse=True) == [
                row.best_confidence for row in found
            ]

        wrong = predicted_images(catalog, ["red"], limit=1)[0]
        session.record([Answer(picture=wrong.picture, said=AnnotationKind.WRONG, category="red")])
        assert wrong.picture not in {row.picture for row in predicted_images(catalog, ["red"], limit=99)}
        assert wrong.picture in {row.picture for look in range(9) for row in cluster_images(catalog, look, limit=99)}
        assert 3 == learner.learn()


def test_the_clusters_stay_what_they_are(drawn: Path) -> None:
    with read_catalog(drawn) as catalog:
        assert attach_newest(catalog).number
        rows = catalog.connection.execute("SELECT place, look FROM outlook.ranks ORDER BY place").fetchall()
    assert sorted(look for _, look in rows) == [look for _, look in rows]


def test_without_a_sample_there_is_nothing_to_learn_by(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [])
    with pytest.raises(LibraryError, match="illsort label"):
        ColdStartLearner(library)
