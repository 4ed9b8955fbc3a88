"""The command line as a person meets it: help that can be pasted from, errors in one line, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from classifier.cli.main import app
from classifier.paths import quoted
from classifier.records import ImageId
from classifier.web.thumbnails import ThumbnailCache
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, plain
from kit.tree import make_tree

COMMANDS = ("train", "sort", "watch", "status", "review", "audit", "undo", "verify", "duplicates", "demo")
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide.md"
RED = encoded(plain(COLORS["red"]), "PNG")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_every_help_ends_with_an_example(command: tuple[str, ...]) -> None:
    shown = illsort(*command, "--help")

    assert 0 == shown.returncode
    assert shown.stdout.rstrip().splitlines()[-1].strip().startswith("Example:  illsort ")


def test_help_and_status_never_load_torch() -> None:
    code = (
        "import sys\nfrom classifier.cli.main import app\n"
        "for words in (['--help'], ['sort', '--help'], ['status', 'nowhere']):\n"
        "    try: app(words)\n    except SystemExit: pass\n"
        "print([name for name in ('torch', 'timm', 'sklearn', 'PIL', 'numpy') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == shown.stdout.splitlines()[-1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_guide(command: str) -> None:
    assert f"illsort {command}" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "--config", "none.toml"), "none.toml: there is no such file"),
        (("train", "--set", "train.epoch=3"), "did you mean 'train.epochs'?"),
        (("train",), "model.folder is not set"),
        (("sort", "nowhere", "--out", "library"), "there is no such folder to sort"),
        (("sort", ".", "--out", "new", "--threshold", "2"), "sort.threshold = 2"),
        (("sort", ".", "--out", "new", "--max-error", "0"), "sort.max_error = 0"),
        (
            ("sort", ".", "--out", "new", "--threshold", "0.9", "--max-error", "0.02"),
            "--threshold and --max-error: give one of them",
        ),
        (
            ("sort", ".", "--out", "new", "--set", "sort.max_error=0.02", "--threshold", "0.9"),
            "--threshold and --max-error: give one of them",
        ),
        (("status", "nowhere"), "nowhere: there is no such folder"),
    ],
)
def test_a_users_error_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = illsort(*words)

    assert (2, "") == (shown.returncode, shown.stdout)
    assert 1 == len(shown.stderr.strip().splitlines())
    assert says in shown.stderr
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("sort", "--out"),
        ("sort", "x", "--out", "y", "--bad"),
        ("sorts",),
        ("status",),
        ("status", "a", "b"),
        ("sort", "x", "--out", "y", "--threshold", "high"),
        ("undo", "x", "--run", "0"),
        ("--out",),
    ],
)
def test_what_the_parser_refuses_has_the_same_form(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app([*words])
    told = capsys.readouterr()

    assert (2, "") == (ended.value.code, told.out)
    assert 1 == len(told.err.splitlines())
    assert told.err.startswith("illsort: ")


def test_what_is_given_is_not_expanded_by_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows it would replace `*.png`, and `--exclude *.gif` by the files here."""
    seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(TyperGroup, "main", lambda _, *args, **options: seen.append((args, options)))
    with pytest.raises(SystemExit):
        app(["status", "*"])
    ((args, options),) = seen
    assert (["status", "*"], False) == (args[0], options["windows_expand_args"])


def test_json_is_the_only_thing_on_stdout(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED, "again.png": RED})
    shown = illsort("sort", crawl, "--out", tmp_path / "out", "--model", bundle, "--json")
    summary = json.loads(shown.stdout)

    assert 0 == shown.returncode
    assert (2, 1, 1) == tuple(summary[key] for key in ("pictures", "filed", "duplicates"))
    assert {"red": 1} == summary["categories"]
    assert {"broken", "review", "seconds"} <= set(summary)


def test_broken_pictures_give_exit_code_1_and_where_the_list_is(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED, "b.jpg": b"<html>"})
    shown = illsort("sort", crawl, "--out", tmp_path / "out", "--model", bundle)

    assert 1 == shown.returncode
    assert f"1 unreadable: {tmp_path / 'out' / '_broken.csv'}" in shown.stdout


def test_status_shows_counts_and_reasons(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(
        tmp_path / "crawl", {"a.png": RED, "b.jpg": b"<html>", "u.png": encoded(plain((120, 120, 120)), "PNG")}
    )
    library = tmp_path / "my out"
    sorted_ = illsort("sort", crawl, "--out", library, "--model", bundle)
    shown = illsort("status", library)

    assert f"next, decide what waits: illsort review {quoted(str(library))}" == sorted_.stdout.splitlines()[-1]
    assert 0 == shown.returncode
    assert "#1 sort" in shown.stdout
    assert [["all", "1", "1"]] == [line.split() for line in shown.stdout.splitlines() if line.startswith("all")]
    assert "b.jpg: not a picture:" in shown.stdout
    assert {"red": 1} == illsort("status", library, "--json").json["filed"]


def test_status_says_how_much_the_small_pictures_of_the_page_take(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": RED})
    illsort("sort", crawl, "--out", tmp_path / "out", "--model", bundle, "--workers", "0")
    assert "small pictures" not in illsort("status", tmp_path / "out").stdout
    ThumbnailCache(tmp_path / "out").keep(ImageId("a" * 64), b"x" * 2_500_000)

    assert "2.5 MB are small pictures for the review page" in illsort("status", tmp_path / "out").stdout
    told = json.loads(illsort("status", tmp_path / "out", "--json").stdout)
    assert {"size_bytes": 2_500_000} == told["thumbnails"]


def test_python_dash_m_is_the_same_program() -> None:
    command = [sys.executable, "-m", "classifier", "--version"]
    assert b"illsort" in subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_ends_in_one_line_and_the_same_command_goes_on(tmp_path: Path, bundle: Path) -> None:
    pictures = {f"{n}.png": encoded(plain((n % 256, n // 256, 200)), "PNG") for n in range(1500)}
    crawl = make_tree(tmp_path / "crawl", pictures)  # type: ignore[arg-type]
    words = ["sort", str(crawl), "--out", str(tmp_path / "out"), "--model", str(bundle), "--batch-size", "4"]
    running = subprocess.Popen([sys.executable, "-m", "classifier", *words], stderr=subprocess.PIPE, text=True)
    while not any((tmp_path / "out").glob("*/*.png")) and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=60)[1]

    assert 130 == running.returncode
    assert told.rstrip().endswith("the same command goes on where it was")
    assert "Traceback" not in told
    again = illsort(*words, "--json")
    assert 1500 == json.loads(again.stdout)["pictures"]
    assert [] == list((tmp_path / "out").rglob("*.part"))
