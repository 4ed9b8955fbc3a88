"""Pictures from one color of the color model to another: sure ones and doubtful ones, one twice, one unlike all."""

from __future__ import annotations

from typing import Any

from kit.pictures import COLORS, encoded, plain


def between(first: str, second: str, share: float) -> bytes:
    color = (round((1 - share) * a + share * b) for a, b in zip(COLORS[first], COLORS[second], strict=True))
    return encoded(plain(tuple(color)), "PNG")


BETWEEN: dict[str, Any] = {
    f"{number:02}.png": between(*pair, 0.5 * number / 30)
    for number, pair in enumerate([("blue", "green"), ("green", "red"), ("red", "blue")] * 10)
}
BETWEEN |= {"bad.png": b"<html>", "again.png": BETWEEN["03.png"], "yellow.png": encoded(plain(COLORS["yellow"]), "PNG")}
