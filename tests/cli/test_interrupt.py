"""Ctrl-C, once or more, at any moment: one line, exit code 130, nothing lost, and the same command goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from classifier.records import Method
from kit.bundles import color_bundle
from kit.filing import sort as file_all
from kit.listings import drawn, in_folder, listed
from kit.pictures import COLORS, encoded, varied
from kit.tree import Tree, make_tree, read_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")

ROOT = Path(__file__).resolve().parents[2]
STOPPED = "illsort: stopped"
KEPT = f"{STOPPED}; what is done is recorded, and the same command goes on where it was"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def program(body: str) -> subprocess.CompletedProcess[str]:
    """Run `body` as a command that hears Ctrl-C; `press()` presses it."""
    code = """
import os, signal, sys, time
from classifier.cli import interrupt
def press(): os.kill(os.getpid(), signal.SIGINT)
def cleaned(): print("cleaned", flush=True)
with interrupt.handle_sigint():
""" + textwrap.indent(textwrap.dedent(body), "    ")
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60
    )


@pytest.mark.parametrize(
    ("body", "code", "stdout"),
    [
        ("press(); time.sleep(9)", 130, ""),
        ("try: press(); time.sleep(9)\nfinally: press(); time.sleep(0.01); cleaned()", 130, "cleaned\n"),
        ("try: press()\nfinally:\n  press(); press()\n  time.sleep(30)", 130, ""),
        ("class Odd:\n  def __del__(self): press(); time.sleep(9)\nodd = Odd(); del odd; interrupt.check()", 130, ""),
        ("try: press()\nexcept KeyboardInterrupt: raise RuntimeError('half an import') from None", 130, ""),
        ("with interrupt.deferred():\n  press(); cleaned()\ntime.sleep(9)", 130, "cleaned\n"),
        ("import atexit\natexit.register(lambda: (press(), press(), cleaned()))", 0, "cleaned\n"),
        ("import atexit\natexit.register(press)\nsys.exit(1)", 1, ""),
        ("try: press()\nexcept KeyboardInterrupt: interrupt.reset()\ncleaned()", 0, "cleaned\n"),
    ],
    ids=["one", "in cleaning up", "three", "swallowed", "made another error", "held", "at exit", "failed", "forgotten"],
)
def test_a_press_ends_in_one_line_whenever_it_comes(body: str, code: int, stdout: str) -> None:
    done = program(body)
    assert (code, stdout) == (done.returncode, done.stdout)
    lines = done.stderr.splitlines()
    assert (1 if code == 130 else 0) == lines.count(STOPPED)
    told = [line for line in lines if line and line != STOPPED]
    assert all(line.startswith("illsort: stopping; press Ctrl-C once more") for line in told)


def test_sigterm_ends_a_command_that_asks_for_it_as_a_press_does() -> None:
    done = program(
        "interrupt.stop_at_sigterm()\ntry: os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)\nfinally: cleaned()"
    )

    assert (130, "cleaned\n", STOPPED) == (done.returncode, done.stdout, done.stderr.strip())


def test_predict_that_is_taken_back_leaves_no_temporary_files(tmp_path: Path) -> None:
    model, pictures = color_bundle(tmp_path / "model").folder, drawn(30)
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", pictures))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["predict", parts, "--model", str(model), "--to", str(tmp_path / "answers"), "--on", "processes:1"]
    command = [sys.executable, "-m", "classifier", *words]
    environment = ENVIRONMENT | {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        while not list(temporary.glob("illsort-*")):
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        _, told = running.communicate(timeout=60)

    assert 130 == running.returncode
    assert "illsort: stopped; the parts that were answered stay" in told
    assert [] == list(temporary.glob("illsort-*"))


@pytest.mark.parametrize(("is_kept", "line"), [(True, KEPT), (False, STOPPED)])
def test_an_interrupted_command_says_whether_it_can_resume(is_kept: bool, line: str) -> None:
    told = program(f"interrupt.resumable_if(lambda: {is_kept}); press(); time.sleep(9)").stderr.splitlines()

    assert [line] == [one for one in told if one]


def test_a_press_while_python_starts_ends_quietly(tmp_path: Path) -> None:
    """As if it came in the first import of all."""
    code = """
import sys
class Pressed:
    def find_spec(self, name, *_):
        if name == "classifier.cli": raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
import classifier.__main__
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=ENVIRONMENT, cwd=tmp_path)

    assert (130, b"", b"") == (done.returncode, done.stdout, done.stderr)


def test_an_error_without_a_press_keeps_its_traceback() -> None:
    done = program("raise RuntimeError('a bug')")
    assert 1 == done.returncode
    assert "RuntimeError: a bug" in done.stderr


def pressed(words: list[str], random_: random.Random, *, within_s: float) -> tuple[int, str]:
    """Run a command and press Ctrl-C one to three times, at moments that chance picks; its code and stderr.

    It says when it hears, as `classifier.__main__` does in its first line: before that Python itself answers.
    """
    code = (
        "import sys\nfrom classifier.cli import interrupt\nwith interrupt.handle_sigint():\n"
        " print('heard', flush=True)\n from classifier.cli.main import run\n run()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        assert b"heard\n" == running.stdout.readline()
        for wait in [random_.uniform(0, within_s) for _ in range(random_.choice([1, 1, 2, 3]))]:
            time.sleep(wait)
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGINT)
        told = running.communicate(timeout=120)[1].decode(errors="replace")
    return running.returncode, told


def assert_clean(code: int, told: str) -> None:
    assert code in {0, 1, 130}, told
    assert "Traceback" not in told
    assert "Exception ignored" not in told
    assert (code == 130) == (STOPPED in told), told


def test_undo_is_stopped_at_any_moment_and_comes_to_its_end(tmp_path: Path) -> None:
    random_ = random.Random(14)
    tree: Tree = {f"{number}.jpg": b"%d" % number for number in range(300)}
    crawl, library = make_tree(tmp_path / "crawl", tree), tmp_path / "library"
    file_all(library, crawl, method=Method.MOVE)
    for _ in range(6):
        assert_clean(*pressed(["undo", str(library), "--run", "1"], random_, within_s=0.3))
    subprocess.run([sys.executable, "-m", "classifier", "undo", str(library), "--run", "1"], check=False)
    assert tree == read_tree(crawl)
    assert {} == read_tree(library)


@pytest.mark.parametrize("presses", [1, 3])
def test_the_page_ends_silently_after_any_number_of_ctrl_c(tmp_path: Path, presses: int) -> None:
    crawl, library = make_tree(tmp_path / "crawl", {"a.jpg": b"a"}), tmp_path / "library"
    file_all(library, crawl, method=Method.COPY)
    with subprocess.Popen(
        [sys.executable, "-m", "classifier", "review", str(library), "--no-open", "--no-learning"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert "review: " in running.stdout.readline()
        for _ in range(presses):
            running.send_signal(signal.SIGINT)
            time.sleep(0.05)
        told = running.communicate(timeout=60)[1]
    assert 0 == running.returncode or presses > 1
    assert "Traceback" not in told
    assert "Error" not in told


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_train_and_sort_are_stopped_at_any_moment_and_go_on(tmp_path: Path, seed: int) -> None:
    random_ = random.Random(seed)
    bundle = color_bundle(tmp_path / "model").folder
    drawn: dict[str, Tree] = {
        color: {f"{color}{n}.png": encoded(varied(COLORS[color], seed=n), "PNG") for n in range(20)}
        for color in ("red", "green", "blue")
    }
    crawl, labels = make_tree(tmp_path / "crawl", {**drawn}), make_tree(tmp_path / "labels", {**drawn})
    sort = ["sort", str(crawl), "--out", str(tmp_path / "out"), "--model", str(bundle), "--batch-size", "4"]
    sets = [f"labels.folder={labels}", f"model.folder={tmp_path / 'new'}", "train.recipe=head"]
    train = ["train", *(word for one in sets for word in ("--set", one))]
    for _ in range(12):
        assert_clean(*pressed(sort, random_, within_s=8))
        assert_clean(*pressed(train, random_, within_s=12))
    assert [] == list((tmp_path / "out").rglob("*.part"))
