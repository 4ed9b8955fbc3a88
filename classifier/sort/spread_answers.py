"""Spreads a model's answers over the pictures near each other, among all that it has an answer and an embedding of.

What the held-out labels come to is made in the same way: for each fold by its own head and the labels of the others,
with its own labels among the pictures that nobody has labeled. So temperature and guarantee hold for spread answers.
"""

# Shapes: N nodes, L labels, E held-out images, K categories.

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog import spreadings
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.shards import read_rows
from classifier.catalog.spreadings import Spreading
from classifier.errors import Message
from classifier.model.bundle_files import FOLD_HEADS
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.spreading import graph_of, spread
from classifier.records import Selection
from classifier.sort.apply import pause_gc
from classifier.sort.graph_nodes import Location, Nodes, read_nodes
from classifier.sort.kept_neighbors import kept_nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from classifier.catalog.connection import Catalog
    from classifier.model.bundle import Bundle
    from classifier.model.fold_heads import FoldHeads
    from classifier.model.holdout import HoldoutPredictions
    from classifier.model.labeled_embeddings import LabeledEmbeddings
    from classifier.progress import Progress
    from classifier.records import ImageId
    from classifier.settings import Settings

_METHOD: Final = "1"
"""Changes with what is reckoned here, so that answers are spread anew."""
_MOST_LACKING: Final = 0.01
"""Of the pictures, without an embedding: with more, what holds for held-out labels would not hold for the rest."""


def will_spread(model: Bundle, settings: Settings) -> bool:
    """Whether a sort with this model spreads its answers, as far as is known before."""
    is_asked = settings.sort.embeddings and settings.sort.neighbors
    return is_asked and bool(model.manifest.backbone_key) and FOLD_HEADS in model.manifest.files


@pause_gc()
def restore_own_answers(catalog: Catalog, library: Path, model: Bundle) -> bool:
    """Have the model's own answers again where they are spread, by the stored embeddings; whether any were.

    Where an embedding cannot be read, the answer is forgotten, so that the picture is predicted again.
    """
    key, backbone = model.manifest.key, model.manifest.backbone_key
    if spreadings.spreading_of(catalog, key) is None or (head := model.load_combined_head()) is None:
        return False
    locations = spreadings.locations(catalog, backbone=backbone)
    own: dict[ImageId, bytes] = {}
    for part in read_rows(embeddings_folder(library, backbone), locations, widths=head.widths):
        logits = logits_as_bytes(head(part.embeddings, part.stats))
        own.update(zip(part.image_ids, logits, strict=True))
    lost = [image_id for _, _, image_id in locations if image_id not in own]
    spreadings.restore(catalog, sorted(own.items()), lost, model=key)
    return True


@pause_gc()
def spread_answers(
    catalog: Catalog, library: Path, model: Bundle, *, run: int, crawl: Path, progress: Progress
) -> bool:
    """Spread the answers of the model where they are not yet; False where too many embeddings of `crawl` are lacking.

    All that the library knows is spread over, whichever crawl it is of.
    """
    key, backbone = model.manifest.key, model.manifest.backbone_key
    if spreadings.share_lacking(catalog, model=key, backbone=backbone, crawl=crawl, run=run) > _MOST_LACKING:
        return False
    locations = spreadings.locations(catalog, backbone=backbone)
    state, known = _state(catalog, model, locations), spreadings.spreading_of(catalog, key)
    if known is not None and known.state == state:
        return True
    labeled, head = model.load_labeled_embeddings(), model.load_combined_head()
    folds = None if labeled is None else model.load_fold_heads(labeled)
    if labeled is None or folds is None or head is None:
        return False
    folder = embeddings_folder(library, backbone)
    with progress.stage(Message("reading what is kept"), total=len(locations), unit="picture") as stage:
        nodes = read_nodes(folder, locations, labeled, (head, *folds.heads), advance=stage.advance)
    if len(locations) - nodes.stored > _MOST_LACKING * len(locations):
        return False
    with progress.stage(Message("comparing with neighbors"), total=None, unit=""):
        graph, holdout = graph_of(*kept_nearest(folder, nodes)), model.load_holdout()
        answers, evidence = spread_over(graph, nodes, labeled, folds, holdout, temperature=model.manifest.temperature)
    stored = zip(nodes.image_ids[: nodes.stored], logits_as_bytes(answers[: nodes.stored]), strict=True)
    kept = None if evidence is None else evidence.astype("<f4").tobytes()
    spreadings.record(catalog, Spreading(state=state, logits=kept), sorted(stored), model=key)
    return True


def spread_holdout(catalog: Catalog, model: Bundle) -> HoldoutPredictions | None:
    """What the held-out labels came to when the answers of the model were spread; their own where they are not.

    An image that was drawn and is nowhere in the graph has no answer, so it is unjudged.
    """
    holdout, known = model.load_holdout(), spreadings.spreading_of(catalog, model.manifest.key)
    if holdout is None or known is None or known.logits is None:
        return holdout
    shape = len(holdout), len(model.manifest.categories)
    logits = np.frombuffer(known.logits, "<f4").reshape(shape).astype(np.float32)
    is_answered = [bool(np.isfinite(row).all()) for row in logits]
    lost = [one for one, there in zip(holdout.selections, is_answered, strict=True) if not there]
    there = replace(holdout, logits=logits).rows(is_answered)
    return replace(there, unjudged=holdout.unjudged + lost.count(Selection.RANDOM))


def _state(catalog: Catalog, model: Bundle, locations: Sequence[Location]) -> str:
    """What the answers follow from: the model, what they are spread over, and which pictures have one."""
    manifest = model.manifest
    digest = hashlib.sha256("".join(image_id for _, _, image_id in locations).encode()).hexdigest()
    parts = (
        _METHOD,
        manifest.files[FOLD_HEADS],
        manifest.labelled_sha256,
        manifest.evidence_sha256,
        digest,
        spreadings.answered(catalog, manifest.key),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def spread_over(
    graph: csr_array,
    nodes: Nodes,
    labeled: LabeledEmbeddings,
    folds: FoldHeads,
    holdout: HoldoutPredictions | None,
    *,
    temperature: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Spread logits of all nodes, (N, K), and of the held-out images, (E, K), to be divided by `temperature`."""

    def mixed(head: int, learned: NDArray[np.bool_], held_out: NDArray[np.bool_]) -> NDArray[np.float32]:
        labels = np.full(len(nodes.image_ids), -1)
        labels[nodes.labels[learned]] = labeled.targets[learned]
        labels[nodes.labels[held_out]] = -1  # even where the same image is a label twice
        return spread(graph, probabilities(nodes.logits[head].astype(np.float32), temperature), labels)

    is_label = np.ones(len(labeled), dtype=np.bool_)
    answers = mixed(0, is_label, ~is_label)
    judged = np.full((len(labeled), answers.shape[1]), np.nan, np.float32)
    for number in range(len(folds.heads)):
        held_out = folds.judge == number
        judged[held_out] = mixed(number + 1, folds.learned[number], held_out)[nodes.labels[held_out]]
    rows = folds.judge >= 0
    scale = np.float32(temperature / fit_temperature(judged[rows], labeled.targets[rows]))
    evidence = None if holdout is None else _evidence(holdout, nodes, labeled, judged, answers)
    return answers * scale, None if evidence is None else evidence * scale


def _evidence(
    holdout: HoldoutPredictions,
    nodes: Nodes,
    labeled: LabeledEmbeddings,
    judged: NDArray[np.float32],
    answers: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Log probabilities of the held-out images, (E, K): of those of no category what the crawl has; else not finite."""
    label_of: dict[ImageId, int] = {image_id: row for row, image_id in enumerate(labeled.image_ids)}
    node_of: dict[ImageId, int] = {image_id: node for node, image_id in enumerate(nodes.image_ids)}
    rows = np.full((len(holdout), answers.shape[1]), np.nan, np.float32)
    for place, image_id in enumerate(holdout.image_ids):
        if image_id in label_of:
            rows[place] = judged[label_of[image_id]]
        elif image_id in node_of:
            rows[place] = answers[node_of[image_id]]
    return rows
