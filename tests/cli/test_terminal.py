"""What is printed: names are shown and never acted on, and JSON is JSON on every stdout."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.cli import terminal
from classifier.errors import Message
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain
from kit.tree import make_tree

OWNED = "\x1b]0;OWNED\a"
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_names = st.text(st.characters() | st.sampled_from("\x1b\a\n\r\t\x7f\x9b\u202e\u2028\udc83é"), max_size=20)


def printed(encoding: str, tell: Callable[..., None], *words: object) -> bytes:
    """What `tell` writes to a stdout of this encoding."""
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", newline="")
    with redirect_stdout(stdout):
        tell(*words)
    stdout.flush()
    return raw.getvalue()


@given(st.lists(_names, min_size=1, max_size=4), st.sampled_from(["utf-8", "cp1252", "cp932", "ascii"]))
def test_a_line_stays_one_line_and_nothing_in_it_acts(lines: list[str], encoding: str) -> None:
    shown = printed(encoding, terminal.print_lines, *lines).decode(encoding)
    told = shown.split("\n")
    assert len(lines) + 1 == len(told)
    assert not {c for c in "".join(told) if unicodedata.category(c) in HIDDEN} - set("\u200c\u200d")


@given(st.lists(st.tuples(_names, _names), max_size=3))
def test_a_table_has_one_line_a_row_whatever_the_cells_hold(rows: list[tuple[str, str]]) -> None:
    lines = terminal.table(("name", "count"), rows)
    assert len(rows) + 1 == len(lines)
    assert not {c for c in "".join(lines) if unicodedata.category(c) in HIDDEN} - set("\u200c\u200d")


@given(_names, st.sampled_from(["utf-8", "cp1252", "cp932", "ascii"]))
def test_json_is_the_same_ascii_on_every_stdout(name: str, encoding: str) -> None:
    written = printed(encoding, terminal.print_json, {"name": name, "path": Path("a") / name.replace("\0", "")})
    assert written.isascii()
    read = json.loads(written)
    assert not any(unicodedata.category(one) == "Cs" for one in read["name"])
    if not any(unicodedata.category(one) == "Cs" for one in name):
        assert name == read["name"]


def test_bars_and_facts_show_names_too(capsys: pytest.CaptureFixture[str]) -> None:
    progress = terminal.TerminalProgress()
    with progress.stage(f"reading {OWNED}", total=2, unit="picture") as stage:
        progress.say(f"found {OWNED}")
        stage.note(OWNED)
        stage.advance(2)
    shown = capsys.readouterr().err
    assert r"found \x1b]0;OWNED\x07" in shown
    assert OWNED not in shown


def test_the_clock_of_a_stage_goes_on_while_nothing_advances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is silent for three seconds: loading a network, or a minute of sums at the end."""

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(terminal, "_ALIVE_S", 0.05)
    with terminal.TerminalProgress().stage("loading the network", total=None, unit=""):
        begun = screen.getvalue()
        time.sleep(0.5)
        assert "loading the network [" in begun
        assert len(screen.getvalue()) > len(begun)


def test_a_note_that_is_followed_is_asked_for_while_nothing_advances(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, asked = Screen(), threading.Event()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(terminal, "_ALIVE_S", 0.05)

    def note() -> Message:
        if "waits for reading" in screen.getvalue():
            asked.set()
        return Message("waits for reading")

    with terminal.TerminalProgress().stage("sorting", total=3, unit="picture") as stage:
        stage.follow(note)
        assert asked.wait(30)
        stage.advance(3)
    assert "3/3" in screen.getvalue().splitlines()[-1].split("\r")[-1]
    assert "waits" not in screen.getvalue().split("\r")[-1]


def test_file_names_reach_no_terminal_and_json_is_json(tmp_path: Path) -> None:
    """The dry run, the result and status of pictures whose names would set the terminal's title."""
    bundle = color_bundle(tmp_path / "model").folder
    red = encoded(plain(COLORS["red"]), "PNG")
    names = [f"{OWNED}é😀.png", "\x1b]52;c;aGk=\ay.jpg"] if os.name == "posix" else ["é😀.png", "y.jpg"]
    crawl = make_tree(tmp_path / "crawl", {names[0]: red, names[1]: b"no picture"})
    sort = ["sort", str(crawl), "--out", str(tmp_path / "out"), "--model", str(bundle), "--workers", "0"]

    for encoding, words in (("cp932", [*sort, "--dry-run"]), ("cp1252", [*sort, "--json"])):
        done = illsort(encoding, *words)
        shown = (done.stdout + done.stderr).replace(b"\r", b"")
        assert 1 == done.returncode
        assert not set(range(32)) & set(shown) - set(b"\n")
        if "--json" in words:
            assert {"red": 1} == json.loads(done.stdout)["categories"]
    told = illsort("cp1252", "status", str(tmp_path / "out"))
    assert b"not a picture" in told.stdout
    assert b"\x1b" not in told.stdout
    assert json.loads(illsort("cp932", "status", str(tmp_path / "out"), "--json").stdout)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("sort", "a", OWNED), b"--help"),
        ((OWNED,), b"--help"),
        (("sort", "--mode", OWNED), b"give one of"),
        (("sort", "--out"), b"--help"),
        (("--x",), b"--help"),
    ],
)
def test_what_is_given_amiss_is_one_line(words: tuple[str, ...], advice: bytes) -> None:
    refused = illsort("utf-8", *words)
    assert (2, b"", 1) == (refused.returncode, refused.stdout, refused.stderr.count(b"\n"))
    assert b"\x1b" not in refused.stderr
    assert advice in refused.stderr


def illsort(encoding: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """The command with a stdout and stderr of this encoding."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "classifier", *words]
    return subprocess.run(command, capture_output=True, check=False, env=environment)
