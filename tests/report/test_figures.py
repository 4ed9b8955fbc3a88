"""Figures are well-formed SVG that show what they were given, and names in them are text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from classifier.report.figures import confusion_matrix, learning_curve_plot, reliability_diagram, risk_coverage_curve
from classifier.report.svg import Frame, confidence_histogram, share_bar

NASTY = '<img src=x onerror="alert(1)">&amp;'


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(str(svg))  # noqa: S314 - our own drawing


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter("text")]


def marks(svg: str, kind: str, cls: str) -> list[ET.Element]:
    return [element for element in parsed(svg).iter(kind) if element.get("class") == cls]


def curve(labels: int = 100) -> dict[str, object]:
    expected = {"mean": 0.9, "low": 0.8, "high": 0.95}
    return {
        "max_errors": [0.02, 0.05],
        "points": [{"labels": labels * n // 4, "accuracy": 0.2 * n, "coverage": [0.1, 0.15 * n]} for n in (1, 2, 3, 4)],
        "forecasts": [
            {"times": times, "labels": times * labels, "accuracy": expected, "coverage": [expected, expected]}
            for times in (2, 4)
        ],
    }


def test_a_calibration_bar_ends_at_the_lower_of_accuracy_and_confidence() -> None:
    confidences = np.full(10, 0.85)
    figure = reliability_diagram(confidences, np.arange(10) < 6)
    (bar,) = marks(figure, "rect", "fill-a")
    (gap,) = marks(figure, "rect", "missing")
    frame = Frame(height=320)

    assert pytest.approx(frame.y(0) - frame.y(0.6), abs=0.1) == float(bar.get("height") or 0)
    assert pytest.approx(frame.y(0.6) - frame.y(0.85), abs=0.1) == float(gap.get("height") or 0)
    assert "10" in texts(figure)


def test_underconfidence_is_drawn_differently_from_overconfidence() -> None:
    figure = reliability_diagram(np.full(10, 0.55), np.ones(10, dtype=bool))

    assert ([], 1) == (marks(figure, "rect", "missing"), len(marks(figure, "rect", "beyond")))


def test_the_coverage_curve_ends_at_all_filed_and_the_bound_lies_above_it() -> None:
    draws = np.random.default_rng(0)
    confidences = draws.random(500)
    figure = risk_coverage_curve(confidences, draws.random(500) < confidences)
    (measured,) = (line for line in marks(figure, "polyline", "line-a") if len((line.get("points") or "").split()) > 2)
    bound = max(marks(figure, "polyline", "line-c dashed"), key=lambda line: len(line.get("points") or ""))
    last = [float(number) for number in (measured.get("points") or "").split()[-1].split(",")]

    assert pytest.approx(440 - 16) == last[0]
    assert float((bound.get("points") or "").split()[-1].split(",")[1]) < last[1]


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("is_right", [True, False])
def test_few_pictures_and_all_alike_can_be_drawn(count: int, *, is_right: bool) -> None:
    confidences, right = np.full(count, 1.0), np.full(count, is_right)

    for figure in (reliability_diagram(confidences, right), risk_coverage_curve(confidences, right)):
        assert "nan" not in figure
        parsed(figure)


def test_the_matrix_shows_each_count_that_is_there_and_names_as_text() -> None:
    figure = confusion_matrix([[3, 1], [0, 5]], [NASTY, "图标"])

    assert ["1", "3", "5"] == sorted(text for text in texts(figure) if text.isdigit())
    assert "<img" not in figure
    assert "图标" in texts(figure)


def test_a_matrix_of_many_categories_with_long_names_can_be_drawn() -> None:
    names = [f"a category with a very long name {number}" for number in range(60)]
    figure = parsed(confusion_matrix(np.eye(60, dtype=int).tolist(), names))

    assert 1000 < float(figure.get("width") or 0) < 3000


def test_the_learning_curve_shows_points_and_open_forecasts() -> None:
    figure = learning_curve_plot(curve(), rate_index=1)

    assert (4, 4) == (len(marks(figure, "circle", "fill-a")), len(marks(figure, "circle", "fill-b")))
    assert (2, 2) == (len(marks(figure, "circle", "open-a")), len(marks(figure, "circle", "open-b")))
    assert {"200", "400"} <= set(texts(figure))


def test_the_axis_of_the_learning_curve_begins_below_all_that_is_shown() -> None:
    high = curve()
    high["points"] = [{"labels": 25 * n, "accuracy": 0.9 + 0.01 * n, "coverage": [0.85, 0.95]} for n in (1, 2, 3, 4)]

    assert {"80%", "85%", "90%", "95%", "100%"} == {
        words for words in texts(learning_curve_plot(high, rate_index=1)) if "%" in words and len(words) < 5
    }
    assert "0%" in texts(learning_curve_plot(curve(), rate_index=1))


def test_the_histogram_stacks_what_waits_on_what_is_filed() -> None:
    figure = confidence_histogram([0, 10], [5, 10])
    filed = [float(bar.get("height") or 0) for bar in marks(figure, "rect", "fill-a")]
    waits = [float(bar.get("height") or 0) for bar in marks(figure, "rect", "fill-b")]

    assert filed[1] == pytest.approx(2 * waits[0], abs=0.2)
    assert "20" in texts(figure)


def test_a_share_that_is_not_known_is_an_empty_track() -> None:
    widths = [rect.get("width") for rect in parsed(share_bar(None)).iter("rect")]

    assert ["100.0", "0.0"] == widths


def test_every_figure_is_in_both_languages() -> None:
    for figure in (
        learning_curve_plot(curve(), rate_index=0),
        confusion_matrix([[1]], ["a"]),
        confidence_histogram([1], [0]),
    ):
        assert ' en"' in figure
        assert ' zh"' in figure
