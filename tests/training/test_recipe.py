"""What `train.recipe = "auto"` comes to: fine-tuning on a GPU, with a head that is usable before it; else a head."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.errors import Message
from classifier.model.backbone import Network
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.head import LinearHead
from classifier.model.install import previous_of
from classifier.progress import SilentProgress
from classifier.settings import Settings, load
from classifier.training import context, helping, pipeline
from classifier.training.dataset import TrainingImages
from classifier.training.pipeline import train_model
from classifier.training.recipe import Plan, checked_each, count_checks, plan_for, shown_and_looked_at, view_sizes
from classifier.training.saving import Saving
from kit.hub import tiny_backbone
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree


class KilledError(Exception):
    """What stands in for a kill."""


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_backbone(tmp_path_factory.mktemp("tiny") / "backbone")


@pytest.fixture
def settings(tmp_path: Path, backbone: Path) -> Settings:
    for kind in ("red", "green"):
        pictures = {f"{n}.png": encoded(varied(COLORS[kind], seed=n), "PNG") for n in range(6)}
        make_tree(tmp_path / "labels" / kind, pictures)
    places = (f"labels.folder={tmp_path / 'labels'}", f"model.folder={tmp_path / 'model'}")
    small = ("model.image_size=32", "train.epochs=1", "train.batch_size=4", "train.folds=2", "runtime.workers=0")
    return load(None, [*places, f"model.backbone=local-dir:{backbone}", *small])


class Said(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: Message) -> None:
        """Keep it."""
        self.lines.append(str(message))


def with_gpu(settings: Settings, *, has_gpu: bool, has_begun: bool, has_model: bool) -> Plan:
    return plan_for(settings, has_gpu=has_gpu or True, has_begun=has_begun, has_model=has_model)


def plan(recipe: str, *, has_gpu: bool = False, has_begun: bool = False, has_model: bool = False) -> tuple[str, bool]:
    chosen = plan_for(load(None, [f"train.recipe={recipe}"]), has_gpu=has_gpu, has_begun=has_begun, has_model=has_model)
    return chosen.settings.train.recipe, chosen.head_first


def test_auto_fine_tunes_on_a_gpu_alone_or_where_it_has_begun() -> None:
    assert ("head", False) == plan("auto")
    assert ("finetune", True) == plan("auto", has_gpu=True)
    assert ("finetune", True) == plan("auto", has_begun=True)


def test_auto_fine_tunes_where_a_crawl_is_to_be_learned_from() -> None:
    chosen = load(None, ["train.unlabelled=crawl"])

    planned = plan_for(chosen, has_gpu=False, has_begun=False, has_model=False)
    assert "finetune" == planned.settings.train.recipe


def test_a_finished_model_is_not_replaced_by_a_head_alone() -> None:
    assert ("finetune", False) == plan("auto", has_gpu=True, has_model=True)


@pytest.mark.parametrize("recipe", ["head", "finetune"])
def test_a_recipe_that_is_asked_for_is_followed(recipe: str) -> None:
    assert (recipe, False) == plan(recipe) == plan(recipe, has_gpu=True)


def test_without_a_gpu_a_line_says_what_fine_tuning_would_take(settings: Settings) -> None:
    said = Said()
    bundle = train_model(settings, progress=said).bundle

    assert "head" == bundle.manifest.settings["train"]["recipe"]
    assert not bundle.manifest.is_interim
    assert isinstance(bundle.manifest.measured["finetune_seconds"], int)
    assert 1 == len([line for line in said.lines if "Fine-tuning" in line and "--recipe finetune" in line])


def test_the_head_is_usable_before_fine_tuning_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "plan_for", with_gpu)
    monkeypatch.setattr(Saving, "save", killed)
    with pytest.raises(KilledError):
        train_model(settings)
    folder = settings.model.folder or Path()
    head = open_bundle(folder)
    assert (True, "head") == (head.manifest.is_interim, head.manifest.settings["train"]["recipe"])

    monkeypatch.undo()  # the next command goes on, without a GPU as well, for the state is kept
    bundle = train_model(settings).bundle
    assert "finetune_seconds" not in bundle.manifest.measured
    assert (False, "finetune") == (bundle.manifest.is_interim, bundle.manifest.settings["train"]["recipe"])
    assert not previous_of(folder).exists()


def test_the_model_of_an_earlier_training_is_kept_as_previous(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train_model(settings).bundle.manifest.weights_sha256
    monkeypatch.setattr(pipeline, "plan_for", with_gpu)
    second = train_model(settings).bundle

    assert "finetune" == second.manifest.settings["train"]["recipe"]
    assert first == open_bundle(previous_of(second.folder)).manifest.weights_sha256


def test_an_earlier_model_outlives_a_kill_after_the_new_one_is_saved(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train_model(settings).bundle.manifest.weights_sha256
    monkeypatch.setattr(pipeline, "plan_for", with_gpu)
    with monkeypatch.context() as killing:
        killing.setattr(pipeline.checkpoint, "remove", killed)
        with pytest.raises(KilledError):
            train_model(settings)
    again = train_model(settings).bundle

    assert first == open_bundle(previous_of(again.folder)).manifest.weights_sha256


def test_the_state_of_another_training_does_not_make_auto_fine_tune(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killing:
        killing.setattr(pipeline, "plan_for", with_gpu)
        killing.setattr(Saving, "save", killed)
        with pytest.raises(KilledError):
            train_model(settings)
    (tmp_path / "labels" / "red" / "5.png").unlink()

    assert "head" == train_model(settings).bundle.manifest.settings["train"]["recipe"]


def test_more_labels_and_epochs_cost_more() -> None:
    costs = partial(shown_and_looked_at, labels=100)
    few, many = costs(load(None, ["train.epochs=2"])), costs(load(None, ["train.epochs=4"]))

    assert (2 * 100 * 3, 4 * 100 * 3) == (few[0], many[0])
    assert few[1] < many[1]


@pytest.mark.parametrize(
    ("size", "judging", "kept"), [(32, 32, 32), (64, 32, 64), (224, 128, 160), (256, 160, 192), (384, 256, 288)]
)
def test_early_views_are_smaller_by_whole_strides(size: int, judging: int, kept: int) -> None:
    """Without a GPU: of networks that judge, and of the one that is kept where it learns from a crawl."""
    sizes = partial(view_sizes, size, takes_any_size=True, device="cpu")
    assert (judging, size) == sizes(held_out=3, guesses=0) == sizes(held_out=3, guesses=5)
    assert (kept, size) == sizes(held_out=0, guesses=5)
    assert (size, size) == sizes(held_out=0, guesses=0) == sizes(device="cuda", held_out=3, guesses=5)
    assert (size, size) == sizes(takes_any_size=False, held_out=3, guesses=5)


def test_held_out_labels_are_looked_at_after_four_epochs_at_most() -> None:
    for epochs in range(1, 50):
        looked_at = [epoch for epoch in range(1, epochs + 1) if epoch == epochs or epoch % checked_each(epochs) == 0]

        assert min(epochs, 3) <= len(looked_at) == count_checks(epochs) <= 4


def test_from_some_number_on_more_labels_cost_no_more_fine_tuning() -> None:
    chosen = load(None, ["train.epochs=2", "train.finetune_labels=200"])

    assert 2 * (3 * 200 + 200) == shown_and_looked_at(chosen, 9000)[0] == shown_and_looked_at(chosen, 900)[0]
    assert shown_and_looked_at(chosen, 90) == shown_and_looked_at(load(None, ["train.epochs=2"]), 90)


def test_fine_tuning_learns_from_a_sample_and_the_head_from_all_labels(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, fitted = list[int](), list[int]()
    tune, fit = helping.finetune, context.fit_head

    def tuned(network: Network, *, train: TrainingImages, **rest: Any) -> Any:
        shown.append(len(train))
        return tune(network, train=train, **rest)

    def fit_one(embeddings: NDArray[np.float32], targets: NDArray[np.int64]) -> LinearHead:
        fitted.append(len(embeddings))
        return fit(embeddings, targets)

    monkeypatch.setattr(helping, "finetune", tuned)
    monkeypatch.setattr(context, "fit_head", fit_one)
    train = settings.train.model_copy(update={"recipe": "finetune", "finetune_labels": 5})
    said = Said()
    train_model(settings.model_copy(update={"train": train}), progress=said)

    assert {5} == set(shown)
    assert 12 == max(fitted)
    assert any("fine-tuning learns from 5 of them, and the head from all" in line for line in said.lines)


def killed(*_: object) -> tuple[Bundle, dict[str, object]]:
    raise KilledError
