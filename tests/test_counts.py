"""A count and its noun read as English in every sentence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import classifier

ROOT = Path(classifier.__file__).parent
PLURAL = re.compile(r"^\{\w+:,\} (new |more )?(pictures|files|labels|duplicates|categories|changes|decisions)\b")


def test_no_message_puts_a_plural_noun_behind_a_bare_count() -> None:
    """What may be one goes through `Counted` or `count_`, which have a form for it."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Message" | "_"), args=[ast.Constant(value=str(template)), *_]):
                    found += [f"{path.name}: {template}"] if PLURAL.search(template) else []
    assert [] == found
