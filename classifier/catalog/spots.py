"""Where embeddings lie: folders, shards, rows by number. Must not know what a row holds, nor need numpy to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from classifier.catalog.filesystem import state_folder

FOLDER = "embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLocation:
    """Where one row lies."""

    shard: int
    row: int


def folder_of(library: Path, backbone: str) -> Path:
    """Where the shards of one backbone lie; it need not exist."""
    return state_folder(library) / FOLDER / backbone


def sizes(library: Path) -> dict[str, int]:
    """Bytes that the rows of each backbone take on the disk; nothing where none were kept."""
    folder = state_folder(library) / FOLDER
    found = folder.iterdir() if folder.is_dir() else ()
    return {one.name: sum(file.stat().st_size for file in one.glob("*.rows")) for one in found if one.is_dir()}
