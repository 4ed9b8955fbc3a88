"""Processes that read pictures leave Ctrl-C to their parent from their start, and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.inference import isolated_read
from classifier.inference.process import block_sigint, ignore_ctrl_c


class Kernel32:
    """The console of Windows: whether this process, and those it starts, ignore Ctrl-C."""

    def __init__(self) -> None:
        self.is_ignored = False

    def SetConsoleCtrlHandler(self, handler: None, add: int) -> int:  # noqa: N802 - the name of Windows
        """Ignore Ctrl-C, or no longer."""
        assert handler is None
        self.is_ignored = bool(add)
        return 1


def test_on_windows_ctrl_c_is_ignored_only_while_processes_start() -> None:
    console = Kernel32()
    with ignore_ctrl_c(console):
        assert console.is_ignored
    assert not console.is_ignored


def test_on_windows_ctrl_c_is_heard_again_after_a_failed_start() -> None:
    console = Kernel32()
    with pytest.raises(OSError, match="no memory"), ignore_ctrl_c(console):
        raise OSError("no memory")
    assert not console.is_ignored


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal mask")
def test_ctrl_c_while_processes_start_is_delivered_afterwards() -> None:
    with pytest.raises(KeyboardInterrupt), block_sigint():
        os.kill(os.getpid(), signal.SIGINT)


FIRST = """
import multiprocessing, signal, sys
sys.path.insert(0, {root!r})
from classifier.inference.process import block_sigint

def begin():
    sys.exit(int(signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())))

if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=begin)
    with block_sigint({method!r}):
        process.start()
    process.join()
    sys.exit(process.exitcode)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal mask")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_the_first_process_that_is_started_ignores_ctrl_c_too(tmp_path: Path, method: str) -> None:
    """Where it starts others by a program of its own, Python starts one more before the first, which changes masks."""
    program = tmp_path / "first.py"
    program.write_text(FIRST.format(root=str(Path(__file__).parents[2]), method=method))

    assert 0 == subprocess.run([sys.executable, program], timeout=60, check=False).returncode


@pytest.mark.parametrize(
    ("platform", "methods", "expected"),
    [
        ("darwin", ["spawn", "fork", "forkserver"], "spawn"),
        ("win32", ["spawn"], "spawn"),
        ("linux", ["fork", "spawn", "forkserver"], "forkserver"),
    ],
)
def test_a_fork_server_runs_on_linux_alone(
    monkeypatch: pytest.MonkeyPatch, platform: str, methods: list[str], expected: str
) -> None:
    chosen: list[str] = []

    class Context:
        def set_forkserver_preload(self, names: list[str]) -> None:
            assert [isolated_read.__name__] == names

    monkeypatch.setattr(isolated_read.sys, "platform", platform)
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: methods)
    monkeypatch.setattr(multiprocessing, "get_context", lambda name: chosen.append(name) or Context())
    isolated_read._context()
    assert [expected] == chosen


PARENT = """
import multiprocessing, os, signal, sys, time
sys.path.insert(0, {root!r})
from classifier.inference.process import end_with_parent

def begin_late(pipe):
    pipe.send("started")
    time.sleep(0.5)
    end_with_parent()
    time.sleep(90)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    ours, theirs = context.Pipe()
    for _ in range(2):
        context.Process(target=begin_late, args=(theirs,)).start()
    print(ours.recv(), ours.recv(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_process_ends_whose_parent_was_killed_before_it_began(tmp_path: Path, method: str) -> None:
    program = tmp_path / "parent.py"
    program.write_text(PARENT.format(root=str(Path(__file__).parents[2]), method=method))

    # It returns when nobody has its standard output open any more: when the processes it started have ended.
    ended = subprocess.run([sys.executable, program], stdout=subprocess.PIPE, text=True, timeout=60, check=False)

    assert ended.stdout.split() == ["started", "started"]
