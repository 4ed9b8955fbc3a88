"""How few grids name how many pictures: a person who knows every answer labels a folder of category folders.

Usage: python scripts/bench_label.py FOLDER [--count 1500]. The folder is taken for a crawl without labels; each grid is
named by what most of it is, strangers are marked, and after each the head is fitted as beside the page.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from classifier.active.learner import Learner
from classifier.active.sample import take_sample
from classifier.catalog.connection import open_catalog
from classifier.catalog.places import place_of
from classifier.catalog.queue_by_ranking import Grid, cluster_images, list_grids, predicted_images
from classifier.catalog.values import to_path
from classifier.records import AnnotationKind
from classifier.settings import Settings
from classifier.web.history import Answer
from classifier.web.session import ReviewSession

PAGE = 60


def main() -> None:
    """Draw a sample and label it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch, "labels")
        sample = take_sample(asked.folder, library=library, settings=Settings(), count=asked.count)
        print(f"{sample.drawn} drawn, {sample.waiting} wait")
        label(library, asked.folder.resolve())


def label(library: Path, folder: Path) -> None:
    """Name grids until nothing waits; a line after 5, 10, 20, 40, ... of them."""
    learner = Learner(library)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        named, marked, taken, wrong, passed = 0, 0, 0, 0, set[object]()
        told = {5, 10, 20, 40, 80, 160}
        for number in range(1, 401):
            found = session.read(lambda held, guesses: list_grids(held, guesses.names))
            left = [one for one in found if (one.cluster, one.category) not in passed]
            if not left:
                break
            grid = left[0]
            rows = _rows(session, grid)
            targets = [_truth(catalog, row.image_id, folder) for row in rows]
            name = grid.category or Counter(targets).most_common(1)[0][0]
            if name not in session.suggestions.categories:
                session.make_category(name)
            answers = [
                Answer(
                    image_id=row.image_id,
                    kind=AnnotationKind.RIGHT if truth == name else AnnotationKind.WRONG,
                    category=name,
                )
                for row, truth in zip(rows, targets, strict=True)
                if truth == name or grid.category
            ]
            strangers = sum(truth != name for truth in targets)
            if strangers or grid.count <= len(rows):
                passed.add((grid.cluster, grid.category))
            named, marked = named + len(rows) - strangers, marked + strangers
            taken += len(rows) if grid.category else 0
            wrong += strangers if grid.category else 0
            if answers:
                session.record(answers)
                learner.learn()
                session.use_newest_ranking()
            if number in told:
                print(f"{number} grids: {named} named, {marked} marked; of {taken} taken for one, {wrong} were not")
        waits = sum(one.count for one in session.read(lambda held, guesses: list_grids(held, guesses.names)))
        print(f"{number} grids: {named} named, {marked} marked; of {taken} taken, {wrong} were not; {waits} wait")


def _rows(session: ReviewSession, grid: Grid) -> list:  # type: ignore[type-arg]
    look, category = grid.cluster, grid.category
    if look is not None:
        return session.read(lambda held, _: cluster_images(held, look, limit=PAGE))
    return session.read(
        lambda held, guesses: predicted_images(held, guesses.names.aliases_of(category or ""), limit=PAGE)
    )


def _truth(catalog, picture, folder: Path) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    place = place_of(catalog, picture)
    assert place is not None  # noqa: S101
    return to_path(place.source).relative_to(folder).parts[0]


if __name__ == "__main__":
    main()
