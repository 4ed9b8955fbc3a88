"""A network that was fine-tuned on crops may see whole pictures better in more pixels: held-out labels decide."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifier.model.bundle import open_bundle
from classifier.model.origin import origin_of
from classifier.model.start import load_start
from classifier.model.trained import load_network
from classifier.progress import SilentProgress
from classifier.settings import ModelSettings, load
from classifier.sort.pipeline import sort
from classifier.training import checkpoint, train
from classifier.training.held_out import HeldOutLogits
from classifier.training.pipeline import train_model
from classifier.training.recipe import sharper_size
from kit.hub import tiny_backbone
from kit.pictures import COLORS, encoded, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.bundle import Bundle


@pytest.mark.parametrize(
    ("learned", "seen"), [(32, 64), (33, 64), (224, 320), (256, 384), (320, 384), (384, 384), (448, 448)]
)
def test_more_pixels_are_half_more_up_to_what_was_measured(learned: int, seen: int) -> None:
    assert seen == sharper_size(learned)


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, *, better: str) -> Bundle:
    """A fine-tuned model, of which what was held out suits the `better` of both sizes."""
    losses = iter([1.0, 2.0] if better == "sharper" else [2.0, 1.0])  # of more pixels first
    monkeypatch.setattr(train, "loss", lambda *_: next(losses))
    monkeypatch.setattr(checkpoint, "is_significantly_better", lambda *_: False)  # keeps what fine-tuning came to
    for kind in ("red", "green"):
        pictures = {f"{number}.png": encoded(varied(COLORS[kind], seed=number), "PNG") for number in range(6)}
        make_tree(folder / "labels" / kind, pictures)
    backbone = tiny_backbone(folder / "backbone")
    given = {
        "labels.folder": folder / "labels",
        "model.folder": folder / "model",
        "model.backbone": f"local-dir:{backbone}",
        "model.image_size": 32,
        "train.recipe": "finetune",
        "train.epochs": 1,
        "train.batch_size": 4,
        "train.folds": 2,
        "runtime.workers": 0,
        "runtime.device": "cpu",
    }
    train_model(load(None, [f"{key}={value}" for key, value in given.items()]))
    return open_bundle(folder / "model")


@pytest.mark.parametrize(("better", "seen"), [("sharper", 64), ("as learned", 32)])
def test_a_model_sees_pictures_as_held_out_labels_were_seen_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: str, seen: int
) -> None:
    bundle = trained(tmp_path, monkeypatch, better=better)
    manifest = bundle.manifest

    assert (seen, 32, seen) == (manifest.image_size, manifest.view_size, load_network(bundle).image_size)
    holdout = bundle.load_holdout()
    assert holdout is not None
    summary = sort(
        tmp_path / "labels",
        library=tmp_path / "sorted",
        bundle=bundle.folder,
        settings=load(None, ["runtime.workers=0", "runtime.device=cpu"]),
    )
    assert 0 == summary["failed"]


def test_what_starts_from_such_a_model_learns_in_as_many_pixels_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = trained(tmp_path, monkeypatch, better="sharper")
    start = partial(ModelSettings, backbone=f"local-dir:{bundle.folder}")

    origin = origin_of(start())
    assert (0, 32) == (origin.image_size, origin.view_size)  # a head on it sees what the network sees
    origin = origin_of(start(image_size=48))
    assert (48, 0) == (origin.image_size, origin.view_size)
    settings = load(None, [f"model.backbone=local-dir:{bundle.folder}"])
    loaded = load_start(settings, num_categories=2, progress=SilentProgress())
    assert (64, 32) == (loaded.transform.image_size, loaded.view_size)


@pytest.mark.parametrize("is_sharper", [True, False])
def test_the_better_size_is_that_of_the_greater_likelihood(is_sharper: bool) -> None:
    surely = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]], dtype=np.float32)
    hardly = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    run: Any = SimpleNamespace(categories=("a", "b"), sharper=object(), targets=lambda _: np.array([0, 1, 0]))

    def judged(logits: NDArray[np.float32]) -> Any:
        judge = np.zeros(len(logits), np.int64)
        return HeldOutLogits(
            examples=("x", "y", "z"),  # type: ignore[arg-type]
            logits=logits,
            of_last_layer=logits,
            heads=(None,),  # type: ignore[arg-type]
            judge=judge,
        )

    as_learned, sharper = (hardly, surely) if is_sharper else (surely, hardly)
    outcome = train._FoldResult(judged=judged(as_learned), sharper=judged(sharper), epoch=1, history=(), answers=None)
    found, kept = train._better(run, [outcome])

    assert is_sharper == found
    assert np.array_equal(surely, kept.logits)
