from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.catalog.embeddings import sizes_by_backbone
from classifier.doctor.estimate import LOOK_BYTES, about, estimate
from classifier.records import Duplicates
from classifier.settings import RuntimeSettings, Settings, SortSettings, TrainSettings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle
from kit.speeds import SPEED
from kit.tinted import png, tinted
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_all_pictures_take_as_long_as_was_measured() -> None:
    found = estimate(SPEED, count=300_000, settings=Settings())

    assert (6_000, 8) == (found.sort, found.head)
    assert 300_000 * 7_272 + 1_000_000_000 == found.disk
    assert 10 * 27_272 == estimate(SPEED, count=10, settings=Settings()).disk


def test_what_copies_are_found_by_takes_what_is_estimated(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "model").folder
    crawl = make_tree(tmp_path / "crawl", {f"{number}.png": png(tinted("red", number)) for number in range(3)})
    settings = Settings(sort=SortSettings(duplicates=Duplicates.FOLDER), runtime=RuntimeSettings(workers=0))
    sort(crawl, library=tmp_path / "sorted", bundle=bundle, settings=settings)
    sizes = sizes_by_backbone(tmp_path / "sorted")

    headers = 2 * 64
    assert 3 * LOOK_BYTES + headers == sum(size for name, size in sizes.items() if name.startswith("look"))


@pytest.mark.parametrize(
    ("train", "seconds"),
    [
        (TrainSettings(), 16 * 200 * 3 / 20 + 200 * (4 + 3 * 3.25 + 3 + 2.25) / 50),
        (TrainSettings(folds=5), 16 * 200 * 5 / 20 + 200 * (4 + 5 * 3.25 + 3 + 2.25) / 50),
        (TrainSettings(folds=1), 16 * 200 * 1.8 / 20 + 200 * (4 * 0.2 + 3.25 + 3 + 2.25) / 50),
        (TrainSettings(minutes=2), 120),
    ],
)
def test_fine_tuning_learns_in_every_epoch_of_every_fold_and_checks_four_times(
    train: TrainSettings, seconds: float
) -> None:
    """And looks at all labels once as it learned and once at 2.25 times the pixels, in the end at those alone."""
    assert seconds == pytest.approx(estimate(SPEED, count=1, settings=Settings(train=train)).finetune)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "10 s"),
        (41, "50 s"),
        (59, "1 min"),
        (200, "4 min"),
        (1_810, "35 min"),
        (3_590, "1 h"),
        (6_000, "1 h 40 min"),
        (36_100, "11 h"),
        (169_300, "2 days"),
        (200_000, "3 days"),
    ],
)
def test_a_time_is_rounded_up_to_what_an_estimate_can_say(seconds: float, text: str) -> None:
    assert text == about(seconds)
