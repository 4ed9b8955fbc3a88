from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.cli.main import app
from classifier.doctor import examine as examined
from classifier.doctor.estimate import Estimate
from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.errors import Message
from classifier.i18n import Language, set_language

GOOD = ok("hub", Message("model hub and mirrors that answer: {hosts}", hosts="x"))
COULD_BE_BETTER = hint(
    "decoder.missing",
    Message("{format} is not read: such files are listed as unsupported", format="HEIC"),
    Message("if you have any: {command}", command="pip install x"),
)
BAD = problem(
    "crawl", Message("{crawl}: no picture is there", crawl="x"), Message("name the folder that holds the pictures")
)
ESTIMATE = Estimate(
    backbone="embedded",
    engine="torch",
    pictures_per_second=50.4,
    sort=6_000,
    head=8,
    finetune=None,
    disk=2_680_000_000,
)


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    set_language(Language.ENGLISH)


def ended_with(monkeypatch: pytest.MonkeyPatch, found: list[Finding | Estimate], *words: str) -> int:
    monkeypatch.setattr(examined, "examine", lambda *_: iter(found))
    with pytest.raises(SystemExit) as ended:
        app([*words, "doctor"])
    return int(ended.value.code or 0)


def test_hints_and_estimates_are_printed_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == ended_with(monkeypatch, [GOOD, COULD_BE_BETTER, ESTIMATE])
    assert capsys.readouterr().out.splitlines() == [
        "ok: model hub and mirrors that answer: x",
        "hint: HEIC is not read: such files are listed as unsupported",
        "    -> if you have any: pip install x",
        "",
        "About how long it takes here, by what was measured; training on 200 labels:",
        "backbone  pictures/s    sort all  train a head  fine-tune    disk",
        "embedded          50  1 h 40 min          10 s  too large  2.7 GB",
        "Disk is what a sort keeps beside the pictures: catalog, embeddings, and small pictures for the page.",
        "",
        "Nothing stands in the way.",
    ]


def test_a_problem_is_the_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == ended_with(monkeypatch, [GOOD, BAD])
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "PROBLEM: x: no picture is there",
        "    -> name the folder that holds the pictures",
        "",
        "1 problem stands in the way.",
    ]


def test_findings_have_codes_in_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(examined, "examine", lambda *_: iter([GOOD, BAD, ESTIMATE]))
    with pytest.raises(SystemExit) as ended:
        app(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)

    assert (1, 1) == (ended.value.code, told["problems"])
    assert ["hub", "crawl"] == [one["code"] for one in told["findings"]]
    assert {
        "code": "crawl",
        "level": "problem",
        "message": "x: no picture is there",
        "remedy": "name the folder that holds the pictures",
    } == told["findings"][1]
    assert (6_000, None, 200) == tuple(
        told["estimates"][0][key] for key in ("sort_seconds", "finetune_seconds", "labels")
    )


def test_findings_are_chinese_where_the_language_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == ended_with(monkeypatch, [GOOD, COULD_BE_BETTER, BAD, ESTIMATE], "--lang", "zh")
    told = capsys.readouterr().out

    assert "HEIC" in told
    assert not {"hint", "PROBLEM", "backbone", "stands"} & set(told.replace(":", " ").split())


def test_a_crawl_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["doctor", "--crawl", str(tmp_path / "absent")])

    assert 2 == ended.value.code
    assert f"illsort: {tmp_path / 'absent'}: there is no such folder to sort\n" == capsys.readouterr().err
