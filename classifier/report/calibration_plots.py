"""Figures of calibration, and of how much can be filed at which error rate. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import beta

from classifier.report.i18n import Text, percent
from classifier.report.svg import Frame, area, axes, bar, line, svg, text

if TYPE_CHECKING:
    from markupsafe import Markup
    from numpy.typing import NDArray

CONFIDENCE: Final = 0.95
_BINS: Final = 10
_FIFTHS: Final = tuple((share, f"{share:.0%}") for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
_MOST_POINTS: Final = 300
_SETTLED: Final = 0.15
_LEAST_TOP: Final = 0.12
_TICKS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


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
            x_label=Text("confidence", "置信度"),
            y_label=Text("share that was right", "实际正确的比例"),
        )
    ]
    width = (frame.x(1) - frame.x(0)) / _BINS
    for index in np.flatnonzero(counts):
        share, mean = is_right[bins == index].mean(), confidences[bins == index].mean()
        left, low, high = frame.x(index / _BINS) + 2, frame.y(min(share, mean)), frame.y(max(share, mean))
        hint = f"{percent(share)} / {percent(mean)}, n = {counts[index]}"
        parts.append(bar(left, low, width - 4, frame.y(0) - low, "fill-a", opacity=0.85, hint=hint))
        # Between what was right and what was said: missing, or more than was said.
        parts.append(bar(left, high, width - 4, low - high, "missing" if share < mean else "beyond", hint=hint))
        parts.append(text(left + width / 2 - 2, frame.y(0) - 5, f"{counts[index]}", "count", "middle"))
    parts.append(line([(frame.x(0), frame.y(0)), (frame.x(1), frame.y(1))], "diagonal"))
    return svg(frame, parts, label=Text("reliability diagram", "可靠性图"))


def risk_coverage_curve(confidences: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Markup:
    """The share wrong among the surest pictures, for each share of all; and what it may truly be at 95% confidence."""
    shares, wrong, bound = _risk_coverage(confidences, is_right)
    # A mistake among the very surest makes a spike that says little: the axis need not reach it.
    top = max(_LEAST_TOP, min(1.0, 1.6 * float(wrong[shares >= _SETTLED].max())))
    frame = Frame(y_to=top, height=320, top=36)
    parts = [
        axes(
            frame,
            x_ticks=_FIFTHS,
            y_ticks=[(0.0, "0%"), *((tick, f"{tick:.0%}") for tick in _TICKS if _has_room(tick, top))],
            x_label=Text("share that is filed without asking", "无需询问即归类的比例"),
            y_label=Text("wrong among the filed", "已归类中的错误率"),
        )
    ]
    points = [(frame.x(x), frame.y(y)) for x, y in zip(shares, wrong, strict=True)]
    limits = [(frame.x(x), frame.y(y)) for x, y in zip(shares, bound, strict=True) if y <= top]
    parts.append(area([*points, (points[-1][0], frame.y(0)), (points[0][0], frame.y(0))], "wash-a"))
    parts += [line(limits, "line-c dashed"), line(points, "line-a")]
    parts.append(line([(frame.left, 14), (frame.left + 22, 14)], "line-a"))
    parts.append(text(frame.left + 29, 18, Text("measured", "测得"), "note"))
    parts.append(line([(frame.left + 112, 14), (frame.left + 134, 14)], "line-c dashed"))
    parts.append(text(frame.left + 141, 18, Text("at most, 95% confidence", "上限 · 95% 置信"), "note"))
    return svg(frame, parts, label=Text("wrong among the filed, by share filed", "错误率与归类比例的关系"))


def _risk_coverage(
    confidences: NDArray[np.float64], is_right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Shares filed, the share wrong among them, and the exact upper bound on it; at no more points than can be seen."""
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
