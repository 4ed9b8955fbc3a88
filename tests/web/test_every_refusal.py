"""Every sentence in the source that can end a request of the page, its filing or its learning has its Chinese."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import classifier
from classifier import errors
from classifier.errors import IllsortError
from classifier.web.i18n import sentence_in_chinese

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(classifier.__file__).parent
BEGIN = ("web.app", "web.security", "active.worker", "active.cold_start")
"""What answers the page, and what learns beside it: whatever these import can be reached."""
ELSEWHERE = {
    "settings": "read by the command line, before there is a page",
    "audit.session._last_audit": "asked for by illsort audit --json",
    "catalog.undo_queries.run_to_undo": "asked for by illsort undo, with a run's number",
    "labels.dataset": "labels are read by illsort train",
    "labels.load": "the same; the page lists the folders alone",
    "model.evaluation_fields.read_evaluation": "read by illsort report, not by the page",
    "model.backbone.load_backbone": "a training's network; the page's learning and sorting load a trained one",
    "model.backbone._located": "the same",
    "model.backbone._safetensors_only": "the same, but for what it calls",
    "active.pipeline": "draws the sample, before there is a page",
}
PASSED_ON = {
    "message",  # of an IllsortError
    "reason_message(row.reason)",  # looked at in test_reason_text
    "_refusal(rows, len(categories), max_error, confidence)",
    "trouble",  # of folder_problem
    "note",  # of keep_source, or empty
    "told['notFiled']",
    "error.detail",
    "error",  # of refuse_damaged: a bug of ours, raised again
    "error_text(error)",  # the system's own
    "error.strerror",
    "os.strerror(errno.EEXIST)",
    "os.strerror(errno.ENOSYS)",
    "os.strerror(code)",
    "str(name_taken(folder / name).strerror)",  # of own_folder.name_taken, which is looked at where it stands
    "str(name_taken(target).strerror)",
}
PHRASES = {"category_names.problem_with", "filing.plan.folder_problem", "model.risk_control._refusal"}
"""Functions whose answer is a sentence, or a part of one."""
TOLD = {name: 0 for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, IllsortError)}
PLACES = TOLD | {"HTTPException": 1, "_refused": 1, "keep_source": 1, "OSError": 1, "SourceError": 1}
PLACES |= {"FileExistsError": 1, "in_both_languages": 1}
"""Calls that make a sentence, and which of their arguments it is."""
IS_SENTENCE = re.compile("[^;]*[a-z]{2}")
COMMANDS = re.compile(r"illsort \w+|pip install|HF_ENDPOINT")


@dataclass(frozen=True)
class Said:
    """A sentence as it stands in the source, and all that it can be; None for one that is made elsewhere."""

    where: str
    source: str
    sentences: tuple[str, ...] | None


def reached() -> set[str]:
    found: set[str] = set()
    left = list(BEGIN)
    while left:
        module = left.pop()
        if module not in found and path_of(module).is_file():
            found.add(module)
            left += imported(module)
    return found


def path_of(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("classifier."):
            name = (node.module or "").removeprefix("classifier.")
            yield from (name, *(f"{name}.{one.name}" for one in node.names))
        elif isinstance(node, ast.ImportFrom) and node.module == "classifier":
            yield from (one.name for one in node.names)


def said(module: str) -> Iterator[Said]:
    for where, function in functions(module):
        nodes = [node for node in walk(function) if not isinstance(node, ast.Constant)]
        found = [one for node in nodes if isinstance(node, ast.Call) and (one := argument(module, node)) is not None]
        if where.startswith("filing."):
            found += [node.value for node in nodes if isinstance(node, ast.Assign) and "reason" in names(node)]
        if where in PHRASES:
            found += [node.value for node in nodes if isinstance(node, ast.Return) and not is_none(node.value)]
            found += [node.value for node in nodes if isinstance(node, ast.Assign) and sayings(node.value)]
        for node in found:
            if isinstance(node, ast.expr) and ast.unparse(node) not in {"why", "reason"}:  # looked at where it is made
                yield Said(where, ast.unparse(node), sayings(node))


def functions(module: str) -> Iterator[tuple[str, ast.AST]]:
    """Each function by its name, and what stands outside of all by the module's."""
    yield module, tree_of(module)
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{module}.{node.name}", node


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """What is within it, but for the functions in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from walk(child)


def argument(module: str, call: ast.Call) -> ast.expr | None:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name == "Outcome":
        return next((keyword.value for keyword in call.keywords if keyword.arg == "reason"), None)
    if name == "ValueError" and module == "web.schemas":
        return call.args[0]
    place = PLACES.get(name)
    return None if place is None or len(call.args) <= place else call.args[place]


def names(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def sayings(node: ast.expr) -> tuple[str, ...] | None:
    """All that an expression can say, with 7 for whatever is put in; None for one that is no sentence here."""
    match node:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.JoinedStr(values=values):
            return tuple("".join(parts) for parts in product(*(inserted(value) for value in values)))
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return tuple(one + other for one, other in product(sayings(left) or ("7",), sayings(right) or ("7",)))
        case ast.IfExp(body=body, orelse=other):
            both = [text for part in (body, other) if not is_none(part) for text in sayings(part) or ("7",)]
            return tuple(both)
        case _:
            return None


def inserted(value: ast.expr) -> tuple[str, ...]:
    if isinstance(value, ast.FormattedValue):
        return ("'7'",) if value.conversion == ord("r") else ("7",)
    return sayings(value) or ("7",)


def everything() -> list[Said]:
    return [one for module in sorted(reached()) for one in said(module)]


def is_elsewhere(where: str) -> bool:
    return any(where == one or where.startswith(f"{one}.") for one in ELSEWHERE)


def test_every_sentence_that_the_page_can_meet_is_told_in_chinese() -> None:
    met = [one for one in everything() if not is_elsewhere(one.where)]
    sentences = [text for one in met for text in one.sentences or () if IS_SENTENCE.match(text)]
    told = {text: sentence_in_chinese(text) for text in sentences}

    assert len(told) > 90
    assert [] == [text for text, chinese in told.items() if text == chinese]
    assert [] == [text for text in told.values() if re.search("[a-z]{2,} [a-z]{2,}", COMMANDS.sub("", text))]


def test_what_is_no_sentence_where_it_is_raised_is_known() -> None:
    met = {one.source for one in everything() if one.sentences is None and not is_elsewhere(one.where)}

    assert PASSED_ON == met


def test_no_exception_outlives_its_sentence() -> None:
    heard = {one.where for one in everything()}

    assert [] == [name for name in ELSEWHERE if not any(one == name or one.startswith(f"{name}.") for one in heard)]
    assert heard >= PHRASES
