"""Decides the rows of files of answers by one policy, exactly as a sort into a new library decides them.

The answers are the model's own, or follow from kept embeddings by its head where another head of the same backbone
answered. They are not spread over near pictures, which takes the embeddings of all at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.decision.by_policy import decide_by
from classifier.decision.policy import CategoryMerge, merge_categories
from classifier.errors import StorageError
from classifier.model.bundle import open_bundle
from classifier.model.calibration import probabilities
from classifier.parts.answer_files import find_answers
from classifier.parts.answers_meta import short_key
from classifier.parts.decision_files import DecisionName
from classifier.sort.resolve_policy import OfLibrary, resolve_policy, with_least_rate
from classifier.sort.resume import request_from
from classifier.sort.reuse_embeddings import answers_of, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.decision.policy import Policy
    from classifier.model.bundle import Bundle
    from classifier.model.combined_head import Head
    from classifier.model.ood import OodDetector
    from classifier.parts.answer_files import AnswerFolder
    from classifier.parts.answered_rows import AnsweredRows
    from classifier.progress import Progress
    from classifier.records import Decision
    from classifier.settings import Settings

_HASH_DIGITS = 8


class Asked(NamedTuple):
    """What is asked of the policy: the options of `pipeline.sort` of these names."""

    threshold: float | None = None
    max_error: float | None = None
    best: bool = False


class Answered(NamedTuple):
    """Float32 logits (M, K) of the M decoded rows, and how unlike the labels each is, where that is known."""

    logits: NDArray[np.float32]
    ood_scores: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDecider:
    """Decides files of answers by one policy; `head` is None where the answers are the model's own."""

    folder: AnswerFolder
    model: Bundle
    policy: Policy
    merge: CategoryMerge
    name: DecisionName
    head: Head | None
    detector: OodDetector | None

    @property
    def filing(self) -> str:
        """What names all that is decided, however it was asked for: other decisions, or answers, have another name."""
        policy = self.policy
        deciding = (policy.manifest.temperature, policy.thresholds, policy.unknown_threshold, policy.review_threshold)
        parts = map(repr, (self.folder.meta.model, *deciding, policy.guarantee is not None, self.folder.names))
        digest = hashlib.sha256("|".join(parts).encode()).hexdigest()
        return f"{short_key(self.model.manifest.key)}.{digest[:_HASH_DIGITS]}"

    def decided(self, name: str) -> Iterator[tuple[AnsweredRows, list[Decision | None]]]:
        """The rows of a file, some thousands at a time, with the decisions on those that are decoded, in their order.

        None stands for a row that this head cannot answer. Raises StorageError in one line for a damaged file.
        """
        first = dict[str, "Decision"]()
        for rows in self.folder.rows(name, embeddings=self.head is not None):
            # The same image twice may be answered with other last bits.
            yield rows, [one and first.setdefault(one.image_id, one) for one in self._decisions(rows, name)]

    def answers(self, rows: AnsweredRows, name: str) -> Answered:
        """What the rows of a file are decided by. Raises StorageError where what is kept is too little for the head."""
        if self.head is None:
            return Answered(rows.logits, rows.ood_scores)
        if not rows.has_embeddings or not fits(rows.embeddings, self.head, self.detector):
            raise StorageError(
                "{url}/{name}: what it keeps of each picture is too little for this model's head; run illsort predict "
                "with this model",
                url=self.folder.storage.url,
                name=name,
            )
        return Answered(*answers_of(rows.embeddings, self.head, self.detector))

    def _decisions(self, rows: AnsweredRows, name: str) -> list[Decision | None]:
        if not len(rows.decoded):
            return []
        logits, ood_scores = self.answers(rows, name)
        is_usable: NDArray[np.bool_] = np.asarray(np.isfinite(logits).all(axis=1))
        probs = self.merge(probabilities(np.where(is_usable[:, None], logits, 0), self.policy.manifest.temperature))
        decided = decide_by(
            self.policy, self.merge, rows.image_ids, probs, truncated=rows.truncated, ood_scores=ood_scores
        )
        return [one if usable else None for one, usable in zip(decided, is_usable.tolist(), strict=True)]


def open_decider(answers: str, *, bundle: Path, settings: Settings, asked: Asked, progress: Progress) -> AnswerDecider:
    """The policy of a sort into a library that says nothing, over the answers at a path or URL.

    Raises ModelError or StorageError in one line where the model or its answers cannot be used.
    """
    model = open_bundle(bundle)
    folder = find_answers(answers, model, other_heads=True)
    request = request_from(settings, **asked._asdict(), bundle=model.folder)
    holdout = model.load_holdout()
    rated = with_least_rate(request, model, holdout)
    policy = resolve_policy(rated, model, settings, holdout=holdout, of=OfLibrary(), progress=progress)
    is_own = folder.meta.model == model.manifest.key
    return AnswerDecider(
        folder=folder,
        model=model,
        policy=policy,
        merge=merge_categories(policy.manifest.categories, policy.thresholds, policy.names),
        name=_name(folder, model, policy),
        head=None if is_own else model.load_head(),
        detector=None if is_own else model.load_ood(),
    )


def _name(folder: AnswerFolder, model: Bundle, policy: Policy) -> DecisionName:
    parts = (
        folder.meta.model,
        str(policy.manifest.temperature),
        *map(str, policy.thresholds),
        str(policy.unknown_threshold),
        str(policy.review_threshold),
        str(policy.strictness.max_error),
        str(policy.strictness.promise),
    )
    return DecisionName(model.manifest.key, hashlib.sha256("|".join(parts).encode()).hexdigest()[:_HASH_DIGITS])
