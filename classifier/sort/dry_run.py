"""A dry run's end: moves are told instead of made, and only the catalog's copy in memory learns of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from classifier.catalog.connection import Catalog
from classifier.catalog.places import LibraryFile, add_places
from classifier.catalog.values import to_bytes
from classifier.filing.hardlink_check import why_no_link
from classifier.filing.plan import trouble_with
from classifier.filing.results import Outcome, Status
from classifier.records import Method, Move


def plan_only(catalog: Catalog, library: Path, tell: Callable[[str], None], moves: Sequence[Move]) -> list[Outcome]:
    """Tell each move as a line, and note in `catalog` (a copy in memory) where its picture would lie."""
    outcomes = [_planned(catalog, library, move) for move in moves]
    for outcome in outcomes:
        source = outcome.move.source.path
        if outcome.path is None:
            tell(f"not filed: {source}: {outcome.reason}")
        else:
            tell(f"{outcome.method}: {source} -> {library / outcome.path}")
    return outcomes


def _planned(catalog: Catalog, library: Path, move: Move) -> Outcome:
    if (trouble := trouble_with(library / move.folder, library=library)) is not None:
        return Outcome(move=move, status=Status.FAILED, reason=trouble)
    path = next((path for name in move.names if _is_free(catalog, library, path := move.folder / name)), None)
    if path is None:
        return Outcome(move=move, status=Status.FAILED, reason="every name for it is taken by another file")
    source, method = move.source, move.method
    if method is Method.LINK and why_no_link(source.path, library / move.folder) is not None:
        method = Method.COPY
    place = LibraryFile(
        picture=move.picture,
        path=to_bytes(path),
        method=method,
        source=to_bytes(source.path),
        size_bytes=source.size_bytes,
        mtime_ns=source.mtime_ns,
        inode=source.inode,
        device=source.device,
    )
    add_places(catalog, [place], renamed=move.method is Method.RENAME)
    return Outcome(move=move, status=Status.PLACED, path=path, method=method)


def _is_free(catalog: Catalog, library: Path, path: Path) -> bool:
    row = catalog.connection.execute("SELECT 1 FROM places WHERE path = ?", (to_bytes(path),)).fetchone()
    return row is None and not (library / path).exists()
