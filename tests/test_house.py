"""The rules of the house that a machine can check: who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "classifier").rglob("*.py"))
LONGEST_FILE = 280
LONGEST_FUNCTION = 50
THE_LOOP = 80


def test_the_layers_import_only_what_lies_below_them() -> None:
    from importlinter.application.use_cases import lint_imports  # noqa: PLC0415
    from importlinter.configuration import configure  # noqa: PLC0415

    configure()

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    longest = THE_LOOP if "learn" in path.parts else LONGEST_FUNCTION

    assert ast.get_docstring(tree), f"{path.name} does not say what it is"
    assert text.count("\n") <= LONGEST_FILE
    assert [] == [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > longest]


def test_only_the_command_line_prints() -> None:
    def prints(path: Path) -> bool:
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
        return any(getattr(call.func, "id", "") == "print" for call in calls)

    assert [] == [path.name for path in FILES if "cli" not in path.parts and prints(path)]


def test_only_one_module_changes_files_of_the_user() -> None:
    """Every changing call on a library or crawl goes through filing/; bundles and checkpoints are our own files."""
    changing = {
        "rename",
        "replace",
        "unlink",
        "link",
        "symlink",
        "rmdir",
        "remove",
        "rmtree",
        "move",
        "copyfile",
        "copy2",
    }
    own_files = {"disk.py", "install.py", "own_files.py", "store.py"}

    def changes(path: Path) -> bool:
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
        return any(
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id in {"os", "shutil"}
            and call.func.attr in changing
            for call in calls
        )

    found = {path.name for path in FILES if "filing" not in path.parts and changes(path)}
    assert set() == found - own_files
