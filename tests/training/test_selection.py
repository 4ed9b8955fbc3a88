"""The selection of each label is recorded in the evidence, and so are the images the backbone was fitted to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from classifier.active.sample import take_sample
from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.errors import NoGuarantee
from classifier.images.hashing import hash_bytes
from classifier.model.bundle import Bundle
from classifier.model.holdout import NO_CATEGORY, HoldoutPredictions
from classifier.records import Annotation, AnnotationKind, Selection
from classifier.settings import ModelSettings, RuntimeSettings, Settings, load
from classifier.sort.resolve_policy import risk_guarantee
from classifier.training.pipeline import train_model
from classifier.web.pending_moves import file_decided
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import Tree, make_tree

KINDS = ("blue", "green", "red")
EARLIER, LATER = range(5), range(100, 106)


def pictures(numbers: range) -> dict[str, dict[str, bytes]]:
    return {
        kind: {f"{n}.png": encoded(varied(COLORS[kind], seed=97 * n + ord(kind[0])), "PNG") for n in numbers}
        for kind in KINDS
    }


def train(folder: Path, labels: Tree, *overrides: str, progress: SavingProgress | None = None) -> Bundle:
    if not (folder / "labels").exists():
        make_tree(folder / "labels", labels)
    fixed = (f"labels.folder={folder / 'labels'}", f"model.folder={folder / 'model'}", "train.recipe=head")
    small = ("model.image_size=32", "train.epochs=1", "train.folds=2", "runtime.workers=0")
    return train_model(load(None, [*fixed, *small, *overrides]), progress=progress).bundle


def evidence_of(bundle: Bundle) -> HoldoutPredictions:
    evidence = bundle.load_holdout()
    assert evidence is not None
    return evidence


def chance_of(bundle: Bundle) -> int:
    evidence = evidence_of(bundle)
    labeled = bundle.load_labeled_embeddings()
    assert labeled is not None
    assert Selection.RANDOM not in labeled.selections or len(evidence.by_chance)
    return len(evidence.by_chance)


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("fine-tuned")
    gently = ("train.recipe=finetune", "train.learning_rate=0.0001")
    bundle = train(folder, pictures(EARLIER), *gently, "labels.by_chance=true")
    assert 15 == len(bundle.load_fitted())
    return bundle


def test_a_folder_of_labels_was_picked_unless_a_person_says_otherwise(tmp_path: Path) -> None:
    picked, said = SavingProgress(), SavingProgress()
    by_person = train(tmp_path / "picked", pictures(LATER), progress=picked)
    by_chance = train(tmp_path / "drawn", pictures(LATER), "labels.by_chance=true", progress=said)

    assert any(
        "no guarantee by these labels: they count as picked, not drawn by chance" in one for one in picked.messages
    )
    assert any("18 labels drawn by chance" in one for one in said.messages)
    assert [18, 0] == [chance_of(by_chance), chance_of(by_person)]
    assert 18 == len(evidence_of(by_person))


def test_drawn_images_of_no_category_are_evaluated_too(tmp_path: Path) -> None:
    none = {"_unknown": {f"{n}.png": encoded(varied((200, 200, 40), seed=n), "PNG") for n in range(3)}}
    bundle = train(tmp_path, pictures(LATER) | none, "labels.by_chance=true")
    evidence = evidence_of(bundle)

    assert KINDS == bundle.manifest.categories
    assert (21, 3) == (len(evidence.by_chance), (evidence.targets == NO_CATEGORY).sum())
    assert 18 == bundle.manifest.measured["labels"]


def test_drawn_images_that_cannot_be_held_out_count_as_wrong(tmp_path: Path) -> None:
    post = {f"7_p{n}.png": encoded(varied((200, 200, 40), seed=n), "PNG") for n in range(3)}
    evidence = evidence_of(train(tmp_path, pictures(LATER) | {"yellow": post}, "labels.by_chance=true"))

    assert (18, 3) == (len(evidence.by_chance), evidence.unjudged)


def test_labels_used_for_fine_tuning_never_become_evidence(tmp_path: Path, fine_tuned: Bundle) -> None:
    assert 15 == len(evidence_of(fine_tuned).by_chance)  # its own folds began before they saw a label
    steps, backbone = [], fine_tuned
    for number in range(2):
        steps.append(backbone)
        said = SavingProgress()
        labels = tmp_path / f"{number}"
        backbone = train(
            labels,
            pictures(EARLIER),
            f"model.backbone=local-dir:{backbone.folder}",
            "labels.by_chance=true",
            progress=said,
        )
        assert 0 == chance_of(backbone)
        assert any("the backbone has learned from them before" in one for one in said.messages)
        with pytest.raises(NoGuarantee, match="the backbone has learned from these labels"):
            risk_guarantee(backbone, backbone.load_holdout(), 0.5)
    assert {15} == {len(step.load_fitted()) for step in [*steps, backbone]}


def test_only_labels_unlike_the_fitted_ones_are_evidence(tmp_path: Path, fine_tuned: Bundle) -> None:
    seen = encoded(varied(COLORS["red"], seed=97 * 0 + ord("r")), "BMP")  # another file, the same image
    labels = pictures(LATER)
    labels["red"]["again.bmp"] = seen
    bundle = train(tmp_path, labels, f"model.backbone=local-dir:{fine_tuned.folder}", "labels.by_chance=true")
    evidence = evidence_of(bundle)

    assert hash_bytes(seen) not in evidence.by_chance.image_ids
    assert 0 < len(evidence.by_chance) <= 18


@pytest.mark.parametrize("lost", ["illsort.json", "the record"])
def test_weights_without_a_record_give_no_evidence(tmp_path: Path, fine_tuned: Bundle, lost: str) -> None:
    folder = Path(shutil.copytree(fine_tuned.folder, tmp_path / "copy"))
    manifest = folder / "illsort.json"
    if lost == "illsort.json":
        manifest.unlink()
    else:
        earlier = fine_tuned.manifest.model_copy(update={"fitted_sha256": ""})
        manifest.write_text(earlier.model_dump_json(), encoding="utf-8")
    said, backbone = SavingProgress(), f"model.backbone=local-dir:{folder}"
    bundle = train(tmp_path, pictures(LATER), backbone, "labels.by_chance=true", progress=said)
    onwards = f"model.backbone=local-dir:{bundle.folder}"
    again = train(tmp_path / "again", pictures(LATER), onwards, "labels.by_chance=true")

    assert any("nobody knows what the backbone has learned from" in one for one in said.messages)
    assert [0, 0] == [chance_of(bundle), chance_of(again)]


def drawn_and_named(folder: Path, words: dict[str, int]) -> Path:
    """A folder that `illsort label` drew 18 images into; so many of them, by what was said, are not named."""
    crawl = make_tree(
        folder / "crawl", {f"{k} {n}": data for k, of_k in pictures(LATER).items() for n, data in of_k.items()}
    )
    sample = Settings(model=ModelSettings(image_size=64), runtime=RuntimeSettings(workers=0))
    assert 18 == take_sample(crawl, library=folder / "labels", settings=sample).waiting
    paths = sorted(crawl.iterdir(), key=lambda path: path.name.split()[1])  # of each category in turn
    said = [word for word, count in words.items() for _ in range(count)]
    with open_catalog(folder / "labels") as catalog:
        for path, word in zip(paths, [*said, *["named"] * (18 - len(said))], strict=True):
            category = path.name.split()[0] if word == "named" else None
            if word != "unanswered":
                annotation_log.add(
                    catalog, verdict(path, AnnotationKind.RIGHT if category else AnnotationKind(word), category)
                )
    file_decided(folder / "labels")
    return folder / "labels"


def verdict(path: Path, said: AnnotationKind, category: str | None) -> Annotation:
    picture = hash_bytes(path.read_bytes())
    return Annotation(image_id=picture, kind=said, category=category, origin="review", at="", selection=Selection.GRID)


CASES: dict[str, tuple[dict[str, int], tuple[int, int, int], str]] = {
    "all named": ({}, (18, 0, 0), "18 labels drawn by chance"),
    "some of none": ({"none of these": 3}, (18, 3, 0), "18 labels drawn by chance"),
    "some skipped": ({"skipped": 2}, (16, 0, 2), "2 more of that draw are missing and count as wrong"),
    "one waits": ({"unanswered": 1}, (0, 0, 0), "no guarantee by these labels: 1 of the drawn pictures still waits"),
}
"""What of a draw is not named; what is evidence then: images by chance, those of no category among them, unjudged."""


@pytest.mark.parametrize(
    ("case", "how"),
    [("all named", "folder"), ("some skipped", "folder"), ("one waits", "folder"), ("some of none", "library")],
)
def test_a_draw_is_evidence_only_when_complete(tmp_path: Path, case: str, how: str) -> None:
    words, wanted, says = CASES[case]
    labels, progress = drawn_and_named(tmp_path, words), SavingProgress()
    rest: Tree = {} if how == "folder" else pictures(EARLIER)
    evidence = evidence_of(train(tmp_path / how, rest, f"labels.{how}={labels}", progress=progress))
    of_no_category = int((evidence.targets == NO_CATEGORY).sum())

    assert wanted == (len(evidence.by_chance), of_no_category, evidence.unjudged)
    assert any(says in one for one in progress.messages)
