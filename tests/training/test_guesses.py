"""What networks guess of the crawl, and from whose guesses each learns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from classifier.errors import Message
from classifier.inference.reader import Limits
from classifier.inference.worker_pool import WorkerPool
from classifier.model.transforms import EvalTransform
from classifier.progress import Stage, StageName
from classifier.records import Example, Split
from classifier.settings import TrainSettings
from classifier.training import checkpoint, guesses, stages
from classifier.training.checkpoint import Epoch
from classifier.training.context import Hyperparameters, TrainingContext
from classifier.training.guesses import CrawlAnswers
from classifier.training.helping import FineTuning
from classifier.training.micro_batches import MicroBatches
from classifier.training.train import train
from kit.learning import CATEGORIES, cpu, drawn_examples, tiny_network
from kit.progress import SavingProgress

RECIPE = Hyperparameters.from_settings(
    TrainSettings(recipe="finetune", epochs=2, batch_size=8, learning_rate=1e-3), image_size=32
)


@dataclass
class Codes(SavingProgress):
    """Keeps the codes of stages too, in the order in which they begin."""

    codes: list[object] = field(default_factory=list)

    def stage(self, name: Message, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:
        """Keep the stage and its code."""
        assert isinstance(name, StageName)
        self.codes.append(name.code)
        return super().stage(name, total=total, unit=unit)


def context(folder: Path, crawl: tuple[Example, ...] = (), *, recipe: Hyperparameters = RECIPE) -> TrainingContext:
    return TrainingContext(
        network=tiny_network().eval(),
        categories=CATEGORIES,
        recipe=recipe,
        transform=EvalTransform(image_size=32),
        runtime=cpu(),
        micro_batches=MicroBatches(torch.device("cpu"), most=8, say=print),
        max_megapixels=1,
        pool=WorkerPool(Limits(deadline_s=60, worker_gigabytes=3), workers=0),
        folder=folder / "state",
        progress=SavingProgress(),
        crawl=crawl,
    )


def answers(examples: Sequence[Example], shares: list[list[float]], *, unknown: Sequence[int] = ()) -> CrawlAnswers:
    return CrawlAnswers(
        examples=tuple(examples),
        shares=np.array(shares),
        is_unknown=np.isin(np.arange(len(examples)), unknown),
    )


def test_networks_guess_by_the_mean_of_their_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one of them could not read is not learned from, nor what most of them call unknown."""
    monkeypatch.setattr(guesses, "SHARED_SHARE", 1.0)
    sure, torn, strange, gone = drawn_examples(tmp_path, first=0, count=2)[:4]
    blue, green, both = [0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1]
    shared = guesses.shared_guesses(
        context(tmp_path),
        [
            answers([sure, torn, strange, gone], [blue, both, blue, blue], unknown=[2]),
            answers([sure, torn, strange], [blue, green, blue], unknown=[2]),
            answers([gone, sure, torn, strange], [blue, blue, green, blue], unknown=[1]),
        ],
    )

    assert (sure, torn) == shared.examples
    assert [CATEGORIES.index("blue"), CATEGORIES.index("green")] == shared.targets.argmax(axis=1).tolist()


def three_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Split], tuple[Example, ...]]:
    """Three splits of the same labels, and a crawl; fine-tuned networks are kept whatever is held out."""
    monkeypatch.setattr(checkpoint, "is_significantly_better", lambda _losses, _last_losses: False)
    parts = [drawn_examples(folder, first=first, count=3) for first in (0, 3, 100)]
    folds = [Split(train=sum((one for one in parts if one is not part), ()), validation=part) for part in parts]
    drawn = drawn_examples(folder, first=200, count=5)
    return folds, tuple(replace(one, label=replace(one.label, category="")) for one in drawn)


@pytest.mark.parametrize(
    ("count", "learned"),
    [
        (3, ["learning-from-the-crawl-with-all-labels", "learning-from-the-crawl-with-all-labels-once-more"]),
        (1, ["fine-tuning-with-all-labels", "learning-from-the-crawl-with-all-labels"]),
    ],
)
def test_the_last_network_learns_from_what_those_of_the_folds_guess(
    count: int, learned: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a single fold's it does not, whose network has seen few of the labels: one of all labels guesses first."""
    folds, crawl = three_parts(tmp_path, monkeypatch)
    codes = Codes()
    run = replace(context(tmp_path, crawl), progress=codes)
    trained = train(run, folds[:count])

    assert 1.0 == trained.evaluation.accuracy
    states = sorted(path.name for path in (tmp_path / "state").glob("*-with-all-labels*.pt"))
    assert sorted(f"{stage}.pt" for stage in learned) == states
    after = [stages.ESTIMATING.code, stages.WRITING.code]
    assert [cost.code for cost in stages.stage_costs(run, folds[:count])] == [*codes.codes, *after]


def test_the_last_networks_begin_from_the_mean_of_those_of_the_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their heads are averaged too; two learn so, fewer epochs than they did and in other views, for their mean."""
    folds, crawl = three_parts(tmp_path, monkeypatch)
    run = context(tmp_path, crawl, recipe=replace(RECIPE, epochs=4))
    of_head = {id(parameter) for parameter in run.network.head.parameters()}  # fitted anew in the end
    head = {name for name, parameter in run.network.named_parameters() if id(parameter) in of_head}
    begun, ended, epochs, learn = [], [], [], FineTuning.run

    def spy(task: FineTuning, **arguments: Any) -> tuple[int, tuple[Epoch, ...]]:
        epochs.append((task.recipe.epochs, task.stop_after))
        begun.append(run.weights())
        kept = learn(task, **arguments)
        ended.append(run.weights())
        return kept

    monkeypatch.setattr(FineTuning, "run", spy)
    train(run, folds)

    assert [(4, 4)] * 6 + [(2, 2)] * 2 == epochs
    of_folds = ended[1:6:2]  # each learned from its labels, and then from the crawl
    assert any(not torch.equal(weights, of_folds[1][name]) for name, weights in of_folds[0].items())
    learned, again = ended[-2:]
    assert any(not torch.equal(weights, again[name]) for name, weights in learned.items())
    for name, weights in run.network.named_parameters():
        mean = torch.stack([network[name] for network in of_folds]).mean(dim=0)
        torch.testing.assert_close(begun[-2][name], mean)
        torch.testing.assert_close(begun[-1][name], mean)
        if name not in head:
            torch.testing.assert_close(weights, (learned[name] + again[name]) / 2)
