from __future__ import annotations

from pathlib import Path

import pytest

from classifier.doctor import speed
from classifier.doctor.speed import measure
from classifier.errors import ModelError
from classifier.inference.device import Runtime, runtime_from_settings
from classifier.settings import ImageSettings, ModelSettings, RuntimeSettings, Settings, TrainSettings
from kit.pictures import COLORS, encoded, varied

SETTINGS = Settings(
    model=ModelSettings(image_size=32),
    train=TrainSettings(batch_size=2),
    images=ImageSettings(max_megapixels=1),
    runtime=RuntimeSettings(device="cpu", engine="torch", workers=0),
)


def both(settings: Settings) -> tuple[Runtime, Runtime]:
    return runtime_from_settings(settings.runtime, training=False), runtime_from_settings(settings.runtime)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Eight pictures and a file that is none."""
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for path in paths:
        path.write_bytes(encoded(varied(COLORS["red"], seed=int(path.stem)), "PNG"))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    return [*paths[:4], tmp_path / "broken.png", *paths[4:]]


@pytest.mark.parametrize("workers", [0, 1])
def test_reading_network_and_training_are_measured(pictures: list[Path], workers: int) -> None:
    settings = SETTINGS.model_copy(update={"runtime": SETTINGS.runtime.model_copy(update={"workers": workers})})
    found = measure("embedded", pictures, count=9, settings=settings, runtimes=both(settings))

    assert ("embedded", "torch", 9, 1) == (found.backbone, found.engine, found.tried, found.unread)
    assert all(rate > 0 for rate in (found.reading, found.network, found.sorting, found.training or 0))
    assert found.row_bytes > 44 + 2 * 1_280


def test_where_training_has_too_little_memory_there_is_no_speed_of_it(
    pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ModelError("the memory is full")

    monkeypatch.setattr(speed, "finetune", full)

    assert measure("embedded", pictures, count=9, settings=SETTINGS, runtimes=both(SETTINGS)).training is None


def test_a_crawl_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="none of 1 pictures that were tried can be read"):
        measure("embedded", [tmp_path / "1.png"], count=1, settings=SETTINGS, runtimes=both(SETTINGS))
