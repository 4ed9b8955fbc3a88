from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
