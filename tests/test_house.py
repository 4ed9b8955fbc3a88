"""The rules of the house that a machine can check: who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A file of the package: its path within it, its tree, and what each imported name stands for."""

    path: str
    tree: ast.Module
    imported: dict[str, str]

    def name_of(self, node: ast.expr) -> str:
        """The dotted name of what `node` refers to, "os.replace" under whatever name; ".replace" of any other value."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if not isinstance(node, ast.Attribute):
            return ""
        owner = self.name_of(node.value) if _root(node) in self.imported else ""
        return f".{node.attr}" if owner in {"", "pathlib.Path"} else f"{owner}.{node.attr}"

    def references(self) -> Iterator[str]:
        """Everything that is referred to, called or not."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (name := self.name_of(node)):
                yield name

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call, by what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield self.name_of(node.func), node

    def texts(self) -> Iterator[str]:
        """Every text but docstrings; of an f-string, each part."""
        docstrings = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value

    def imports(self) -> set[str]:
        """The packages that it imports, at whatever time."""
        return {name.partition(".")[0] for name in self.imported.values()} | {
            alias.name.partition(".")[0]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def module_of(text: str, path: str = "x.py") -> Module:
    """The module with this text."""
    tree, imported = ast.parse(text), dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                imported[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return Module(path=path, tree=tree, imported=imported)


@cache
def modules() -> tuple[Module, ...]:
    """Every file of the package."""
    package = ROOT / "classifier"
    return tuple(module_of(file.read_text(encoding="utf-8"), file.relative_to(package).as_posix()) for file in FILES)


# SQL stands in catalog/ only.

_STATEMENTS = {".execute", ".executemany", ".executescript"}
_SQL = re.compile(
    r"\b(SELECT|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|(CREATE|DROP|ALTER) \w+|PRAGMA|ATTACH)\b|"
    r"\b(FROM|WHERE|AND|OR|JOIN|ORDER BY|GROUP BY|LIMIT)\b.*\?|\b(WHERE|ORDER BY|GROUP BY|IS NULL|IS NOT NULL)\b"
)


def _sql(module: Module) -> set[str]:
    return (set(module.references()) & _STATEMENTS) | {text for text in module.texts() if _SQL.search(text)}


def test_sql_is_in_the_catalog_only() -> None:
    found = {module.path: _sql(module) for module in modules() if not module.path.startswith("catalog/")}

    assert {} == {path: texts for path, texts in found.items() if texts}


@pytest.mark.parametrize(
    "text",
    [
        "catalog.connection.execute(query)",
        "run = connection.executemany",
        "x = 'SELECT 1'",
        "x = f'{column} FROM t WHERE id = ?'",
        "select(catalog, 'state = 1 ORDER BY id')",
    ],
)
def test_sql_is_seen(text: str) -> None:
    assert _sql(module_of(text))


# Only cli/ prints: there, names are shown and not acted on, and JSON is ASCII.

PRINTS = {
    "cli/terminal.py": "lines and JSON of every command",
    "cli/interrupt.py": "one line after Ctrl-C, when nothing else may run",
    "cli/main.py": "has names that a terminal cannot show escaped",
    "inference/worker.py": "silences a worker process",
    "web/server.py": "silences the server's log",
}
_PRINTING = {"print", "input", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "tqdm.tqdm.write"}
_PRINTING_PACKAGES = ("typer.echo", "typer.secho", "typer.confirm", "typer.prompt", "click.", "rich.", "logging.")


def _prints(module: Module) -> bool:
    to_the_terminal = (name == "os.write" and ast.unparse(call.args[0]) in {"1", "2"} for name, call in module.calls())
    found = set(module.references())
    of_packages = (name.startswith(_PRINTING_PACKAGES) for name in found)
    return bool(found & _PRINTING) or any(of_packages) or any(to_the_terminal)


def test_only_the_command_line_prints() -> None:
    assert set(PRINTS) == {module.path for module in modules() if _prints(module)}


@pytest.mark.parametrize(
    "text",
    [
        "print(x)",
        "from typer import echo as say\nsay(x)",
        "import sys\nsys.stderr.write(x)",
        "f(print)",
        "import os\nos.write(2, b'')",
    ],
)
def test_printing_is_seen(text: str) -> None:
    assert _prints(module_of(text))


# timm in one file; torch in few packages.


def test_timm_is_in_one_file() -> None:
    assert ["model/backbone.py"] == [module.path for module in modules() if "timm" in module.imports()]


def test_torch_is_only_where_networks_run() -> None:
    """The pages, the catalog and filing start without it."""
    allowed = ("model/", "inference/", "training/", "sort/", "active/worker.py")
    found = [module.path for module in modules() if {"torch", "torchvision"} & module.imports()]

    assert [] == [path for path in found if not path.startswith(allowed)]


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


# Only filing/fsops.py changes a user's file.

CHANGES = {
    "own_files.py": ("every file that illsort keeps for itself is opened, made, replaced and removed here", "any"),
    "own_folder.py": ("a folder with a record of what is our own in it", ".mkdir .rmdir"),
    "catalog/filesystem.py": ("makes a library's folder", ".mkdir"),
    "file_lock.py": ("writes who holds the lock into it, by an open file", "os.ftruncate os.write"),
    "jobs/folder.py": ("makes the folder of a project's jobs", ".mkdir"),
    "catalog/sqlite_file.py": (
        "copies a catalog to a new temporary folder",
        "shutil.copyfile tempfile.TemporaryDirectory",
    ),
    "cli/serve_page.py": (
        "a file that leads the browser to the page, in a new temporary folder",
        ".touch .write_text tempfile.TemporaryDirectory",
    ),
    "cli/interrupt.py": ("writes a line to the terminal", "os.write"),
    "images/safe_open.py": ("opens a user's file to read, by flags that are named once", "os.open"),
    "demo/run.py": ("draws into a folder that was empty", ".mkdir .write_bytes .write_text"),
    "filing/fsops.py": ("every change of a user's file", "any"),
    "filing/disk_trial.py": (
        "tries what a disk can do, on its own files in a new temporary folder",
        "tempfile.TemporaryDirectory",
    ),
    "filing/symlink_right.py": (
        "tries whether a symbolic link can be made, in a new temporary folder",
        "os.symlink tempfile.TemporaryDirectory",
    ),
    "inference/worker.py": ("opens the system's null device", "os.open"),
    "filing/path_scope.py": ("makes the folder for notes in the person's state folder", ".mkdir"),
    "parts/local_storage.py": (
        "makes the folder of parts that a person named; writes through own_files, and names what that wrote",
        ".mkdir os.link",
    ),
    "parts/fetched.py": (
        "pictures of a bucket or of tar files, in a new temporary folder until they are read",
        ".unlink .write_bytes tempfile.TemporaryDirectory",
    ),
    "parts/process_workers.py": ("a new temporary folder for its processes", "tempfile.TemporaryDirectory"),
    "web/home/project.py": ("makes the folder of a project that a person asked for", ".mkdir"),
    "web/home/recent.py": ("makes the person's state folder, for the projects that were open last", ".mkdir"),
    "model/backbone.py": ("writes to the writing folder of a bundle", "save_for_hf"),
    "model/bundle.py": ("writes to the writing folder of a bundle", ".write_bytes"),
    "model/download.py": (
        "receives weights into a part file in the hub's cache or illsort's own; renames it when it is whole",
        ".mkdir .unlink open os.replace",
    ),
    "model/fetch.py": ("makes the folder for the lock of a download, in such a cache", ".mkdir"),
    "model/huggingface.py": ("notes in the hub's cache of which commit a file is", ".mkdir .write_text"),
    "model/holdout.py": ("writes to the writing folder of a bundle", "open"),
    "model/fitted_images.py": ("writes to the writing folder of a bundle", "open"),
    "model/fold_heads.py": ("writes to the writing folder of a bundle", "open"),
    "model/bundle_files.py": (
        "writes to the writing folder of a bundle; tries whether a folder can be made, under a name drawn by chance",
        ".write_bytes open tempfile.TemporaryDirectory",
    ),
    "model/labeled_embeddings.py": ("writes to the writing folder of a bundle", "open"),
    "model/onnx_cache.py": ("makes the folder for exported networks in the person's cache folder", ".mkdir"),
    "model/combined_head.py": ("writes to the writing folder of a bundle", "save_file"),
    "model/ood.py": ("writes to the writing folder of a bundle", "save_file"),
    "model/replace_head.py": ("writes to the writing folder of a bundle", "save_file"),
    "model/tags.py": ("writes to the writing folder of a bundle", "save_file"),
    "model/install.py": (
        "makes the writing folder of a bundle and fills it; replaces and removes through own_files",
        ".chmod .mkdir .rmdir os.link shutil.copyfile tempfile.mkdtemp",
    ),
}
"""Who may change files, why, and by which calls; of any other a call is a mistake."""

_OF_OS = {
    *("chflags", "chmod", "chown", "copy_file_range", "fchmod", "fchown", "ftruncate", "lchown", "link", "makedirs"),
    *("mkdir", "mkfifo", "mknod", "posix_fallocate", "pwrite", "remove", "removedirs", "removexattr", "rename"),
    *("renames", "replace", "rmdir", "sendfile", "setxattr", "symlink", "truncate", "unlink", "utime", "write"),
}
_OF_SHUTIL = {
    *("chown", "copy", "copy2", "copyfile", "copyfileobj", "copymode", "copystat", "copytree", "make_archive", "move"),
    *("rmtree", "unpack_archive"),
}
_OF_TEMPFILE = {
    *("NamedTemporaryFile", "SpooledTemporaryFile", "TemporaryDirectory", "TemporaryFile", "mkdtemp", "mkstemp"),
}
_OF_MODULES = {
    *(f"os.{name}" for name in _OF_OS),
    *(f"shutil.{name}" for name in _OF_SHUTIL),
    *(f"tempfile.{name}" for name in _OF_TEMPFILE),
}
_OF_PATHS = {
    *("chmod", "hardlink_to", "lchmod", "mkdir", "rename", "rmdir", "symlink_to", "touch", "unlink", "write_bytes"),
    "write_text",
}
_OF_LIBRARIES = {"save_file", "save_for_hf"}
_OPEN_TO_WRITE = re.compile("O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")


def test_only_these_modules_change_files() -> None:
    """Whatever changes a file, `Path` methods included, stands where somebody has thought about whose file it is."""
    found = {module.path: _changes(module) for module in modules()}
    allowed = {name: set(calls.split()) for name, (_, calls) in CHANGES.items()}
    surprising = {
        name: calls - allowed.get(name, set()) for name, calls in found.items() if allowed.get(name) != {"any"}
    }

    assert {} == {name: calls for name, calls in surprising.items() if calls}
    assert {} == {
        name: calls - found[name] - {"any"} for name, calls in allowed.items() if calls - found[name] - {"any"}
    }


_IN_USE = {
    *("os.link", "os.remove", "os.rename", "os.renames", "os.replace", "os.rmdir", "os.unlink", "shutil.move"),
    *("shutil.rmtree", ".hardlink_to", ".rename", ".rmdir", ".unlink"),
}
"""What Windows refuses while another program has a file open."""
_WAITING = {"classifier.busy_files.when_free", "classifier.busy_files.if_free"}


def test_every_rename_and_removal_waits_for_a_file_in_use() -> None:
    found = {module.path: _impatient(module) for module in modules()}

    assert {} == {path: names for path, names in found.items() if names}


def _impatient(module: Module) -> set[str]:
    """Renames and removals that are not made by way of `when_free` or `if_free`."""
    waiting = {id(call.args[0]) for name, call in module.calls() if name in _WAITING and call.args}
    replaced = {".replace" for name, call in module.calls() if _opens_or_replaces(name, call) == ".replace"}
    return replaced | {
        name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute | ast.Name) and id(node) not in waiting
        if (name := module.name_of(node)) in _IN_USE and isinstance(getattr(node, "ctx", None), ast.Load)
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path.unlink()", {".unlink"}),
        ("source.replace(target)", {".replace"}),
        ("import os\nos.replace(a, b)", {"os.replace"}),
        ("from classifier.busy_files import when_free\nwhen_free(path.unlink)", set()),
        ("from classifier.busy_files import when_free\nimport os\nwhen_free(os.replace, a, b)", set()),
        ("from classifier.busy_files import when_free\nwhen_free(x, path.unlink)", {".unlink"}),
    ],
)
def test_a_removal_that_does_not_wait_is_seen(text: str, expected: set[str]) -> None:
    assert expected == _impatient(module_of(text))


def test_state_is_made_durable_in_one_place() -> None:
    """There, macOS is asked for more than fsync."""
    assert ["own_files.py"] == [module.path for module in modules() if "os.fsync" in set(module.references())]


def _changes(module: Module) -> set[str]:
    """What in a module changes files."""
    names = set(module.references())
    return {
        *(names & _OF_MODULES),
        *(name for name in names if name.startswith(".") and name[1:] in _OF_PATHS),
        *(short for name in names if (short := name.rpartition(".")[2]) in _OF_LIBRARIES),
        *(change for name, call in module.calls() if (change := _opens_or_replaces(name, call))),
    }


def _opens_or_replaces(name: str, call: ast.Call) -> str:
    """How a call changes a file, where that depends on its arguments; empty when it does not."""
    if name == "os.open":
        flags = ast.unparse(call)
        return "" if "O_RDONLY" in flags and not _OPEN_TO_WRITE.search(flags) else name
    if name == ".replace":
        return name if len(call.args) == 1 and not call.keywords else ""
    if name in {"open", "io.open", "os.fdopen", ".open"}:
        return "open" if _writes(call.args[:1] if name == ".open" else call.args[1:2], call.keywords) else ""
    return ""


def _writes(arguments: list[ast.expr], keywords: list[ast.keyword]) -> bool:
    modes = [*arguments, *(keyword.value for keyword in keywords if keyword.arg == "mode")]
    texts = [mode.value for mode in modes if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return any(set(text) & set("wax+") for text in texts)


@pytest.mark.parametrize(
    "text",
    [
        "path.unlink()",
        "source.replace(target)",
        "import shutil as s\ns.rmtree(folder)",
        "from os import replace as put\nput(source, target)",
        "import os\nthreads.map(os.unlink, paths)",
        "from pathlib import Path\nPath.rename(source, target)",
        "list(map(lambda path: path.rmdir(), folders))",
        "path.open('wb')",
        "path.open(mode='a')",
        "open(path, 'r+')",
        "import os\nos.truncate(path, 0)",
        "folder.with_name('x').write_text('')",
        "import os\nos.open(path, os.O_RDONLY | os.O_CREAT)",
    ],
)
def test_a_change_of_a_file_is_seen(text: str) -> None:
    assert _changes(module_of(text))
