"""A real bundle that answers by color: a tiny random network with a head fitted on red, green and blue."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from classifier.model.backbone import Network
from classifier.model.bundle import Bundle, BundleParts
from classifier.model.combined_head import fit_combined_head
from classifier.model.fold_heads import FoldHeads
from classifier.model.head import LinearHead
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.model.manifest import Manifest
from classifier.model.ood import OodDetector, fit_ood
from classifier.model.tags import Tags
from classifier.model.trained import load_network, save_bundle
from classifier.model.transforms import EvalTransform
from classifier.records import ImageId, Selection
from kit.pictures import COLORS, varied

CATEGORIES = ("blue", "green", "red")
_SIZE = 32


def color_bundle(
    folder: Path,
    *,
    threshold: float = 0.9,
    evidence: int = 0,
    novelty: bool = False,
    labeled: bool = False,
    tagged: bool = False,
    combined: bool = False,
    spreads: bool = False,
    selection: Selection = Selection.RANDOM,
    seed: int = 0,
) -> Bundle:
    """Save a bundle with the categories blue, green and red; a picture of another color leaves it unsure.

    `evidence` is how many pictures it was judged by, more and less blended with another color. With `novelty` it
    tells pictures that are unlike those of the three colors. With `labeled` a new head can be fitted. With `tagged`
    it has tags, as those of a tagger: each color, and ratings that are blue and red. `combined` answers by a head
    that takes statistics too. With `spreads` a sort spreads its answers: it is `labeled` and `combined`, and judged by
    its labels. `selection` is how all of its labels were selected. Another `seed` makes another
    backbone.
    """
    torch.manual_seed(seed)
    network = Network(timm.create_model("test_efficientnet", pretrained=False, num_classes=3), image_size=_SIZE).eval()
    rng = np.random.default_rng(0)
    colors = np.repeat(np.array([COLORS[category] for category in CATEGORIES]), 40, axis=0)
    noisy = np.clip(colors + rng.normal(0, 12, colors.shape), 0, 255).astype(np.uint8)
    pixels = torch.from_numpy(noisy)[:, :, None, None].expand(-1, -1, _SIZE, _SIZE)
    with torch.inference_mode():
        embeddings, stats = (part.numpy() for part in network.embed_with_stats(network.normalize(pixels)))
    scale = np.abs(embeddings).max()
    head = LogisticRegression(C=20.0, max_iter=1000).fit(embeddings / scale, np.repeat(np.arange(3), 40))
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(head.coef_ / scale))
        network.head.bias.copy_(torch.from_numpy(head.intercept_))
    manifest = Manifest(
        categories=CATEGORIES,
        image_size=_SIZE,
        max_squeeze=2.0,
        temperature=1.0,
        threshold=threshold,
        backbone="test",
        measured={},
        settings={},
        versions={},
    )
    labeled, combined = labeled or spreads, combined or spreads
    seen = replace(color_evidence(network, evidence), selections=(selection,) * evidence) if evidence else None
    known = replace(color_labeled(embeddings), selections=(selection,) * len(embeddings)) if labeled else None
    if known is not None and combined:
        known = replace(known, stats=stats)
    folds, seen = color_folds(known) if known is not None and spreads else (None, seen)
    return save_bundle(
        folder,
        network=network,
        manifest=manifest,
        evaluation={},
        parts=BundleParts(
            holdout=seen,
            ood=color_novelty(network) if novelty else None,
            labeled=known,
            tags=color_tags(network) if tagged else None,
            head=fit_combined_head(embeddings, stats, np.repeat(np.arange(3), 40)) if combined else None,
            folds=folds,
        ),
    )


def color_folds(labeled: LabeledEmbeddings) -> tuple[FoldHeads, HoldoutPredictions]:
    """Two heads, each fitted to every second label, and what they say of the others."""
    assert labeled.stats is not None
    judge = np.arange(len(labeled)) % 2
    learned = judge[None] != np.arange(2)[:, None]
    heads = tuple(
        fit_combined_head(labeled.embeddings[rows], labeled.stats[rows], labeled.targets[rows]) for rows in learned
    )
    logits = np.stack([head(labeled.embeddings, labeled.stats) for head in heads])
    holdout = HoldoutPredictions(
        logits=logits[judge, np.arange(len(judge))],
        targets=labeled.targets,
        groups=labeled.groups,
        image_ids=labeled.image_ids,
        paths=labeled.paths,
        method=HoldoutMethod(2),
        selections=labeled.selections,
    )
    return FoldHeads(heads=heads, learned=learned, judge=judge), holdout


def color_tags(network: Network) -> Tags:
    """A character blue, the tags green and red, and the ratings general and explicit, as likely as blue and red."""
    weight, bias = (part.detach().numpy().copy() for part in (network.head.weight, network.head.bias))
    rows = [0, 1, 2, 0, 2]
    return Tags(
        names=(*CATEGORIES, "general", "explicit"),
        categories=("4", "0", "0", "9", "9"),
        head=LinearHead(weight=weight[rows], bias=bias[rows]),
    )


def with_another_head(folder: Path, bundle: Bundle, *, swap: bool = True, novelty: bool = False) -> Bundle:
    """The same backbone with a head that is surer and, with `swap`, takes red for blue and blue for red."""
    network = load_network(bundle)
    order = [2, 1, 0] if swap else [0, 1, 2]
    with torch.no_grad():
        network.head.weight.copy_(1.5 * network.head.weight[order])
        network.head.bias.copy_(1.5 * network.head.bias[order])
    return save_bundle(
        folder,
        network=network,
        manifest=bundle.manifest.model_copy(update={"novelty_sha256": ""}),
        evaluation={},
        parts=BundleParts(ood=color_novelty(network) if novelty else None),
    )


def color_labeled(embeddings: NDArray[np.float32]) -> LabeledEmbeddings:
    """The pictures of plain colors that the head of `color_bundle` was fitted to: 40 of each."""
    names = [hashlib.sha256(f"plain {number}".encode()).hexdigest() for number in range(len(embeddings))]
    return LabeledEmbeddings(
        embeddings=embeddings,
        targets=np.repeat(np.arange(len(CATEGORIES)), 40),
        groups=np.arange(len(embeddings)),
        image_ids=tuple(ImageId(name) for name in names),
        paths=tuple(f"{CATEGORIES[number // 40]}/{number}.png" for number in range(len(embeddings))),
        selections=(Selection.RANDOM,) * len(embeddings),
    )


def color_novelty(network: Network) -> OodDetector:
    """What 30 pictures of each color tell."""
    seen = [varied(COLORS[category], seed=1000 + number) for category in CATEGORIES for number in range(30)]
    transform = EvalTransform(image_size=_SIZE)
    pixels = torch.stack([transform(torch.from_numpy(np.array(image)).permute(2, 0, 1)) for image in seen])
    with torch.inference_mode():
        embeddings, stats = (part.numpy() for part in network.embed_with_stats(network.normalize(pixels)))
    return fit_ood(stats, embeddings, np.repeat(np.arange(len(CATEGORIES)), 30), np.arange(len(seen)))


def color_evidence(network: Network, count: int) -> HoldoutPredictions:
    """`count` pictures of one color blended with another; the more of the other, the oftener that is the truth."""
    rng = np.random.default_rng(1)
    colors = np.array([COLORS[category] for category in CATEGORIES])
    own = np.arange(count) % len(CATEGORIES)
    other = (own + rng.integers(1, len(CATEGORIES), count)) % len(CATEGORIES)
    share = rng.beta(0.3, 1.0, count)[:, None] / 2
    pixels = torch.from_numpy(((1 - share) * colors[own] + share * colors[other]).astype(np.uint8))
    with torch.inference_mode():
        logits = network(network.normalize(pixels[:, :, None, None].expand(-1, -1, _SIZE, _SIZE))).numpy()
    targets = np.where(rng.random(count) < share[:, 0] ** 2, other, own)
    return HoldoutPredictions(
        logits=logits.astype(np.float32),
        targets=targets.astype(np.int64),
        groups=np.arange(count),
        image_ids=tuple(ImageId(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(count)),
        paths=tuple(f"{CATEGORIES[truth]}/{number}.png" for number, truth in enumerate(targets)),
        method=HoldoutMethod(1),
        selections=(Selection.RANDOM,) * count,
    )
