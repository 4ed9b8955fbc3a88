"""Filing with the refitted bundle: no image is read, and the run can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from classifier.active import apply
from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.catalog import annotation_log, audits, runs, spreadings
from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.stats import library_stats
from classifier.catalog.strictness import Strictness
from classifier.errors import NoGuarantee
from classifier.filing.undo import undo
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.combined_head import logits_of
from classifier.model.holdout import NO_CATEGORY, HoldoutMethod
from classifier.model.trained import load_network
from classifier.records import Annotation, AnnotationKind, ImageId, Selection
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.sort.resolve_policy import risk_guarantee
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import unsure_library
from kit.tree import all_files


@pytest.fixture(scope="module", params=[False, True], ids=["last layer", "combined head"])
def bundle(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Bundle:
    return color_bundle(
        tmp_path_factory.mktemp("model") / "colors",
        labeled=True,
        novelty=True,
        evidence=300,
        combined=request.param,
    )


def waiting(library: Path) -> list[ImageId]:
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture FROM decisions WHERE action = 'review' ORDER BY picture")
        return [ImageId(picture) for (picture,) in rows]


def annotate(library: Path, pictures: list[ImageId], category: str) -> None:
    with open_catalog(library) as catalog:
        annotations = [
            Annotation(image_id=picture, kind=AnnotationKind.RIGHT, category=category, origin="review", at="2026-01-01")
            for picture in pictures
        ]
        annotation_log.add_all(catalog, annotations)


def annotate_as_none(library: Path, images: list[ImageId]) -> None:
    with open_catalog(library) as catalog:
        annotations = [
            Annotation(image_id=image, kind=AnnotationKind.NONE, category=None, origin="review", at="2026-01-01")
            for image in images
        ]
        annotation_log.add_all(catalog, annotations)


def pictures(library: Path) -> set[str]:
    return {name for name in all_files(library) if not name.startswith((".illsort", "_broken"))}


def learned(library: Path) -> Learner:
    learner = Learner(library)
    learner.learn()
    return learner


def test_filing_reads_no_image_and_can_be_undone(tmp_path: Path, bundle: Bundle) -> None:
    library = unsure_library(tmp_path, bundle.folder, 30)
    before, images = pictures(library), waiting(library)
    annotate(library, images[:10], "mixed")
    messages: list[dict[str, Any]] = []
    made = file_learned(library, learned(library), send=messages.append)

    assert 10 <= made["filed"]
    assert 10 <= len([name for name in pictures(library) if name.startswith("mixed/")])
    stages = {one["filing"]["stage"] for one in messages}
    assert "recalling" in stages
    with read_catalog(library) as catalog:
        last = runs.all_runs(catalog)[-1]
    assert library / ".illsort" / "models" == last.bundle.parent
    undo(library)
    assert before == pictures(library)


def test_the_refitted_bundle_is_complete_with_the_same_backbone(tmp_path: Path, bundle: Bundle) -> None:
    library = unsure_library(tmp_path, bundle.folder, 30)
    annotate(library, waiting(library)[:10], "mixed")
    file_learned(library, learned(library), send=lambda _: None)
    (folder,) = (library / ".illsort" / "models").iterdir()
    made = open_bundle(folder)

    assert folder.name == made.manifest.key
    assert (*bundle.manifest.categories, "mixed") == made.manifest.categories
    assert bundle.manifest.backbone_key == made.manifest.backbone_key
    kept = made.load_labeled_embeddings()
    assert kept is not None
    assert 130 == len(kept)
    assert made.load_ood() is not None
    network = load_network(made)
    assert bundle.manifest.backbone_sha256 == network.backbone_sha256()
    with torch.inference_mode():
        answers = network.head(torch.from_numpy(kept.embeddings)).numpy()
    found = logits_of(made.load_head(), kept.embeddings, kept.stats)
    assert (bundle.load_combined_head() is None) == (made.load_combined_head() is None)
    if made.load_combined_head() is None:
        np.testing.assert_allclose(found, answers, atol=1e-3)
    assert (found.argmax(axis=1) == kept.targets).mean() > 0.9
    assert (answers.argmax(axis=1) == kept.targets).mean() > 0.9


def test_learning_continues_from_the_refitted_bundle_alone(tmp_path: Path, bundle: Bundle) -> None:
    library = unsure_library(tmp_path, bundle.folder, 30)
    for category in ("mixed", "other"):
        annotate(library, waiting(library)[:5], category)
        file_learned(library, learned(library), send=lambda _: None)

    assert 1 == len(list((library / ".illsort" / "models").iterdir()))
    assert (*bundle.manifest.categories, "mixed", "other") == Learner(library).bundle.manifest.categories


def test_only_labels_that_the_backbone_never_saw_are_measured(tmp_path: Path, bundle: Bundle) -> None:
    library = unsure_library(tmp_path, bundle.folder, 20)
    annotate(library, waiting(library)[:10], "red")
    learner = learned(library)
    with read_catalog(library) as catalog:
        training_set = learner.build_training_set(catalog, annotation_log.latest(catalog))
    assert training_set.can_guarantee
    evidence = apply.refit_bundle(library, learner, training_set, None).load_holdout()

    assert evidence is not None
    assert (120, HoldoutMethod(5, answers=10)) == (len(evidence), evidence.method)
    assert 0.9 < (evidence.logits.argmax(axis=1) == evidence.targets).mean()


def test_answers_drawn_by_chance_are_evidence_of_the_refitted_model(tmp_path: Path) -> None:
    """Though its labels were picked, and the backbone was fitted to them."""
    fitted = color_bundle(tmp_path / "fitted", labeled=True, evidence=400, selection=Selection.FITTED)
    library = unsure_library(tmp_path, fitted.folder, 30)
    images = waiting(library)
    with open_catalog(library) as catalog:
        for number, image_id in enumerate(images[:20]):
            kind = AnnotationKind.NONE if number == 4 else AnnotationKind.RIGHT
            category = None if number == 4 else "mixed"
            annotation = Annotation(
                image_id=image_id, kind=kind, category=category, origin="review", at="", selection=Selection.CHANCE
            )
            annotation_log.add(catalog, annotation)
    annotate(library, images[25:], "red")
    learner = learned(library)
    for _ in range(2):
        with read_catalog(library) as catalog:
            training_set = learner.build_training_set(catalog, annotation_log.latest(catalog))
        evidence = apply.refit_bundle(library, learner, training_set, None).load_holdout()
        assert evidence is not None
        assert set(images[:20]) == set(evidence.by_chance.image_ids)
        assert (1, 0) == ((evidence.targets == NO_CATEGORY).sum(), evidence.unjudged)
        file_learned(library, learner, send=lambda _: None)
        learner = learned(library)


def test_without_a_guarantee_the_error_rate_is_estimated(tmp_path: Path) -> None:
    fitted = color_bundle(tmp_path / "fitted", labeled=True, evidence=400, selection=Selection.FITTED)
    library = unsure_library(tmp_path, fitted.folder, 20)
    learner = Learner(library)
    with pytest.raises(NoGuarantee, match="the backbone has learned from these labels"):
        risk_guarantee(fitted, fitted.load_holdout(), 0.3)
    learner.strictness = Strictness(max_error=0.3)
    learner.learn()
    made = file_learned(library, learner, send=lambda _: None)["strictness"]

    assert (0.3, False, 0.7, "none") == tuple(made[key] for key in ("max_error", "guaranteed", "threshold", "why"))
    recorded = library_stats(library).strictness
    assert (0.3, 0.7) == (recorded.max_error, recorded.threshold)
    assert Strictness(max_error=0.3) == Learner(library).strictness


def unknown(library: Path) -> int:
    with read_catalog(library) as catalog:
        (count,) = catalog.connection.execute("SELECT count(*) FROM decisions WHERE action = 'unknown'").fetchone()
    return int(count)


def test_images_like_a_new_category_are_no_longer_unknown(tmp_path: Path, bundle: Bundle) -> None:
    crawl, library = tmp_path / "crawl", tmp_path / "sorted"
    crawl.mkdir()
    for number in range(20):
        (crawl / f"{number}.png").write_bytes(encoded(varied(COLORS["yellow"], seed=number), "PNG"))
    settings = Settings(sort=SortSettings(unknown_share=0.02), runtime=RuntimeSettings(workers=0))
    sort(crawl, library=library, bundle=bundle.folder, settings=settings)
    assert 20 == unknown(library)
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute("SELECT picture FROM decisions ORDER BY picture LIMIT 6").fetchall()
    annotate(library, [ImageId(picture) for (picture,) in rows], "yellow")
    learner = learned(library)
    file_learned(library, learner, send=lambda _: None)

    assert 0 == unknown(library)
    before, after = learner.bundle.load_ood(), Learner(library).bundle.load_ood()
    assert before is not None
    assert after is not None
    assert len(before.points) + 6 == len(after.points)
    file_learned(library, learned(library), send=lambda _: None)
    again = Learner(library).bundle.load_ood()
    assert again is not None
    assert len(after.points) == len(again.points)


def unlike_each_other(folder: Path, bundle: Bundle) -> tuple[Path, list[ImageId]]:
    """A library in whose `_unknown` are pictures of noise, each of other colors; and those."""
    (crawl := folder / "crawl").mkdir()
    rng = np.random.default_rng(0)
    for number in range(16):
        color = rng.integers(0, 255, 3).tolist()
        (crawl / f"{number}.png").write_bytes(encoded(varied((color[0], color[1], color[2]), seed=number), "PNG"))
    settings = Settings(sort=SortSettings(unknown_share=0.02), runtime=RuntimeSettings(workers=0))
    sort(crawl, library=folder / "sorted", bundle=bundle.folder, settings=settings)
    with read_catalog(folder / "sorted") as catalog:
        rows = catalog.connection.execute("SELECT picture FROM decisions WHERE action = 'unknown' ORDER BY picture")
        return folder / "sorted", [ImageId(picture) for (picture,) in rows]


def threshold_after(library: Path) -> float:
    file_learned(library, learned(library), send=lambda _: None)
    detector = Learner(library).bundle.load_ood()
    assert detector is not None
    return detector.threshold(0.02)


@pytest.mark.parametrize("most", [True, False], ids=["most are of a category", "most are of none"])
def test_answers_in_unknown_raise_the_threshold_where_most_are_of_a_category(
    tmp_path: Path, bundle: Bundle, most: bool
) -> None:
    library, unlike = unlike_each_other(tmp_path, bundle)
    assert 10 <= len(unlike)
    before = learned(library).bundle.load_ood()
    assert before is not None
    annotate(library, unlike[:5], "mixed")
    if not most:
        annotate_as_none(library, unlike[5:])

    assert most == (threshold_after(library) > before.threshold(0.02))


@pytest.mark.parametrize(("selection", "spreads"), [(Selection.PERSON, True), (Selection.FITTED, False)])
def test_a_refitted_model_spreads_by_what_its_network_saw(tmp_path: Path, selection: Selection, spreads: bool) -> None:
    """Though the one before has no heads of folds, as after a refit with labels too few to make some."""
    without = color_bundle(tmp_path / "model", labeled=True, combined=True, selection=selection)
    library = unsure_library(tmp_path, without.folder, 20)
    learner = learned(library)
    with read_catalog(library) as catalog:
        training_set = learner.build_training_set(catalog, annotation_log.latest(catalog))
    refitted = apply.refit_bundle(library, learner, training_set, None)

    assert spreads == (refitted.load_fold_heads(training_set.labeled) is not None)


def test_a_refitted_model_spreads_its_answers_as_the_one_before(tmp_path: Path) -> None:
    spreads = color_bundle(tmp_path / "model", spreads=True, selection=Selection.PERSON)
    library = unsure_library(tmp_path, spreads.folder, 20)
    annotate(library, waiting(library)[:3], "red")
    learner = Learner(library)
    learner.learn()
    file_learned(library, learner, send=lambda _: None)
    with read_catalog(library) as catalog:
        model, folder, _ = audits.last_sort(catalog) or ("", Path(), {})
        spreading = spreadings.spreading_of(catalog, model)
    refitted = open_bundle(folder)
    labeled = refitted.load_labeled_embeddings()
    assert labeled is not None
    folds = refitted.load_fold_heads(labeled)

    assert model != spreads.manifest.key
    assert spreading is not None
    assert refitted.load_holdout() is None  # nothing was drawn by chance
    assert folds is not None
    assert (5, len(labeled)) == folds.learned.shape
    assert [-1] * 3 == folds.judge[120:].tolist()
