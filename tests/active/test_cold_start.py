"""A sample that no model has sorted: a few labels predict the other images, and the clusters stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.active.learner import Learner
from classifier.active.sample import take_sample
from classifier.catalog import ranking
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.queue_by_ranking import cluster_images, list_grids, predicted_images
from classifier.catalog.ranking import attach_newest
from classifier.errors import ModelError
from classifier.records import AnnotationKind, ImageId, Selection
from classifier.settings import ModelSettings, RuntimeSettings, Settings
from classifier.web.history import Answer
from classifier.web.pending_moves import file_decided
from classifier.web.session import ReviewSession
from kit.pictures import COLORS, encoded, varied

SETTINGS = Settings(model=ModelSettings(image_size=64), runtime=RuntimeSettings(workers=0))
EACH = 14


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of labels in which red and green images wait."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "crawl").mkdir()
    for name in ("red", "green"):
        for number in range(EACH):
            content = encoded(varied(COLORS[name], seed=number, size=(160, 120)), "PNG")
            (folder / "crawl" / f"{name} {number}.png").write_bytes(content)
    assert take_sample(folder / "crawl", library=folder / "labels", settings=SETTINGS).drawn == 2 * EACH
    return folder / "labels"


def ranked(library: Path) -> list[tuple[ImageId, int]]:
    with read_catalog(library) as catalog:
        assert attach_newest(catalog).number
        rows = catalog.connection.execute("SELECT picture, look FROM outlook.ranks ORDER BY place").fetchall()
    return [(ImageId(picture), cluster) for picture, cluster in rows]


def test_without_labels_there_are_only_clusters(sample: Path) -> None:
    with open_catalog(sample) as catalog:
        session = ReviewSession(catalog)
        grids = session.read(lambda held, guesses: list_grids(held, guesses.names))
        assert session.state()["labelling"]
        assert {grid.category for grid in grids} == {None}
        shown = [
            row
            for grid in grids
            for row in session.read(lambda held, _, of=grid.cluster or 0: cluster_images(held, of, limit=99))
        ]
        assert sum(grid.count for grid in grids) == len({row.image_id for row in shown}) > EACH
    assert Learner(sample).learn() == 0


def test_what_was_drawn_by_chance_does_not_steer_what_is_asked(sample: Path) -> None:
    with open_catalog(sample) as catalog:
        session = ReviewSession(catalog)
        rows = [row for cluster in range(9) for row in cluster_images(catalog, cluster, limit=99)]
        for name in ("red", "green"):
            session.make_category(name)
            own = [row.image_id for row in rows if row.path.name.startswith(name)][:5]
            answers = [Answer(image_id=one, kind=AnnotationKind.RIGHT, category=name) for one in own]
            session.record(answers, selection=Selection.CHANCE)
        assert Learner(sample).learn() == 0
        assert all(session.undo() for _ in range(2))


def test_five_labels_of_two_categories_predict_the_other_images(sample: Path) -> None:
    before = ranked(sample)
    with open_catalog(sample) as catalog:
        session = ReviewSession(catalog)
        rows = [row for cluster in range(9) for row in cluster_images(catalog, cluster, limit=99)]
        for name in ("red", "green"):
            own = [row.image_id for row in rows if row.path.name.startswith(name)][:5]
            session.record([Answer(image_id=one, kind=AnnotationKind.RIGHT, category=name) for one in own])
        learner = Learner(sample)
        assert learner.learn() == 2
        session.use_newest_ranking()

        predicted = {grid.category for grid in session.read(lambda held, guesses: list_grids(held, guesses.names))}
        assert {"red", "green"} <= predicted
        for name in ("red", "green"):
            found = predicted_images(catalog, [name], limit=99)
            assert {row.path.name.partition(" ")[0] for row in found[:4]} == {name}
            confidences = [row.best_confidence for row in found]
            assert confidences == sorted(confidences, reverse=True)

        wrong = predicted_images(catalog, ["red"], limit=1)[0].image_id
        session.record([Answer(image_id=wrong, kind=AnnotationKind.WRONG, category="red")])
        assert wrong not in {row.image_id for row in predicted_images(catalog, ["red"], limit=99)}
        assert wrong in {row.image_id for cluster in range(9) for row in cluster_images(catalog, cluster, limit=99)}
        assert learner.learn() == 3
    assert ranked(sample) == before


def test_filed_images_stay_in_their_clusters(sample: Path) -> None:
    before = ranked(sample)
    file_decided(sample)

    Learner(sample).learn()

    assert ranked(sample) == before


def test_names_that_a_tagger_proposed_for_clusters_stay(sample: Path) -> None:
    with read_catalog(sample) as catalog:
        snapshot = attach_newest(catalog)
        ranks = catalog.connection.execute("SELECT * FROM outlook.ranks ORDER BY place").fetchall()
    proposed = {"0": ["chibi"], "1": "no list", "2": ["x", 3]}
    ranking.write(sample, ranks, meta={**snapshot.meta, ranking.CLUSTER_NAMES: proposed})
    assert Learner(sample).learn()

    with read_catalog(sample) as catalog:
        learned = attach_newest(catalog)
    assert learned.number == snapshot.number + 2
    assert {"0": ["chibi"], "2": ["x"]} == ranking.cluster_names(learned)
    assert ranking.CLUSTER_NAMES not in learned.stats


def test_a_library_without_model_and_sample_has_nothing_to_learn(tmp_path: Path) -> None:
    with open_catalog(tmp_path / "library"):
        pass
    with pytest.raises(ModelError, match="never sorted into"):
        Learner(tmp_path / "library")
