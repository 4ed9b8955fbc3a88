"""The confusion matrix as a figure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from classifier.report.i18n import Text, shortened, width_of
from classifier.report.svg import bar, text

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH: Final = 560
_LARGEST: Final = 46
_SMALLEST: Final = 27
_LONGEST: Final = 22
_CORNER: Final = Text("labelled ↓ taken for →", "标注 ↓ 判为 →")
_DEEP: Final = 0.55
"""From this opacity on, the color of the page's back reads better on a cell."""


def confusion_matrix(matrix: Sequence[Sequence[int]], categories: Sequence[str]) -> Markup:
    """Rows are what a picture is, columns what it was taken for; the deeper, the larger the share of its row."""
    names = [shortened(name, _LONGEST) for name in categories]
    longest = max(width_of(name) for name in names)
    cell = min(_LARGEST, max(_SMALLEST, _WIDTH // len(names)))
    left, top = max(longest, width_of(_CORNER.en)) + 14, 0.8 * longest + 20
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
    says = "confusion matrix / 混淆矩阵"
    return Markup(f'<svg class="matrix" {box} role="img" aria-label="{says}">{"".join(parts)}</svg>')  # noqa: S704


def _cell(x: float, y: float, *, size: float, is_right: bool, share: float | None) -> str:
    back = bar(x + 0.5, y + 0.5, size - 1, size - 1, "fill-empty")
    if share is None:
        return back
    tone = "fill-a" if is_right else "fill-b"
    return back + bar(x + 0.5, y + 0.5, size - 1, size - 1, tone, opacity=_opacity(share))


def _opacity(share: float | None) -> float:
    return 0.15 + 0.8 * (share or 0.0)
