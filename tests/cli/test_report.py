"""`illsort report`, and what `illsort train` says of doubts and forecasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.cli.train import show_doubts, show_forecast
from kit.bundles import color_bundle
from kit.commands import illsort

DOUBT = {"path": "labels/cat/a.png", "category": "cat", "likely": "dog", "wrong": 0.9, "confidence": 0.87}
SHOWN = "93% (90% to 95%) predicted right, in hindsight 93% (90% to 95%) filed at 5% wrong"


def test_a_model_gets_its_report_and_its_path_is_printed(tmp_path: Path) -> None:
    folder = color_bundle(tmp_path / "colors", evidence=90).folder
    shown = illsort("report", folder)

    assert (0, f"report: {folder / 'report.html'}\n") == (shown.returncode, shown.stdout)
    assert (folder / "report.html").is_file()


def test_a_folder_that_is_neither_gives_one_line_and_exit_code_2(tmp_path: Path) -> None:
    shown = illsort("report", tmp_path)

    assert 2 == shown.returncode
    assert "is neither a model's folder" in shown.stderr
    assert [] == list(tmp_path.iterdir())


def test_open_shows_it_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    folder = color_bundle(tmp_path / "colors", evidence=90).folder
    illsort("report", folder, "--open")

    assert [(folder / "report.html").resolve().as_uri()] == opened


def test_doubtful_labels_are_listed_ten_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    show_doubts({"count": 100, "likely_wrong": 12, "labels": [DOUBT] * 24})
    lines = capsys.readouterr().out.strip().splitlines()

    assert "24 of 100 labels are doubtful, about 22 of them wrong; the most doubtful:" == lines[0]
    assert 10 == len(lines[1:])
    assert "labels/cat/a.png: labeled cat, but 87% likely dog" == lines[1].strip()


def test_a_forecast_is_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    expected = {"mean": 0.93, "low": 0.9, "high": 0.95}
    ahead = [{"times": times, "accuracy": expected, "coverage": [expected] * 3} for times in (2, 4)]
    needs = [{"category": "cat", "gain": 0.01}, {"category": "dog", "gain": 0.0}]
    show_forecast({"max_errors": [0.02, 0.05, 0.1], "forecasts": ahead, "needs": needs})

    assert [
        f"Expected of 2x the labels {SHOWN}; 4x the labels {SHOWN}",
        "The next labels pay most in cat",
    ] == capsys.readouterr().out.strip().splitlines()


def test_without_measurements_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show_doubts(None)
    show_doubts({"count": 9, "likely_wrong": 0, "labels": []})
    show_forecast(None)

    assert "" == capsys.readouterr().out


def test_the_help_of_report_ends_with_an_example_and_both_guides_name_it() -> None:
    shown = illsort("report", "--help").stdout

    assert "Example:  illsort report ~/models/mine --open" == shown.rstrip().splitlines()[-1].strip()
    for name in ("guide.md", "guide.zh-CN.md"):
        assert "`illsort report`" in (Path(__file__).resolve().parents[2] / "docs" / name).read_text(encoding="utf-8")
