"""The rules of the house that a machine can check: who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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
    longest = THE_LOOP if "training" in path.parts else LONGEST_FUNCTION

    assert ast.get_docstring(tree), f"{path.name} does not say what it is"
    assert text.count("\n") <= LONGEST_FILE
    assert [] == [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > longest]


def test_only_one_file_prints() -> None:
    """There, names are shown and not acted on, and JSON is ASCII; the others hand it lines and values."""
    printing = {"print", "echo", "secho", "confirm", "prompt", "dumps", "dump"}
    at_the_end = {"terminal.py", "interrupt.py", "__main__.py"}  # the last two, for Ctrl-C

    def prints(path: Path) -> bool:
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
        named = [ast.unparse(call.func) for call in calls]
        in_cli = [name for name in named if "cli" in path.parts and name.rpartition(".")[2] in printing]
        return bool(in_cli) or any(
            name in {"print", "typer.echo", "tqdm.write", "sys.stdout.write", "sys.stderr.write"} for name in named
        )

    assert [] == [path.name for path in FILES if prints(path) and path.name not in at_the_end]


def test_one_module_writes_json_in_which_names_may_stand() -> None:
    """Names of files may hold what is no Unicode: `paths.to_json` writes them; here no file's name is written."""
    without_names = {
        "catalog/move_log.py": "paths are base64 of their bytes",
        "training/checkpoint.py": "is hashed and never read",
        "model/bundle_files.py": "compares with files of earlier versions, byte for byte",
        "settings.py": "values of the default settings",
        "model/manifest.py": "asks whether values are Unicode",
        "model/bundle.py": "looks for numbers among a network's arguments",
        "own_folder.py": "names that illsort gives its own files",
    }

    def writes(path: Path) -> bool:
        return any(isinstance(node, ast.Attribute) and ast.unparse(node) == "json.dumps" for node in walk(path))

    def walk(path: Path) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(path.read_text(encoding="utf-8")))

    found = {path.relative_to(ROOT / "classifier").as_posix() for path in FILES if writes(path)}
    assert {"paths.py", *without_names} == found


CHANGES = {
    "own_files.py": ("every file that illsort keeps for itself is opened, made, replaced and removed here", "any"),
    "own_folder.py": ("a folder with a record of what is our own in it", ".mkdir .rmdir"),
    "catalog/filesystem.py": ("makes a library's folder", ".mkdir"),
    "catalog/lock.py": ("writes who holds the lock into it, by an open file", "os.ftruncate"),
    "catalog/connection.py": (
        "copies a catalog to a new temporary folder",
        "shutil.copyfile tempfile.TemporaryDirectory",
    ),
    "cli/serve_page.py": (
        "a file that leads the browser to the page, in a new temporary folder",
        ".touch .write_text tempfile.TemporaryDirectory",
    ),
    "demo/run.py": ("draws into a folder that was empty", ".mkdir .write_bytes .write_text"),
    "filing/fsops.py": ("every change of a user's file", "any"),
    "inference/worker.py": ("opens the system's null device", "os.open"),
    "filing/path_scope.py": ("makes the folder for notes in the person's state folder", ".mkdir"),
    "model/backbone.py": ("writes to the writing folder of a bundle", "save_for_hf"),
    "model/bundle.py": ("writes to the writing folder of a bundle", ".write_bytes"),
    "model/holdout.py": ("writes to the writing folder of a bundle", "open"),
    "model/fitted_images.py": ("writes to the writing folder of a bundle", "open"),
    "model/bundle_files.py": (
        "writes to the writing folder of a bundle; tries whether a folder can be made, under a name drawn by chance",
        ".write_bytes open tempfile.TemporaryDirectory",
    ),
    "model/labeled_embeddings.py": ("writes to the writing folder of a bundle", "open"),
    "model/ood.py": ("writes to the writing folder of a bundle", "save_file"),
    "model/replace_head.py": ("writes to the writing folder of a bundle", "save_file"),
    "model/install.py": (
        "makes the writing folder of a bundle and fills it; replaces and removes through own_files",
        ".chmod .mkdir .rmdir os.link shutil.copyfile tempfile.mkdtemp",
    ),
}
"""Who may change files, why, and by which calls; of any other a call is a mistake."""

_OF_OS = {
    *("chmod", "copy", "copy2", "copyfile", "copytree", "fchmod", "ftruncate", "link", "makedirs", "mkdir", "mkdtemp"),
    *("mkstemp", "move", "remove", "removedirs", "rename", "renames", "replace", "rmdir", "rmtree", "symlink"),
    *("NamedTemporaryFile", "TemporaryDirectory", "TemporaryFile", "truncate", "unlink", "utime"),
}
_OF_PATHS = {
    *("chmod", "hardlink_to", "mkdir", "rename", "rmdir", "symlink_to", "touch", "unlink", "write_bytes", "write_text"),
}
_OF_LIBRARIES = {"save_file", "save_for_hf"}
_NOT_PATHS = {"review_session", "categories"}
"""They have a method of such a name that changes no file."""


def test_only_these_modules_change_files() -> None:
    """Every call that changes a file, `Path` methods included, stands where somebody has thought about whose it is."""
    found = {path.relative_to(ROOT / "classifier").as_posix(): _changes(path) for path in FILES}
    allowed = {name: set(calls.split()) for name, (_, calls) in CHANGES.items()}
    surprising = {
        name: calls - allowed.get(name, set()) for name, calls in found.items() if "any" not in allowed.get(name, ())
    }

    assert {} == {name: calls for name, calls in surprising.items() if calls}
    assert {} == {
        name: calls - found[name] - {"any"} for name, calls in allowed.items() if calls - found[name] - {"any"}
    }


def _changes(path: Path) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {name for call in calls if (name := _change(call))}


def _change(call: ast.Call) -> str:
    """How a call changes a file; empty when it does not."""
    called = call.func
    if isinstance(called, ast.Name):
        if called.id == "open":
            return "open" if _writes(call.args[1:2], call.keywords) else ""
        return called.id if called.id in _OF_LIBRARIES | {"rmtree", "copyfile", "copytree", "move"} else ""
    if not isinstance(called, ast.Attribute):
        return ""
    owner = called.value.id if isinstance(called.value, ast.Name) else ""
    if owner in {"os", "shutil", "tempfile"}:
        opens = called.attr == "open" and "O_RDONLY" not in ast.unparse(call) and "_FLAGS" not in ast.unparse(call)
        return f"{owner}.{called.attr}" if called.attr in _OF_OS or opens else ""
    is_path_replace = called.attr == "replace" and len(call.args) == 1 and not call.keywords
    if (called.attr in _OF_PATHS and owner not in _NOT_PATHS) or is_path_replace:
        return f".{called.attr}"
    return "open" if called.attr == "open" and _writes(call.args[:1], call.keywords) else ""


def _writes(arguments: list[ast.expr], keywords: list[ast.keyword]) -> bool:
    modes = [*arguments, *(keyword.value for keyword in keywords if keyword.arg == "mode")]
    texts = [mode.value for mode in modes if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return any(set(text) & set("wax+") for text in texts)


@pytest.mark.parametrize(
    "call",
    [
        "path.unlink()",
        "source.replace(target)",
        "shutil.rmtree(folder)",
        "path.open('wb')",
        "path.open(mode='a')",
        "open(path, 'r+')",
        "os.truncate(path, 0)",
        "folder.with_name('x').write_text('')",
        "os.open(path, os.O_CREAT)",
    ],
)
def test_a_call_that_changes_a_file_is_seen(call: str) -> None:
    (expression,) = ast.parse(call).body
    assert isinstance(expression, ast.Expr)
    assert isinstance(expression.value, ast.Call)
    assert _change(expression.value)
