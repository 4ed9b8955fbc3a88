from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from classifier.doctor import measuring
from classifier.doctor.crawl import Crawl
from classifier.doctor.estimate import Estimate
from classifier.doctor.finding import Finding, Level
from classifier.doctor.measuring import measure_all
from classifier.doctor.speed import Speed
from classifier.errors import ModelError
from classifier.model.pretrained import EMBEDDED, PretrainedPackage
from classifier.settings import ModelSettings, Settings
from kit.progress import SavingProgress
from kit.speeds import SPEED

CRAWL = Crawl(folder=Path("crawl"), count=1_000, sample=(Path("1.jpg"), Path("2.jpg")))


@pytest.fixture(autouse=True)
def only_the_smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the weights of the default backbone alone are installed."""

    def weights(package: PretrainedPackage) -> str:
        if package is not EMBEDDED["embedded"]:
            raise ModelError("not installed")
        return "weights"

    monkeypatch.setattr(PretrainedPackage, "weights", weights)


def give(monkeypatch: pytest.MonkeyPatch, speed: Speed | ModelError) -> None:
    def measure(backbone: str, *_: object, **__: object) -> Speed:
        if isinstance(speed, ModelError):
            raise speed
        return replace(speed, backbone=backbone)

    monkeypatch.setattr(measuring, "measure", measure)


def examined(settings: Settings | None = None) -> list[Finding | Estimate]:
    return list(measure_all(CRAWL, settings or Settings(), SavingProgress()))


def found(code: str, settings: Settings | None = None) -> Finding:
    [one] = [one for one in examined(settings) if isinstance(one, Finding) and one.code == code]
    return one


def test_the_speed_is_told_with_what_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, SPEED)
    told, reckoned = examined()

    assert isinstance(told, Finding)
    assert isinstance(reckoned, Estimate)
    assert (Level.OK, "speed") == (told.level, told.code)
    assert told.message == (
        "embedded: sorts 50 pictures a second by torch; reading alone 80, the network alone 70, so the network holds "
        "it up"
    )
    assert 20 == reckoned.sort

    give(monkeypatch, replace(SPEED, reading=60))
    assert found("speed").message.endswith("so reading holds it up")


def test_every_backbone_whose_weights_are_here_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: dict[str, int] = {}

    def measure(backbone: str, sample: Sequence[Path], **_: object) -> Speed:
        tried[backbone] = len(sample)
        return replace(SPEED, backbone=backbone)

    monkeypatch.setattr(measuring, "measure", measure)
    monkeypatch.setattr(PretrainedPackage, "weights", lambda _: "weights")
    settings = Settings(model=ModelSettings(backbone="embedded-lite2"))
    named = [one.backbone for one in examined(settings) if isinstance(one, Estimate)]

    assert ["embedded-lite2", "embedded", "embedded-lite1"] == named
    assert {"embedded-lite2": 2, "embedded": 1, "embedded-lite1": 1} == tried


def test_a_backbone_that_would_be_downloaded_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, SPEED)
    settings = Settings(model=ModelSettings(backbone="hf-hub:someone/something"))

    assert found("speed.not_measured", settings).level is Level.HINT
    assert ["embedded"] == [one.backbone for one in examined(settings) if isinstance(one, Estimate)]


def test_a_backbone_that_cannot_be_loaded_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, ModelError("it is damaged"))

    assert (True, "embedded cannot be measured: it is damaged") == (
        found("speed.failed").is_problem,
        found("speed.failed").message,
    )


def test_pictures_that_cannot_be_read_are_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, replace(SPEED, unread=3))

    assert (Level.HINT, "3 of 80 pictures that were tried cannot be read") == (
        found("speed.unread").level,
        found("speed.unread").message,
    )


def test_too_little_memory_to_fine_tune_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, replace(SPEED, training=None))

    assert found("train.memory").is_problem


def test_fine_tuning_for_more_than_an_hour_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, replace(SPEED, training=1.0))

    assert (
        "fine-tuning on 200 labels takes about 2 h 50 min",
        "without a GPU illsort train trains a head by itself, about 10 s; --set train.minutes=60 limits fine-tuning",
    ) == (found("train.slow").message, found("train.slow").remedy)
