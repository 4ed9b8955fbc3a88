"""What a job reports, as the page reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classifier.errors import Counted, Message
from classifier.jobs.report import JobReport
from classifier.progress import StageCost, StageName, combined


class Clock:
    """A clock that goes when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def written(report: JobReport, path: Path) -> dict[str, Any]:
    report.write()
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_a_stage_has_its_count_its_rate_and_the_time_left(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress"
    report = JobReport(path, clock=clock)
    with report.stage(Message("sorting"), total=100, unit="picture") as stage:
        stage.advance(20)  # by an earlier run
        clock.now += 0.1
        written(report, path)
        clock.now += 10
        stage.advance(40)
        (shown,) = written(report, path)["stages"]
        stage.follow(lambda: Message("waiting"))
        clock.now += 1
        (waiting,) = written(report, path)["stages"]

    assert {"en": "sorting", "zh": "整理"} == shown["name"]
    assert (100, 60, 4.0, 10.0, None) == tuple(shown[key] for key in ("total", "done", "rate", "left", "note"))
    assert "waiting" == waiting["note"]["en"]
    assert [] == written(report, path)["stages"]


def test_of_large_parts_that_come_seldom_the_rate_is_shown_too(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress"
    report = JobReport(path, clock=clock)
    shown = []
    with report.stage(Message("looking"), total=320, unit="picture") as stage:
        for pause in [0.25] * 4 + [3.0] * 33:
            clock.now += pause
            (one,) = written(report, path)["stages"]
            shown.append((one["rate"], one["left"]))
            if clock.now in {140.0, 182.0}:
                stage.advance(64)

    (first,) = {place for place, (rate, _) in enumerate(shown) if rate is not None and shown[place - 1][0] is None}
    assert {(None, None)} == set(shown[:first])
    assert 1.2 <= shown[first][0] <= 1.6
    assert None not in {rate for rate, _ in shown[first:]}


def test_of_a_command_of_many_stages_the_time_left_is_that_of_all(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress"
    report = JobReport(path, clock=clock)
    pieces = [StageCost(code=number, cost=10, kind="epoch") for number in range(3)]
    with combined(report, Message("training"), pieces, clock=clock) as progress:
        with progress.stage(StageName("first", code=0), total=10, unit="picture") as stage:
            for _ in range(10):
                clock.now += 2
                stage.advance()
        (shown,) = written(report, path)["stages"]

    assert (30, 10, 40.0, None) == tuple(shown[key] for key in ("total", "done", "left", "rate"))
    assert "first, 0.5 pictures/s" == shown["note"]["en"]


def test_the_last_messages_are_kept_in_both_languages_and_harmless(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    report = JobReport(path)
    for number in range(12):
        report.say(Counted("{count:,} duplicate of those", "{count:,} duplicates of those", count=number))
    report.say(Message("{path}: odd", path="\x1b[2J"))
    messages = written(report, path)["messages"]

    assert 8 == len(messages)
    assert "11 duplicates of those" == messages[-2]["en"]
    assert messages[-2]["zh"] != messages[-2]["en"]
    assert "\x1b" not in messages[-1]["en"]


def test_the_work_goes_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    report = JobReport(tmp_path / "gone" / "progress").start()
    report.say(Message("x"))
    report.close()
