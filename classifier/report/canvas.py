"""Drawing into SVG: a frame with axes, lines, bars and text. Pure; knows not what is drawn.

Colors and fonts are classes of the page's style sheet, so that dark and light and every script come out right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from classifier.report.i18n import Text

if TYPE_CHECKING:
    from collections.abc import Callable

_SPAN = '<text x="{x:.1f}" y="{y:.1f}" class="{cls}" text-anchor="{anchor}">{text}</text>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A plot of `width` by `height` units, with the ranges that its axes show; `x_log` for a logarithmic one."""

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
        """Where `value` lies from the left; values beyond the range lie on its edge."""
        scale: Callable[[float], float] = math.log if self.x_log else float
        share = (scale(value) - scale(self.x_from)) / (scale(self.x_to) - scale(self.x_from))
        return self.left + min(max(share, 0.0), 1.0) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Where `value` lies from the top; values beyond the range lie on its edge."""
        share = (value - self.y_from) / (self.y_to - self.y_from)
        return self.height - self.bottom - min(max(share, 0.0), 1.0) * (self.height - self.top - self.bottom)


def picture(frame: Frame, parts: Iterable[str], *, says: Text) -> Markup:
    """The finished SVG; `says` is what it shows, for those who cannot see it."""
    return Markup('<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-label="{says}">{parts}</svg>').format(
        w=frame.width, h=frame.height, says=f"{says.en} / {says.zh}", parts=Markup("").join(map(Markup, parts))
    )


def axes(
    frame: Frame,
    *,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    x_label: Text,
    y_label: Text,
) -> str:
    """Thin lines at the ticks of y, numbers at both, and what the axes are."""
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
    """A line through points of the picture."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{cls}" points="{path}"/>'


def area(points: Sequence[tuple[float, float]], cls: str) -> str:
    """A filled shape."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon class="{cls}" points="{path}"/>'


def bar(x: float, y: float, width: float, height: float, cls: str, *, opacity: float = 1.0, hint: str = "") -> str:
    """A rectangle; `hint` shows when the pointer rests on it."""
    told = f"<title>{escape(hint)}</title>" if hint else ""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}"'
    return f'<rect class="{cls}" {box} fill-opacity="{opacity:.2f}">{told}</rect>'


def dot(x: float, y: float, cls: str, *, radius: float = 3.5, hint: str = "") -> str:
    """A round mark."""
    told = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<circle class="{cls}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">{told}</circle>'


def text(x: float, y: float, words: str | Text, cls: str, anchor: str = "start") -> str:
    """One line of text, or one in each language."""
    if isinstance(words, str):
        return _SPAN.format(x=x, y=y, cls=cls, anchor=anchor, text=escape(words))
    return "".join(
        _SPAN.format(x=x, y=y, cls=f"{cls} {language}", anchor=anchor, text=escape(said))
        for language, said in words._asdict().items()
    )
