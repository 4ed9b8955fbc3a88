"""Moves that are planned only: recorded in a copy of the catalog in memory, nothing on the disk is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.catalog.connection import Catalog
from classifier.catalog.decisions import decisions_of
from classifier.catalog.places import LibraryFile, add_places, is_place
from classifier.catalog.values import to_bytes
from classifier.errors import Message
from classifier.filing.file_checks import why_no_link
from classifier.filing.plan import NAMES_TAKEN, folder_problem
from classifier.filing.results import Outcome, Status
from classifier.paths import to_text
from classifier.records import Decision, Method, Move


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMove:
    """A move as a sort would make it; `target` is None where `problem` prevents it, `decision` None for a sidecar."""

    image_id: str
    source: Path
    method: Method
    target: Path | None
    problem: Message | str | None
    decision: Decision | None

    @property
    def message(self) -> Message:
        """The move in one line."""
        if self.target is None:
            return Message("not filed: {source}: {why}", source=self.source, why=self.problem)
        return Message("{method}: {source} -> {target}", method=self.method, source=self.source, target=self.target)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: paths as `to_text` writes them."""
        decided = self.decision
        return {
            "image_id": self.image_id,
            "source": to_text(self.source),
            "target": None if self.target is None else to_text(self.target),
            "method": str(self.method),
            "action": None if decided is None else str(decided.action),
            "category": None if decided is None else decided.category,
            "confidence": None if decided is None else decided.confidence,
            "problem": None if self.problem is None else str(self.problem),
        }


Show = Callable[[PlannedMove], None]
"""Prints one planned move."""


def plan_only(catalog: Catalog, library: Path, show: Show | None, moves: Sequence[Move]) -> list[Outcome]:
    """Record in `catalog` (a copy in memory) where each image would be, and pass the moves to `show`."""
    outcomes = [_planned(catalog, library, move) for move in moves]
    if show is not None:
        decided = decisions_of(catalog, [move.image_id for move in moves if move.beside is None])
        for outcome in outcomes:
            show(
                PlannedMove(
                    image_id=outcome.move.image_id,
                    source=outcome.move.source.path,
                    method=outcome.method or outcome.move.method,
                    target=None if outcome.path is None else library / outcome.path,
                    problem=outcome.reason or None,
                    decision=None if outcome.move.beside else decided.get(outcome.move.image_id),
                )
            )
    return outcomes


def _planned(catalog: Catalog, library: Path, move: Move) -> Outcome:
    if (trouble := folder_problem(library / move.folder, library=library)) is not None:
        return Outcome(move=move, status=Status.FAILED, reason=trouble)
    path = next((path for name in move.names if _is_free(catalog, library, path := move.folder / name)), None)
    if path is None:
        return Outcome(move=move, status=Status.FAILED, reason=NAMES_TAKEN)
    source, method = move.source, move.method
    if method is Method.LINK and why_no_link(source.path, library / move.folder) is not None:
        method = Method.COPY
    file = LibraryFile(
        image_id=move.image_id,
        path=to_bytes(path),
        method=method,
        source=to_bytes(source.path),
        size_bytes=source.size_bytes,
        mtime_ns=source.mtime_ns,
        inode=source.inode,
        device=source.device,
    )
    add_places(catalog, [file], renamed=move.method is Method.RENAME)
    return Outcome(move=move, status=Status.PLACED, path=path, method=method)


def _is_free(catalog: Catalog, library: Path, path: Path) -> bool:
    return not is_place(catalog, to_bytes(path)) and not (library / path).exists()
