"""Bars: a share in a table's cell, and how many pictures have which confidence. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from classifier.report.canvas import Frame, axes, bar, picture, text
from classifier.report.i18n import Text

if TYPE_CHECKING:
    from collections.abc import Sequence


def share_bar(share: float | None, cls: str = "fill-a") -> Markup:
    """A share 0..1 as a thin bar on its track; only the track when it is not known."""
    width = 0.0 if share is None else 100 * min(max(share, 0.0), 1.0)
    track = bar(0, 0, 100, 8, "fill-empty")
    inside = track + bar(0, 0, width, 8, cls)
    return Markup(  # noqa: S704 - built from numbers and the page's own class names
        f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'
    )


def confidence_histogram(filed: Sequence[int], review: Sequence[int]) -> Markup:
    """Pictures by confidence in equal bins from 0 to 1: those filed, and on top of them those that wait."""
    most = max(1, *(one + other for one, other in zip(filed, review, strict=True)))
    frame = Frame(y_to=most * 1.05, width=560, height=290, left=64)
    ticks = [(0.0, "0"), (most / 2, f"{most / 2:,.0f}"), (float(most), f"{most:,}")] if most > 1 else [(1.0, "1")]
    parts = [
        axes(
            frame,
            x_ticks=[(share / 5, f"{share / 5:.0%}") for share in range(6)],
            y_ticks=ticks,
            x_label=Text("confidence", "置信度"),
            y_label=Text("pictures", "图片数"),
        )
    ]
    width = (frame.x(1) - frame.x(0)) / len(filed)
    for index, (one, other) in enumerate(zip(filed, review, strict=True)):
        left = frame.x(index / len(filed)) + 1
        middle, top = frame.y(one), frame.y(one + other)
        parts.append(bar(left, middle, width - 2, frame.y(0) - middle, "fill-a", hint=f"{one:,}"))
        parts.append(bar(left, top, width - 2, middle - top, "fill-b", hint=f"{other:,}"))
    for row, (cls, words) in enumerate(
        (("fill-a", Text("filed", "已归类")), ("fill-b", Text("waits for review", "待复核")))
    ):
        parts.append(bar(frame.left + 14, frame.top + 4 + 18 * row, 12, 10, cls))
        parts.append(text(frame.left + 33, frame.top + 13 + 18 * row, words, "note"))
    return picture(frame, parts, says=Text("pictures by confidence", "置信度分布"))
