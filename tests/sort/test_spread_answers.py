"""A sort spreads the answers of a head on frozen features over near pictures, and nothing else changes by it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.catalog import spreadings
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.errors import ModelError
from classifier.filing.undo import undo
from classifier.images.hashing import hash_bytes
from classifier.model.bundle import open_bundle
from classifier.model.bundle_files import FOLD_HEADS
from classifier.model.combined_head import fit_combined_head
from classifier.model.fold_heads import FoldHeads, load_fold_heads
from classifier.model.head import fit_head
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.model.nearest import nearest
from classifier.model.replace_head import save_with_head
from classifier.model.spreading import graph_of
from classifier.records import ImageId, Selection
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort import spread_answers
from classifier.sort.graph_nodes import Nodes, read_nodes
from classifier.sort.pipeline import sort
from classifier.sort.planned_moves import PlannedMove
from classifier.sort.preview import preview
from classifier.sort.spread_answers import spread_holdout, spread_over
from kit.bundles import color_bundle
from kit.interrupt import Stop
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import make_tree

NAMES = list(COLORS)


class StoppingAt(SavingProgress):
    """Ends the run as a stage begins."""

    stopped_at = ""

    def stage(self, name: str, *, total: int | None, unit: str) -> Any:
        """As the others, before that one."""
        if name == self.stopped_at:
            raise Stop
        return super().stage(name, total=total, unit=unit)


def picture(number: int) -> bytes:
    """Blue, green or red, every second one half of the next color."""
    one, other = (np.array(COLORS[NAMES[(number + step) % 3]]) for step in (0, 1))
    share = 0.42 if number % 2 else 0.05
    red, green, blue = ((1 - share) * one + share * other).astype(int).tolist()
    image = varied((red, green, blue), seed=number) if number % 2 else plain((red, green, blue + number % 5))
    return encoded(image, "PNG")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "model", spreads=True, novelty=True).folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_tree(tmp_path / "crawl", {f"{number:02}.png": picture(number) for number in range(30)})
    return tmp_path


def settings(**of_sort: Any) -> Settings:
    return Settings(sort=SortSettings(**of_sort), runtime=RuntimeSettings(workers=0))


def run(folder: Path, bundle: Path, *, library: str = "sorted", **options: Any) -> dict[str, Any]:
    options.setdefault("settings", settings())
    return sort(folder / "crawl", library=folder / library, bundle=bundle, **options)


def decided(library: Path) -> dict[str, tuple[str, str, float]]:
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture, action, category, confidence FROM decisions")
        return {picture: (action, category, round(confidence, 3)) for picture, action, category, confidence in rows}


def answers(library: Path) -> dict[str, bytes]:
    with read_catalog(library) as catalog:
        return dict(catalog.connection.execute("SELECT picture, logits FROM predictions").fetchall())


def filed(library: Path) -> set[str]:
    return {str(path.relative_to(library)) for path in library.rglob("*.png") if ".illsort" not in path.parts}


def is_spread(library: Path, bundle: Path) -> bool:
    with read_catalog(library) as catalog:
        return spreadings.spreading_of(catalog, open_bundle(bundle).manifest.key) is not None


def test_answers_are_spread_and_can_be_had_as_they_were(folder: Path, bundle: Path) -> None:
    run(folder, bundle, library="alone", settings=settings(neighbors=False))
    run(folder, bundle)
    alone, spread = answers(folder / "alone"), answers(folder / "sorted")

    assert not is_spread(folder / "alone", bundle)
    assert is_spread(folder / "sorted", bundle)
    assert alone.keys() == spread.keys()
    assert all(alone[image_id] != spread[image_id] for image_id in alone)
    run(folder, bundle, settings=settings(neighbors=False))
    assert not is_spread(folder / "sorted", bundle)
    again = answers(folder / "sorted")
    assert all(
        np.allclose(np.frombuffer(alone[one], "<f4"), np.frombuffer(again[one], "<f4"), atol=0.05) for one in alone
    )
    assert filed(folder / "alone") == filed(folder / "sorted")


def test_a_second_sort_changes_nothing_and_reads_nothing(
    folder: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, bundle, max_error=0.2)
    before, was_filed = decided(folder / "sorted"), filed(folder / "sorted")
    monkeypatch.setattr(spread_answers, "read_nodes", None)
    summary = run(folder, bundle, max_error=0.2)

    assert before == decided(folder / "sorted")
    assert was_filed == filed(folder / "sorted")
    assert 30 == summary["pictures"]


def test_a_preview_is_what_the_sort_does(folder: Path, bundle: Path) -> None:
    planned = list[PlannedMove]()
    shown = preview(
        folder / "crawl",
        library=folder / "sorted",
        bundle=bundle,
        settings=settings(),
        max_error=0.2,
        show=planned.append,
    )
    summary = run(folder, bundle, max_error=0.2)

    assert shown["strictness"] == summary["strictness"]
    assert [shown[one] for one in ("filed", "review")] == [summary[one] for one in ("filed", "review")]
    assert {str(one.target.relative_to(folder / "sorted")) for one in planned if one.target is not None} == filed(
        folder / "sorted"
    )


def test_the_guarantee_is_by_spread_answers_of_labels(folder: Path, bundle: Path) -> None:
    summary = run(folder, bundle, max_error=0.2)
    opened = open_bundle(bundle)
    with read_catalog(folder / "sorted") as catalog:
        spread = spread_holdout(catalog, opened)
    own = opened.load_holdout()

    assert summary["strictness"]["guaranteed"]
    assert spread is not None
    assert own is not None
    assert own.image_ids == spread.image_ids
    assert not np.allclose(own.logits, spread.logits)
    assert (spread.logits.argmax(axis=1) == spread.targets).mean() > 0.9


def test_a_label_that_lies_in_the_crawl_is_one_picture(
    folder: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, seen = open_bundle(bundle), list[Nodes]()
    labeled, head = of.load_labeled_embeddings(), of.load_combined_head()
    assert labeled is not None
    assert head is not None
    in_crawl = tuple(hash_bytes(picture(number)) for number in range(30))
    made = save_with_head(
        folder,
        of=of,
        categories=of.manifest.categories,
        last_layer=fit_head(labeled.embeddings, labeled.targets),
        head=head,
        labeled=replace(labeled, image_ids=in_crawl + labeled.image_ids[30:]),
        holdout=None,
        folds=of.load_fold_heads(labeled),
        ood=None,
        note="",
    )

    def keeping(*arguments: Any, **options: Any) -> Nodes:
        seen.append(read_nodes(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(spread_answers, "read_nodes", keeping)
    run(folder, made.folder)
    (nodes,) = seen

    assert 30 == nodes.stored
    assert 120 == len(nodes.image_ids) == len(set(nodes.image_ids))
    assert in_crawl == tuple(nodes.image_ids[node] for node in nodes.labels[:30])


def test_a_held_out_label_is_not_given_away_by_itself() -> None:
    """The first label, of two that look like category 0, is said to be of 1, and twice so."""
    short = np.repeat(np.eye(2, dtype=np.float32), 8, axis=0)
    image_ids = tuple(ImageId(f"{number:064x}") for number in range(16))
    targets = np.array([1, 1, 0, 0, 1, 1])
    labels = np.array([0, 0, 1, 2, 8, 9])
    rng = np.random.default_rng(0)
    embeddings, stats = rng.random((6, 3), np.float32), rng.random((6, 2), np.float32)
    head = fit_combined_head(embeddings, stats, targets)
    judge = np.array([0, 1, 0, 1, 0, 1])
    nodes = Nodes(image_ids=image_ids, short=short, logits=np.zeros((3, 16, 2), np.float16), labels=labels, stored=16)
    labeled = LabeledEmbeddings(
        embeddings=embeddings,
        stats=stats,
        targets=targets,
        groups=np.arange(6),
        image_ids=tuple(image_ids[node] for node in labels),
        paths=("x",) * 6,
        selections=(Selection.RANDOM,) * 6,
    )
    folds = FoldHeads(heads=(head, head), learned=judge[None] != np.arange(2)[:, None], judge=judge)
    holdout = HoldoutPredictions(
        logits=np.zeros((5, 2), np.float32),
        targets=targets[1:],
        groups=np.arange(5),
        image_ids=labeled.image_ids[1:],
        paths=labeled.paths[1:],
        method=HoldoutMethod(2),
        selections=labeled.selections[1:],
    )
    graph = graph_of(*nearest(nodes.short))
    _, evidence = spread_over(graph, nodes, labeled, folds, holdout, temperature=1.0)

    assert evidence is not None
    assert [0, 0, 0, 1, 1] == evidence.argmax(axis=1).tolist()


def test_what_was_drawn_and_is_nowhere_is_unjudged(folder: Path, bundle: Path) -> None:
    run(folder, bundle)
    with open_catalog(folder / "sorted") as catalog:
        opened = open_bundle(bundle)
        known = spreadings.spreading_of(catalog, opened.manifest.key)
        assert known is not None
        assert known.logits is not None
        logits = np.frombuffer(known.logits, "<f4").copy()
        logits[:3] = np.nan
        spreadings.record(
            catalog, spreadings.Spreading(state="", logits=logits.tobytes()), [], model=opened.manifest.key
        )
        found = spread_holdout(catalog, opened)

    assert found is not None
    assert 1 == found.unjudged
    assert 119 == len(found)


@pytest.mark.parametrize("stage", ["sorting", "reading what is kept", "comparing with neighbors", "filing"])
def test_a_stopped_sort_goes_on_to_the_same_end(folder: Path, bundle: Path, stage: str) -> None:
    run(folder, bundle, library="whole", max_error=0.2)
    progress = StoppingAt()
    progress.stopped_at = stage
    with pytest.raises(Stop):
        run(folder, bundle, max_error=0.2, progress=progress)
    run(folder, bundle, max_error=0.2)

    assert decided(folder / "whole") == decided(folder / "sorted")
    assert filed(folder / "whole") == filed(folder / "sorted")


def test_new_pictures_are_spread_with_those_before(folder: Path, bundle: Path) -> None:
    run(folder, bundle)
    make_tree(folder / "crawl", {f"{number:02}.png": picture(number) for number in range(30, 36)})
    run(folder, bundle)
    run(folder, bundle, library="at once")

    at_once, later = answers(folder / "at once"), answers(folder / "sorted")
    assert at_once.keys() == later.keys()
    assert all(
        np.allclose(np.frombuffer(at_once[one], "<f4"), np.frombuffer(later[one], "<f4"), atol=0.05) for one in later
    )


def test_an_undo_takes_all_of_it_back(folder: Path, bundle: Path) -> None:
    run(folder, bundle)
    undo(folder / "sorted", progress=SavingProgress())

    assert not filed(folder / "sorted")
    run(folder, bundle)
    assert 30 == len(filed(folder / "sorted"))


def test_without_embeddings_the_head_alone_decides(folder: Path, bundle: Path) -> None:
    progress = SavingProgress()
    run(folder, bundle, settings=settings(embeddings=False))
    assert not is_spread(folder / "sorted", bundle)
    run(folder, bundle, progress=progress)

    assert not is_spread(folder / "sorted", bundle)
    assert any("no embedding is kept" in str(line) for line in progress.messages)


def two_crawls(folder: Path, bundle: Path, *, library: str = "sorted", neighbors: bool = True) -> None:
    """Twenty pictures in one crawl, thirty in another, of which ten are the same, both sorted into one library."""
    make_tree(folder / "first", {f"{number:02}.png": picture(number) for number in range(30, 50)})
    how = settings(neighbors=neighbors)
    sort(folder / "first", library=folder / library, bundle=bundle, settings=how)
    run(folder, bundle, library=library, settings=how)


def test_own_answers_of_all_crawls_come_back(folder: Path, bundle: Path) -> None:
    two_crawls(folder, bundle, library="alone", neighbors=False)
    two_crawls(folder, bundle)
    spread = answers(folder / "sorted")
    run(folder, bundle, settings=settings(neighbors=False))

    own, again = answers(folder / "alone"), answers(folder / "sorted")
    assert 40 == len(spread)
    assert own.keys() == again.keys() == spread.keys()
    assert all(np.allclose(np.frombuffer(own[one], "<f4"), np.frombuffer(again[one], "<f4"), atol=0.05) for one in own)


def refitted(folder: Path, bundle: Path) -> Path:
    """The model with its head fitted to all but a few labels."""
    of = open_bundle(bundle)
    labeled, head = of.load_labeled_embeddings(), of.load_combined_head()
    assert labeled is not None
    assert labeled.stats is not None
    assert head is not None
    some = labeled.rows([number >= 6 for number in range(len(labeled))])
    assert some.stats is not None
    return save_with_head(
        folder,
        of=of,
        categories=of.manifest.categories,
        last_layer=fit_head(some.embeddings, some.targets),
        head=fit_combined_head(some.embeddings, some.stats, some.targets),
        labeled=labeled,
        holdout=None,
        folds=of.load_fold_heads(labeled),
        ood=None,
        note="",
    ).folder


def test_a_model_anew_answers_one_crawl_as_it_does_once_the_other_is_sorted_too(folder: Path, bundle: Path) -> None:
    two_crawls(folder, bundle)
    other = refitted(folder, bundle)
    key = open_bundle(other).manifest.key

    def own(library: Path) -> dict[str, bytes]:
        with read_catalog(library) as catalog:
            query = "SELECT picture, logits FROM predictions WHERE model = ?"
            return dict(catalog.connection.execute(query, (key,)).fetchall())

    sort(folder / "first", library=folder / "sorted", bundle=other, settings=settings())
    first = own(folder / "sorted")
    run(folder, other)

    both = own(folder / "sorted")
    assert (20, 40) == (len(first), len(both))
    assert first == {one: both[one] for one in first}


def test_embeddings_that_are_gone_are_read_again_and_all_is_decided(folder: Path, bundle: Path) -> None:
    run(folder, bundle)
    shutil.rmtree(embeddings_folder(folder / "sorted", open_bundle(bundle).manifest.backbone_key))
    make_tree(folder / "crawl", {"new.png": picture(31)})

    summary = run(folder, bundle)

    assert 31 == summary["pictures"] == len(decided(folder / "sorted")) == len(answers(folder / "sorted"))
    assert 31 == len(filed(folder / "sorted"))


def test_heads_of_folds_that_do_not_fit_are_one_line(bundle: Path, tmp_path: Path) -> None:
    opened = open_bundle(bundle)
    labeled = opened.load_labeled_embeddings()
    assert labeled is not None
    folds = opened.load_fold_heads(labeled)
    assert folds is not None
    assert not folds.learned[folds.judge, np.arange(len(folds.judge))].any()
    with pytest.raises(ModelError, match=r"folds.npz: its parts do not fit 5 pictures; train again or restore it"):
        opened.load_fold_heads(labeled.rows([True] * 5 + [False] * 115))
    damaged = color_bundle(tmp_path / "model", spreads=True)
    with (damaged.folder / FOLD_HEADS).open("ab") as file:
        file.write(b"x")

    with pytest.raises(ModelError, match="is not the file this bundle was written with"):
        damaged.load_fold_heads(labeled)


@pytest.mark.parametrize("name", ["weight", "judge", "learned", "stats_scale"])
def test_heads_of_folds_from_elsewhere_are_checked(bundle: Path, tmp_path: Path, name: str) -> None:
    opened = open_bundle(bundle)
    labeled, head = opened.load_labeled_embeddings(), opened.load_combined_head()
    assert labeled is not None
    assert head is not None
    with np.load(opened.folder / FOLD_HEADS) as arrays:
        parts = {one: arrays[one] for one in arrays.files}
    wrong = {"weight": np.nan, "judge": 7, "learned": True, "stats_scale": 0}[name]
    np.savez(tmp_path / FOLD_HEADS, **parts | {name: np.full_like(parts[name], wrong)})

    with pytest.raises(ModelError, match="its parts do not fit together"):
        load_fold_heads(tmp_path / FOLD_HEADS, head=head, labeled=labeled)
