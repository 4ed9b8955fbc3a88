"""`illsort sort --max-error`, as a person meets it: what is printed, what is refused, what status shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.bundles import colour_bundle
from kit.pictures import COLOURS, encoded, varied
from kit.tree import make_tree, read_tree

PROMISE = (
    "at most 5% wrong among the filed, 95% confidence, on pictures like your labels in the same mix: by 400 of them"
)


def illsort(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classifier", *(str(word) for word in words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_bundle(tmp_path_factory.mktemp("model") / "judged", evidence=400).folder


def drawn(folder: Path) -> tuple[str | Path, ...]:
    """A crawl of three pictures, as the words that sort it."""
    make_tree(
        folder / "crawl", {f"{name}.png": encoded(varied(colour, seed=1), "PNG") for name, colour in COLOURS.items()}
    )
    return ("sort", folder / "crawl", "--out", folder / "sorted", "--workers", "0")


def test_an_error_rate_is_promised_on_the_terminal_and_stays_in_the_status(tmp_path: Path, judged: Path) -> None:
    words = drawn(tmp_path)
    shown = illsort(*words, "--model", judged, "--max-error", "0.05")
    status = illsort("status", tmp_path / "sorted")

    assert 0 == shown.returncode
    assert f"{PROMISE}, held out" == shown.stdout.splitlines()[-1].strip()
    assert f"{PROMISE}, held out; of those, " in shown.stderr
    assert f"#1 promised {PROMISE}, held out" in status.stdout.splitlines()
    assert json.loads(illsort("status", tmp_path / "sorted", "--json").stdout)["promise"].startswith(PROMISE)


def test_json_ends_with_the_promise(tmp_path: Path, judged: Path) -> None:
    shown = illsort(*drawn(tmp_path), "--model", judged, "--set", "sort.max_error=0.05", "--json", "--dry-run")

    assert f"{PROMISE}, held out" == json.loads(shown.stdout)["promise"]


def test_what_cannot_be_promised_is_one_line_and_exit_code_2(tmp_path: Path, judged: Path) -> None:
    shown = illsort(*drawn(tmp_path), "--model", judged, "--max-error", "0.001")

    assert 2 == shown.returncode
    assert "--max-error 0.001 cannot be promised: 400 labelled pictures were judged" in shown.stderr.splitlines()[-1]
    assert {} == {name: held for name, held in read_tree(tmp_path / "sorted").items() if not name.startswith(".")}


@pytest.mark.parametrize(
    ("written", "words", "promises"),
    [
        ("threshold = 0.9\nmax_error = 0.05", (), True),
        ("threshold = 0.9", ("--max-error", "0.05"), True),
        ("max_error = 0.05", ("--threshold", "0.9"), False),
        ("threshold = 0.9", (), False),
    ],
)
def test_the_command_line_goes_before_the_file_and_a_rate_before_a_threshold(
    tmp_path: Path, judged: Path, written: str, words: tuple[str, ...], promises: bool
) -> None:
    (tmp_path / "mine.toml").write_text(f"[sort]\n{written}\n", encoding="utf-8")
    shown = illsort(*drawn(tmp_path), "--model", judged, "--config", tmp_path / "mine.toml", "--json", *words)

    assert promises == ("promise" in json.loads(shown.stdout))
