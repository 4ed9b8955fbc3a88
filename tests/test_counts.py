"""A count and its noun read as English in every sentence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import classifier
from classifier.progress import counted

ROOT = Path(classifier.__file__).parent


def test_one_is_singular_and_all_else_plural() -> None:
    assert ["0 files", "1 file", "1,200 files"] == [counted(count, "file") for count in (0, 1, 1200)]
    assert ["1 category", "2 categories"] == [counted(count, "category", "categories") for count in (1, 2)]


@pytest.mark.parametrize("folder", ["cli", "sort", "sampling", "filing"])
def test_no_sentence_puts_a_plural_noun_behind_a_bare_count(folder: str) -> None:
    """What the command line says of counts goes through `counted`."""
    plural = re.compile(r"\} (new |more )?(pictures|files|labels|duplicates|categories|changes|decisions) ")
    found = []
    for path in sorted((ROOT / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and ":," in ast.unparse(node) and plural.search(ast.unparse(node)):
                found += [f"{path.name}: {ast.unparse(node)}"]
    assert [] == found
