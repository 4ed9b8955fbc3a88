"""A bundle's files as a report reads them, without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.model.bundle_files import HOLDOUT
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.records import ImageId, Selection
from kit.pictures import COLORS, encoded, plain

CATEGORIES = ("blue", "green & b", "红色")


@pytest.fixture
def labels(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "labels" / f"<u>{number}.png" for number in range(3)]
    paths[0].parent.mkdir()
    for path, color in zip(paths, COLORS.values(), strict=False):
        path.write_bytes(encoded(plain(color), "PNG"))
    return paths


@pytest.fixture
def bundle(tmp_path: Path, labels: list[Path]) -> Path:
    """With everything that a report can tell."""
    folder = tmp_path / "models" / "mine & <i>yours"
    folder.mkdir(parents=True)
    write_manifest(folder)
    evidence(labels).save(folder / HOLDOUT)
    (folder / "evaluation.json").write_text(json.dumps(told(labels)), encoding="utf-8")
    return folder


def write_manifest(folder: Path, **changes: Any) -> None:
    values = {
        "format": 1,
        "categories": CATEGORIES,
        "image_size": 64,
        "max_squeeze": 2.0,
        "temperature": 1.5,
        "threshold": 0.9,
        "backbone": "embedded",
        "measured": {"labels": 300},
        "settings": {"images": {"max_megapixels": 64}},
        "versions": {"illsort": "0.1", "torch": "2.6"},
    }
    (folder / "illsort.json").write_text(json.dumps(values | changes), encoding="utf-8")


def evidence(labels: list[Path], *, count: int = 300) -> HoldoutPredictions:
    draws = np.random.default_rng(0)
    targets = np.arange(count) % 3
    logits = 3 * np.eye(3)[targets] + draws.normal(size=(count, 3))
    paths = [path.as_posix() for path in labels]
    return HoldoutPredictions(
        logits=logits.astype(np.float32),
        targets=targets,
        groups=np.arange(count),
        image_ids=tuple(ImageId(f"{number:064x}") for number in range(count)),
        paths=tuple(paths[number % 3] for number in range(count)),
        method=HoldoutMethod(3),
        selections=(Selection.RANDOM,) * count,
    )


def told(labels: list[Path]) -> dict[str, Any]:
    """What learning adds to the measured: doubts and the curve."""
    expected = {"mean": 0.93, "low": 0.91, "high": 0.95}
    path = labels[0].as_posix()
    doubt = {"path": path, "category": "blue", "likely": "红色", "wrong": 0.9, "confidence": 0.8}
    gone = doubt | {"path": "nowhere/gone.png"}
    return {
        "doubts": {"count": 300, "likely_wrong": 4, "labels": [doubt, gone]},
        "curve": {
            "max_errors": [0.02, 0.05, 0.1],
            "points": [{"labels": 50 * n, "accuracy": 0.2 * n, "coverage": [0.1, 0.2, 0.3]} for n in (1, 2, 3, 4)],
            "forecasts": [
                {"times": times, "labels": 300 * times, "accuracy": expected, "coverage": [expected] * 3}
                for times in (2, 4)
            ],
            "needs": [{"category": "blue", "labels": 100, "unsettled": 0.05, "gain": 0.01}],
            "saw_labels": True,
        },
    }
