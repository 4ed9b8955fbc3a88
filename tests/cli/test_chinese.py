"""The command line speaks Chinese where it is asked to, or the locale is Chinese."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.cli.main import app
from classifier.i18n import Language, set_language


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    set_language(Language.ENGLISH)


def test_an_error_is_one_chinese_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["--lang", "zh", "status", str(tmp_path)])

    assert f"illsort: {tmp_path} 不是 illsort 的图库：没有 .illsort/catalogue.sqlite\n" == capsys.readouterr().err


def test_help_is_chinese_in_a_chinese_locale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ILLSORT_LANG")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with pytest.raises(SystemExit):
        app(["verify", "--help"])

    assert "  逐一核对图片是否还在原处、有没有变；不改动任何文件。\n" in capsys.readouterr().out
