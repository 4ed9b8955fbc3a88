"""The size of the house: lines a file and lines a function in classifier/ (median, 90th, max).

python scripts/house.py
"""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent / "classifier"


def main() -> None:
    """Count and print."""
    files: dict[str, int] = {}
    functions: dict[str, int] = {}
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        files[name] = text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions[f"{name}:{node.name}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    for what, sizes in (("files", files), ("functions", functions)):
        largest = max(sizes, key=lambda name: sizes[name])
        ninetieth = quantiles(sizes.values(), n=10)[-1]
        print(
            f"{len(sizes)} {what}, {sum(sizes.values())} lines: median {median(sizes.values()):g}, "
            f"90th {ninetieth:.0f}, max {sizes[largest]} ({largest})"
        )


if __name__ == "__main__":
    main()
