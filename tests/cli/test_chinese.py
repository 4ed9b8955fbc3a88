"""The command line speaks Chinese where it is asked to, or the locale is Chinese."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.cli.main import app
from classifier.i18n import Language, set_language
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.audits import Kind, filed_library
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, plain
from kit.tree import make_tree


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    set_language(Language.ENGLISH)


@pytest.mark.parametrize("lang", [["--lang", "zh"], ["--lang=zh"]])
@pytest.mark.parametrize("is_first", [True, False])
def test_an_error_is_one_chinese_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: list[str], *, is_first: bool
) -> None:
    with pytest.raises(SystemExit):
        app([*lang, "status", str(tmp_path)] if is_first else ["status", str(tmp_path), *lang])

    assert f"illsort: {tmp_path} 不是 illsort 的图库：没有 .illsort/catalogue.sqlite\n" == capsys.readouterr().err


def test_help_is_in_the_language_that_is_named_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["verify", "--help", "--lang", "zh"])

    assert "用法" in capsys.readouterr().out


def test_what_follows_two_dashes_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["status", "--", "--lang"])

    assert capsys.readouterr().err == "illsort: --lang: there is no such folder\n"


def test_help_is_chinese_in_a_chinese_locale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ILLSORT_LANG")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with pytest.raises(SystemExit):
        app(["verify", "--help"])

    told = capsys.readouterr().out
    assert "  逐一核对图片是否还在原处、有没有变；不改动任何文件。\n" in told
    assert told.startswith("用法：")
    assert "\n参数:\n" in told
    assert "  显示这段说明并退出。\n" in told
    assert "  示例：illsort verify ~/sorted --quick\n" in told


def test_what_options_take_is_chinese_and_in_columns() -> None:
    lines = illsort("train", "--help", "--lang", "zh").stdout.splitlines()

    assert lines[0].endswith(" train [选项]")
    assert "  -m, --model 路径   模型写到这个文件夹。" in lines
    assert "  --recipe 文字      auto、finetune 或 head（默认：auto）。" in lines
    assert "  --allow-pickle     也读取不是 safetensors 的权重。" in lines
    assert "[默认值：0；" in illsort("review", "--help", "--lang", "zh").stdout.replace("; ", "；")


def test_runs_are_named_in_chinese(tmp_path: Path) -> None:
    library = filed_library(tmp_path, Kind(category="chibi", confidences=[0.99]))
    lines = illsort("--lang", "zh", "status", library).stdout.splitlines()

    assert lines[1].startswith("#1 整理")
    assert " 硬链接 " in lines[1]


def test_what_is_not_guaranteed_or_not_filed_is_chinese_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = color_bundle(tmp_path / "model").folder
    crawl = make_tree(tmp_path / "crawl", {"0.png": encoded(plain(COLORS["red"]), "PNG")})
    library = make_tree(tmp_path / "sorted", {"red": b"a file where the folder would be"})
    settings = Settings(runtime=RuntimeSettings(workers=0))
    sort(crawl, library=library, bundle=model, settings=settings, max_error=0.05)
    with pytest.raises(SystemExit):
        app(["--lang", "zh", "status", str(library)])

    told = capsys.readouterr().out
    assert "要求最多错 5%，这只是估计" in told
    assert f"{crawl / '0.png'}: {(library / 'red').as_posix()} 不是文件夹" in told


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["nope"], "No such command 'nope'", "没有 'nope' 这个命令"),
        (["report"], "which library? name its folder", "哪个图库？请给出文件夹"),
        (["sort"], "which crawl? name its folder", "整理哪里的图片？请给出文件夹"),
        (["report", "x", "--zz"], "No such option: --zz", "没有 --zz 这个选项"),
        (
            ["report", "x", "--opne"],
            "No such option: --opne (Possible options: --open)",
            "没有 --opne 这个选项（可能是 --open）",
        ),
        (["--lang", "fr", "demo"], "'fr': give en or zh", "的值无效：“fr”：请用 en 或 zh"),
    ],
)
def test_a_wrong_command_line_is_one_line_in_either_language(
    words: list[str], english: str, chinese: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for language, told in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("ILLSORT_LANG", language)
        with pytest.raises(SystemExit) as ended:
            app(words)
        err = capsys.readouterr().err
        assert (2, 1) == (ended.value.code, err.count("\n"))
        assert told in err
