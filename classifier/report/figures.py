"""The figures of a model's report: calibration, coverage, confusion matrix, learning curve. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup, escape
from scipy.stats import beta

from classifier.errors import Message
from classifier.report.i18n import percent, shortened, width_of
from classifier.report.svg import Frame, area, axes, bar, description, dot, line, svg, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from numpy.typing import NDArray

CONFIDENCE: Final = 0.95
_BINS: Final = 10
_FIFTHS: Final = tuple((share, f"{share:.0%}") for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
_MOST_POINTS: Final = 300
_SETTLED: Final = 0.15
_LEAST_TOP: Final = 0.12
_TICKS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_WIDTH: Final = 560
_LARGEST: Final = 46
_SMALLEST: Final = 27
_LONGEST: Final = 22
_CORNER: Final = Message("labeled ↓ taken for →")
_DEEP: Final = 0.55
"""From this opacity on, text in the background color reads better on a cell."""
_STEPS: Final = 5
_HIGHEST_FLOOR: Final = 0.8


def reliability_diagram(confidences: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Markup:
    """The accuracy in ten bins of confidence; calibrated predictions lie on the diagonal.

    Both arguments have shape (N,): the confidence of each prediction, 0..1, and whether it is correct.
    """
    frame = Frame(height=320)
    bins = np.minimum((confidences * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    parts = [
        axes(
            frame,
            x_ticks=_FIFTHS,
            y_ticks=_FIFTHS,
            x_label=Message("confidence"),
            y_label=Message("share that was right"),
        )
    ]
    width = (frame.x(1) - frame.x(0)) / _BINS
    for index in np.flatnonzero(counts):
        share, mean = is_right[bins == index].mean(), confidences[bins == index].mean()
        left, low, high = frame.x(index / _BINS) + 2, frame.y(min(share, mean)), frame.y(max(share, mean))
        hint = f"{percent(share)} / {percent(mean)}, n = {counts[index]}"
        parts.append(bar(left, low, width - 4, frame.y(0) - low, "fill-a", opacity=0.85, hint=hint))
        # The gap between accuracy and confidence: over- or underconfident.
        parts.append(bar(left, high, width - 4, low - high, "missing" if share < mean else "beyond", hint=hint))
        parts.append(text(left + width / 2 - 2, frame.y(0) - 5, f"{counts[index]}", "count", "middle"))
    parts.append(line([(frame.x(0), frame.y(0)), (frame.x(1), frame.y(1))], "diagonal"))
    return svg(frame, parts, label=Message("reliability diagram"))


def risk_coverage_curve(confidences: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Markup:
    """The error rate by coverage, most confident images first, and its upper bound at 95% confidence."""
    shares, wrong, bound = _risk_coverage(confidences, is_right)
    # A mistake among the first few images makes a spike that says little: the axis need not include it.
    top = max(_LEAST_TOP, min(1.0, 1.6 * float(wrong[shares >= _SETTLED].max())))
    frame = Frame(y_to=top, height=320, top=36)
    parts = [
        axes(
            frame,
            x_ticks=_FIFTHS,
            y_ticks=[(0.0, "0%"), *((tick, f"{tick:.0%}") for tick in _TICKS if _has_room(tick, top))],
            x_label=Message("share that is filed without asking"),
            y_label=Message("wrong among the filed"),
        )
    ]
    points = [(frame.x(x), frame.y(y)) for x, y in zip(shares, wrong, strict=True)]
    limits = [(frame.x(x), frame.y(y)) for x, y in zip(shares, bound, strict=True) if y <= top]
    parts.append(area([*points, (points[-1][0], frame.y(0)), (points[0][0], frame.y(0))], "wash-a"))
    parts += [line(limits, "line-c dashed"), line(points, "line-a")]
    parts.append(line([(frame.left, 14), (frame.left + 22, 14)], "line-a"))
    parts.append(text(frame.left + 29, 18, Message("measured"), "note"))
    parts.append(line([(frame.left + 112, 14), (frame.left + 134, 14)], "line-c dashed"))
    parts.append(text(frame.left + 141, 18, Message("at most, 95% confidence"), "note"))
    return svg(frame, parts, label=Message("wrong among the filed, by share filed"))


def _risk_coverage(
    confidences: NDArray[np.float64], is_right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Coverage, error rate, and its exact upper bound, each of shape (P,), at no more points than can be seen."""
    order = np.argsort(-confidences, kind="stable")
    wrong = np.cumsum(~is_right[order])
    filed = np.arange(1, len(order) + 1)
    rows = np.unique(np.linspace(0, len(order) - 1, _MOST_POINTS).astype(np.int64))
    wrong, filed = wrong[rows], filed[rows]
    bound = np.where(wrong < filed, beta.ppf(CONFIDENCE, wrong + 1, np.maximum(filed - wrong, 1)), 1.0)
    return filed / len(order), wrong / filed, bound


def _has_room(tick: float, top: float) -> bool:
    """Whether a tick has room on an axis up to `top`."""
    return tick <= top and (tick >= top / 8 and (top < 0.3 or tick >= 0.1))  # noqa: PLR2004 - as the eye tells


def confusion_matrix(matrix: Sequence[Sequence[int]], categories: Sequence[str]) -> Markup:
    """Rows are true categories, columns predicted ones; the opacity is the share of the row."""
    names = [shortened(name, _LONGEST) for name in categories]
    longest = max(width_of(name) for name in names)
    cell = min(_LARGEST, max(_SMALLEST, _WIDTH // len(names)))
    left, top = max(longest, width_of(_CORNER)) + 14, 0.8 * longest + 20
    parts = [text(left - 10, top - 10, _CORNER, "label", "end")]
    for index, name in enumerate(names):
        middle = (index + 0.5) * cell
        parts.append(text(left - 8, top + middle + 4, name, "name", "end"))
        turn = f"translate({left + middle + 4:.1f} {top - 8:.1f}) rotate(-52)"
        parts.append(f'<g transform="{turn}">{text(0, 0, name, "name")}</g>')
    for row, counts in enumerate(matrix):
        for column, count in enumerate(counts):
            hint = f"{categories[row]} → {categories[column]}: {count}"
            share = count / max(1, sum(counts)) if count else None
            parts.append(_cell(left + column * cell, top + row * cell, size=cell, is_right=row == column, share=share))
            if count:
                tone = "cell deep" if _opacity(share) > _DEEP else "cell"
                number = text(left + (column + 0.5) * cell, top + (row + 0.5) * cell + 4, f"{count}", tone, "middle")
                parts.append(f"<g><title>{escape(hint)}</title>{number}</g>")
    width, height = left + len(names) * cell + 0.62 * longest, top + len(names) * cell + 4
    box = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    says = description(Message("confusion matrix"))
    return Markup(f'<svg class="matrix" {box} {says}>{"".join(parts)}</svg>')  # noqa: S704


def _cell(x: float, y: float, *, size: float, is_right: bool, share: float | None) -> str:
    back = bar(x + 0.5, y + 0.5, size - 1, size - 1, "fill-empty")
    if share is None:
        return back
    tone = "fill-a" if is_right else "fill-b"
    return back + bar(x + 0.5, y + 0.5, size - 1, size - 1, tone, opacity=_opacity(share))


def _opacity(share: float | None) -> float:
    return 0.15 + 0.8 * (share or 0.0)


def learning_curve_plot(curve: dict[str, Any], *, rate_index: int) -> Markup:
    """`curve` is as in evaluation.json; `rate_index` selects the error rate that coverage is shown at."""
    points, forecasts = curve["points"], curve["forecasts"]
    floor = _floor(points, forecasts, rate_index)
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
            x_label=Message("labeled pictures learned from"),
            y_label=Message("share of pictures"),
        )
    ]
    series = (
        ("a", [p["accuracy"] for p in points], [f["accuracy"] for f in forecasts], Message("right")),
        (
            "b",
            [p["coverage"][rate_index] for p in points],
            [f["coverage"][rate_index] for f in forecasts],
            Message("filed at {rate} wrong", rate=percent(curve["max_errors"][rate_index])),
        ),
    )
    for cls, known, expected, _ in series:
        parts += _series(frame, cls, list(zip(labels, known, strict=True)), list(zip(ahead, expected, strict=True)))
    for column, (cls, _, _, words) in enumerate(series):
        left = frame.left + 90 * column
        parts += [line([(left, 14), (left + 22, 14)], f"line-{cls}"), text(left + 29, 18, words, "note")]
    return svg(frame, parts, label=Message("learning curve with its forecast"))


def _series(
    frame: Frame, cls: str, known: Sequence[tuple[float, float]], expected: Sequence[tuple[float, dict[str, float]]]
) -> list[str]:
    """Points and the line through them; after the last, a dashed line within a band."""
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


def _floor(points: Sequence[dict[str, Any]], forecasts: Sequence[dict[str, Any]], rate_index: int) -> float:
    """The lower end of the axis: a multiple of a fifth, below everything shown."""
    shown = [share for point in points for share in (point["accuracy"], point["coverage"][rate_index])]
    shown += [share["low"] for ahead in forecasts for share in (ahead["accuracy"], ahead["coverage"][rate_index])]
    return float(min(_HIGHEST_FLOOR, max(0.0, math.floor(_STEPS * min(shown)) / _STEPS)))


def _ticks(floor: float) -> list[tuple[float, str]]:
    count = round((1 - floor) * (_STEPS if floor < _HIGHEST_FLOOR else 4 * _STEPS))
    return [(share, f"{share:.0%}") for share in (floor + (1 - floor) * step / count for step in range(count + 1))]


def _spaced(frame: Frame, values: Sequence[int]) -> list[tuple[float, str]]:
    """The values that have room on the axis, chosen from the right, where the forecasts are."""
    kept: list[tuple[float, str]] = []
    edge = float("inf")
    for value in sorted(set(values), reverse=True):
        if edge - frame.x(value) > 40:  # noqa: PLR2004 - SVG units that a number needs
            kept.append((value, f"{value:,}"))
            edge = frame.x(value)
    return kept
