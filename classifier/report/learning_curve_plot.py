"""The learning curve as a figure: measured points and the forecast. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from classifier.report.i18n import Text, percent
from classifier.report.svg import Frame, area, axes, dot, line, svg, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

_STEPS: Final = 5
_HIGHEST_FLOOR: Final = 0.8


def learning_curve(curve: dict[str, Any], *, asked: int) -> Markup:
    """`curve` is as in evaluation.json; `asked` is which of its error rates coverage is shown at."""
    points, forecasts = curve["points"], curve["forecasts"]
    floor = _floor(points, forecasts, asked)
    frame = Frame(
        x_from=points[0]["labels"] * 0.9,
        x_to=forecasts[-1]["labels"] * 1.08,
        x_log=True,
        y_from=floor,
        width=560,
        height=330,
        top=36,
    )
    labels = [point["labels"] for point in points]
    ahead = [forecast["labels"] for forecast in forecasts]
    parts = [
        axes(
            frame,
            x_ticks=_spaced(frame, [*labels, *ahead]),
            y_ticks=_ticks(floor),
            x_label=Text("labelled pictures learned from", "学习所用的标注图片数"),
            y_label=Text("share of pictures", "图片比例"),
        )
    ]
    rate = percent(curve["max_errors"][asked])
    series = (
        ("a", [p["accuracy"] for p in points], [f["accuracy"] for f in forecasts], Text("right", "正确")),
        (
            "b",
            [p["coverage"][asked] for p in points],
            [f["coverage"][asked] for f in forecasts],
            Text(f"filed at {rate} wrong", f"错误率 {rate} 时可归类"),
        ),
    )
    for cls, known, expected, _ in series:
        parts += _series(frame, cls, list(zip(labels, known, strict=True)), list(zip(ahead, expected, strict=True)))
    for column, (cls, _, _, words) in enumerate(series):
        left = frame.left + 90 * column
        parts += [line([(left, 14), (left + 22, 14)], f"line-{cls}"), text(left + 29, 18, words, "note")]
    return svg(frame, parts, label=Text("learning curve with its forecast", "学习曲线与预测"))


def _series(
    frame: Frame, cls: str, known: Sequence[tuple[float, float]], expected: Sequence[tuple[float, dict[str, float]]]
) -> list[str]:
    """Points and the line through them; from the last on, dashed within a band."""
    last = known[-1]
    high = [(frame.x(x), frame.y(share["high"])) for x, share in expected]
    low = [(frame.x(x), frame.y(share["low"])) for x, share in expected]
    start = (frame.x(last[0]), frame.y(last[1]))
    middle = [(frame.x(x), frame.y(share["mean"])) for x, share in expected]
    parts = [area([start, *high, *reversed(low)], f"wash-{cls}")]
    parts.append(line([(frame.x(x), frame.y(y)) for x, y in known], f"line-{cls}"))
    parts.append(line([start, *middle], f"line-{cls} dashed"))
    parts += [dot(frame.x(x), frame.y(y), f"fill-{cls}", hint=f"{x:,}: {percent(y)}") for x, y in known]
    parts += [
        dot(x, y, f"open-{cls}", hint=f"{count:,}: {percent(share['mean'])}")
        for (x, y), (count, share) in zip(middle, expected, strict=True)
    ]
    return parts


def _floor(points: Sequence[dict[str, Any]], forecasts: Sequence[dict[str, Any]], asked: int) -> float:
    """Where the axis begins: at a fifth below all that is shown."""
    shown = [share for point in points for share in (point["accuracy"], point["coverage"][asked])]
    shown += [share["low"] for ahead in forecasts for share in (ahead["accuracy"], ahead["coverage"][asked])]
    return float(min(_HIGHEST_FLOOR, max(0.0, math.floor(_STEPS * min(shown)) / _STEPS)))


def _ticks(floor: float) -> list[tuple[float, str]]:
    count = round((1 - floor) * (_STEPS if floor < _HIGHEST_FLOOR else 4 * _STEPS))
    return [(share, f"{share:.0%}") for share in (floor + (1 - floor) * step / count for step in range(count + 1))]


def _spaced(frame: Frame, values: Sequence[int]) -> list[tuple[float, str]]:
    """The values that have room on the axis, from the right, where the forecasts are."""
    kept: list[tuple[float, str]] = []
    edge = float("inf")
    for value in sorted(set(values), reverse=True):
        if edge - frame.x(value) > 40:  # noqa: PLR2004 - units of the picture that a number needs
            kept.append((value, f"{value:,}"))
            edge = frame.x(value)
    return kept
