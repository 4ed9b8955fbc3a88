"""SVG: a frame with axes, lines, bars and text, and the two figures made of bars alone.

Colors and fonts are classes of the page's style sheet, so that dark mode and every script work.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from classifier.errors import Message
from classifier.report.i18n import sentences

if TYPE_CHECKING:
    from collections.abc import Callable

_SPAN = '<text x="{x:.1f}" y="{y:.1f}" class="{cls}" text-anchor="{anchor}">{text}</text>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A plot of `width` by `height` units and the ranges of its axes; `x_log` makes the x axis logarithmic."""

    x_from: float = 0.0
    x_to: float = 1.0
    y_from: float = 0.0
    y_to: float = 1.0
    x_log: bool = False
    width: int = 440
    height: int = 300
    left: int = 52
    right: int = 16
    top: int = 14
    bottom: int = 46

    def x(self, value: float) -> float:
        """The x coordinate of `value`, clipped to the axis."""
        scale: Callable[[float], float] = math.log if self.x_log else float
        share = (scale(value) - scale(self.x_from)) / (scale(self.x_to) - scale(self.x_from))
        return self.left + min(max(share, 0.0), 1.0) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """The y coordinate of `value`, clipped to the axis."""
        share = (value - self.y_from) / (self.y_to - self.y_from)
        return self.height - self.bottom - min(max(share, 0.0), 1.0) * (self.height - self.top - self.bottom)


def svg(frame: Frame, parts: Iterable[str], *, label: Message) -> Markup:
    """The finished SVG; `label` describes it to screen readers."""
    return Markup('<svg class="plot" viewBox="0 0 {w} {h}" {says}>{parts}</svg>').format(
        w=frame.width, h=frame.height, says=description(label), parts=Markup("").join(map(Markup, parts))
    )


def description(label: Message) -> Markup:
    """The attributes of a drawing that describe it to screen readers, in both languages."""
    return Markup('role="img" aria-label="{}"').format(" / ".join(sentences(label).values()))


def axes(
    frame: Frame,
    *,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    x_label: Message,
    y_label: Message,
) -> str:
    """Grid lines at the y ticks, numbers at the ticks of both axes, and the labels of the axes."""
    left, right, bottom = frame.x(frame.x_from), frame.x(frame.x_to), frame.y(frame.y_from)
    parts = [
        line([(left, frame.y(value)), (right, frame.y(value))], "axis" if value == frame.y_from else "grid")
        for value, _ in y_ticks
    ]
    parts += [text(left - 7, frame.y(value) + 4, label, "tick", "end") for value, label in y_ticks]
    parts += [text(frame.x(value), bottom + 17, label, "tick", "middle") for value, label in x_ticks]
    parts.append(text((left + right) / 2, frame.height - 8, x_label, "label", "middle"))
    middle = (frame.top + bottom) / 2
    turned = text(0, 0, y_label, "label", "middle")
    parts.append(f'<g transform="translate(13 {middle:.1f}) rotate(-90)">{turned}</g>')
    return "".join(parts)


def line(points: Sequence[tuple[float, float]], cls: str) -> str:
    """A line through points in SVG coordinates."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{cls}" points="{path}"/>'


def area(points: Sequence[tuple[float, float]], cls: str) -> str:
    """A filled polygon."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon class="{cls}" points="{path}"/>'


def bar(x: float, y: float, width: float, height: float, cls: str, *, opacity: float = 1.0, hint: str = "") -> str:
    """A rectangle with `hint` as its tooltip."""
    title = f"<title>{escape(hint)}</title>" if hint else ""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}"'
    return f'<rect class="{cls}" {box} fill-opacity="{opacity:.2f}">{title}</rect>'


def dot(x: float, y: float, cls: str, *, radius: float = 3.5, hint: str = "") -> str:
    """A round mark with `hint` as its tooltip."""
    title = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<circle class="{cls}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">{title}</circle>'


def text(x: float, y: float, content: str, cls: str, anchor: str = "start") -> str:
    """One line of text; for a message, one in each language."""
    if not isinstance(content, Message):
        return _SPAN.format(x=x, y=y, cls=cls, anchor=anchor, text=escape(content))
    return "".join(
        _SPAN.format(x=x, y=y, cls=f"{cls} {language}", anchor=anchor, text=escape(one))
        for language, one in sentences(content).items()
    )


def share_bar(share: float | None, cls: str = "fill-a") -> Markup:
    """A share 0..1 as a thin bar on a track; an empty track for None."""
    width = 0.0 if share is None else 100 * min(max(share, 0.0), 1.0)
    track = bar(0, 0, 100, 8, "fill-empty")
    inside = track + bar(0, 0, width, 8, cls)
    return Markup(  # noqa: S704 - built from numbers and the page's own class names
        f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'
    )


def confidence_histogram(filed: Sequence[int], review: Sequence[int]) -> Markup:
    """Images by confidence in equal bins from 0 to 1: the filed ones, and stacked on them those in review."""
    most = max(1, *(one + other for one, other in zip(filed, review, strict=True)))
    frame = Frame(y_to=most * 1.05, width=560, height=290, left=64)
    ticks = [(0.0, "0"), (most / 2, f"{most / 2:,.0f}"), (float(most), f"{most:,}")] if most > 1 else [(1.0, "1")]
    parts = [
        axes(
            frame,
            x_ticks=[(share / 5, f"{share / 5:.0%}") for share in range(6)],
            y_ticks=ticks,
            x_label=Message("confidence"),
            y_label=Message("pictures"),
        )
    ]
    width = (frame.x(1) - frame.x(0)) / len(filed)
    for index, (one, other) in enumerate(zip(filed, review, strict=True)):
        left = frame.x(index / len(filed)) + 1
        middle, top = frame.y(one), frame.y(one + other)
        parts.append(bar(left, middle, width - 2, frame.y(0) - middle, "fill-a", hint=f"{one:,}"))
        parts.append(bar(left, top, width - 2, middle - top, "fill-b", hint=f"{other:,}"))
    for row, (cls, name) in enumerate((("fill-a", Message("filed")), ("fill-b", Message("waits for review")))):
        parts.append(bar(frame.left + 14, frame.top + 4 + 18 * row, 12, 10, cls))
        parts.append(text(frame.left + 33, frame.top + 13 + 18 * row, name, "note"))
    return svg(frame, parts, label=Message("pictures by confidence"))
