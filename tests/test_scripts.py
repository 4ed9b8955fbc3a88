from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import test_windows
import timm
import torch
from gpu_peaks import Kept, Peak, kept

ROOT = Path(__file__).resolve().parents[1]
LIST = "import environment; print(*environment.project_files('*.py', '*.md'), sep='\\n')"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project of three files, with what a demo and a training leave beside them."""
    for name in ("scripts/environment.py", "classifier/a.py", "README.md", "illsort-demo/model/README.md", "mine/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    shutil.copy(ROOT / "scripts" / "environment.py", tmp_path / "scripts")
    return tmp_path


def listed(copy: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LIST], cwd=copy / "scripts", check=True, capture_output=True, encoding="utf-8"
    )
    return {Path(line).relative_to(copy.resolve()).as_posix() for line in done.stdout.splitlines()}


def test_checks_look_at_tracked_files_only(copy: Path) -> None:
    for command in (["init", "--quiet"], ["add", "scripts", "classifier", "README.md"]):
        subprocess.run(["git", *command], cwd=copy, check=True)
    (copy / "classifier" / "new.py").write_text("")

    assert {"scripts/environment.py", "classifier/a.py", "README.md"} == listed(copy)


def test_checks_work_without_git(copy: Path) -> None:
    assert {"scripts/environment.py", "classifier/a.py", "README.md"} == listed(copy)


def test_ci_runs_the_two_commands_of_the_readme_in_order() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line.strip() for line in readme.splitlines() if line.startswith("    python scripts/")]

    assert ["python scripts/demo.py", "python scripts/test.py"] == commands
    assert [command.replace("python", "python3") for command in commands] == ci.splitlines()[-2:]


def test_the_windows_run_names_what_failed_and_what_was_not_run() -> None:
    printed = (
        "tests/filing/test_a.py::test_one PASSED [ 33%]\n"
        "tests/filing/test_a.py::test_two[a b] FAILED [ 66%]\n"
        "tests/filing/test_a.py::test_three SKIPPED (no strace) [100%]\n"
        "SKIPPED [1] tests\\filing\\test_a.py:9: no strace\n"
        "FAILED tests/filing/test_a.py::test_two[a b] - OSError: no\n"
        "======== 1 failed, 1 passed, 1 skipped in 2.34s ========\n"
    )
    whole = test_windows.read(printed, folder="tests/filing", code=1)
    killed = test_windows.read(printed.partition("SKIPPED [")[0], folder="tests/filing", code=-9)

    assert whole.lines() == [
        "tests/filing: 1 passed, 1 failed, 0 error, 1 skipped",
        "    tests/filing/test_a.py::test_two[a b]: OSError: no",
        "    1 skipped: no strace",
    ]
    assert not killed.is_complete
    assert killed.lines()[0].endswith("did not end by itself, so the rest was not run")


def test_the_windows_run_names_the_test_that_took_too_long() -> None:
    printed = "tests/a.py::test_one PASSED [ 50%]\ntests/a.py::test_two[a b] ++++ Timeout ++++\n~~~ Stack\n"
    stopped = test_windows.read(printed, folder="tests", code=1)

    assert not stopped.is_complete
    assert "did not end by itself but stopped at tests/a.py::test_two[a b]," in stopped.lines()[0]


def test_a_run_that_hangs_is_ended_and_what_it_printed_is_kept() -> None:
    code = "import time; print('tests/a.py::test_one PASSED', flush=True); time.sleep(600)"
    printed, ended = test_windows.run([sys.executable, "-c", code], seconds=10)

    assert "test_one PASSED" in printed
    assert ended != 0


@pytest.mark.parametrize(
    ("fixed_gib", "a_picture", "checkpointed", "expected"),
    [
        (1.77, 0.246, 0.051, "16"),
        (6.23, 1.285, 0.148, "4, checkpointed"),
        (1, 0.01, 0.001, "32"),
        (6.9, 1, 0.2, "does not fit"),
    ],
)
def test_computed_parts_of_a_batch_are_those_the_back_off_ends_with(
    fixed_gib: float, a_picture: float, checkpointed: float, expected: str
) -> None:
    gib = 2**30
    peak = Peak(
        parameters=1, fixed=int(fixed_gib * gib), plain=int(a_picture * gib), checkpointed=int(checkpointed * gib)
    )

    assert expected == peak.parts(8)


def test_what_a_network_keeps_for_learning_is_counted_once_for_each_picture() -> None:
    """Fake tensors keep as much as real ones."""
    one, two = (kept("test_vit", count, size=32) for count in (1, 2))
    torch.manual_seed(0)
    body = timm.create_model("test_vit", num_classes=30, img_size=32).train()
    counted = Kept(body)
    hooks = torch.autograd.graph.saved_tensors_hooks(counted.pack, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", dtype=torch.bfloat16):
        body(torch.zeros(1, 3, 32, 32))

    assert sum(counted.bytes.values()) == one[0]
    assert one[1] < one[0]
    assert 0 < two[0] - one[0] <= one[0]
