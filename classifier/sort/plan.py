"""A dry run's end: moves are told instead of made, and only the catalogue's copy in memory learns of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from classifier.catalogue.journal import Place, add_places, to_bytes
from classifier.catalogue.store import Catalogue
from classifier.filing.outcome import Outcome, Status
from classifier.records import Method, Move


def plan_only(catalogue: Catalogue, library: Path, tell: Callable[[str], None], moves: Sequence[Move]) -> list[Outcome]:
    """Tell each move as a line, and note in `catalogue` (a copy in memory) where its picture would lie."""
    outcomes = [_planned(catalogue, library, move) for move in moves]
    for outcome in outcomes:
        tell(f"{outcome.move.method}: {outcome.move.source.path} -> {library / (outcome.path or '')}")
    return outcomes


def _planned(catalogue: Catalogue, library: Path, move: Move) -> Outcome:
    path = next((path for name in move.names if _is_free(catalogue, library, path := move.folder / name)), None)
    if path is None:
        return Outcome(move=move, status=Status.FAILED, reason="every name for it is taken by another file")
    source = move.source
    place = Place(
        picture=move.picture,
        path=to_bytes(path),
        method=move.method,
        source=to_bytes(source.path),
        size_bytes=source.size_bytes,
        mtime_ns=source.mtime_ns,
        inode=source.inode,
        device=source.device,
    )
    add_places(catalogue, [place], renamed=move.method is Method.RENAME)
    return Outcome(move=move, status=Status.PLACED, path=path, method=move.method)


def _is_free(catalogue: Catalogue, library: Path, path: Path) -> bool:
    row = catalogue.connection.execute("SELECT 1 FROM places WHERE path = ?", (to_bytes(path),)).fetchone()
    return row is None and not (library / path).exists()
