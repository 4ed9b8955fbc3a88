"""Pictures from one color of the color model to another: sure ones and doubtful ones, one twice, one unlike all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kit.answers import answered
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path


def between(first: str, second: str, share: float) -> bytes:
    color = (round((1 - share) * a + share * b) for a, b in zip(COLORS[first], COLORS[second], strict=True))
    return encoded(plain(tuple(color)), "PNG")


BETWEEN: dict[str, Any] = {
    f"{number:02}.png": between(*pair, 0.5 * number / 30)
    for number, pair in enumerate([("blue", "green"), ("green", "red"), ("red", "blue")] * 10)
}
BETWEEN |= {"bad.png": b"<html>", "again.png": BETWEEN["03.png"], "yellow.png": encoded(plain(COLORS["yellow"]), "PNG")}


def answered_between(folder: Path) -> tuple[Path, Path]:
    """The folder of a model, and of what it answered to these pictures."""
    crawl, model = make_tree(folder / "crawl", BETWEEN), color_bundle(folder / "m", evidence=300, novelty=True)
    answers = replace(answered(crawl, model, embeddings=True), source=str(crawl)).write(folder / "answers")
    return model.folder, answers
