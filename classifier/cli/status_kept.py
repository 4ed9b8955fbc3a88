"""What `illsort status` says of what a library keeps beside its pictures, and of what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.i18n import _, count_
from classifier.paths import command

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.stats import LibraryStats


def kept_lines(stats: LibraryStats, library: Path) -> list[str]:
    """The sizes of the embeddings and of the thumbnail cache; what is not kept, and how it is."""
    lines, embeddings, thumbnails = [], stats.embeddings, thumbnail_bytes(library)
    if embeddings.size_bytes:
        lines.append(
            count_(
                "{size:,.1f} MB keep what networks saw in {count:,} picture, for another head",
                "{size:,.1f} MB keep what networks saw in {count:,} pictures, for another head",
                count=embeddings.pictures,
                size=embeddings.size_bytes / 1e6,
            )
        )
    if stats.without_look:
        lines.append(
            count_(
                "{count:,} picture was read without what copies are found by: {command} reads it once",
                "{count:,} pictures were read without what copies are found by: {command} reads them once",
                count=stats.without_look,
                command=_reading_looks(stats, library),
            )
        )
    if thumbnails:
        lines.append(
            _(
                "{size:,.1f} MB are small pictures for the review page, made again when they are gone",
                size=thumbnails / 1e6,
            )
        )
    return lines


def _reading_looks(stats: LibraryStats, library: Path) -> str:
    """The command that reads them: in a library of symbolic links no picture lies, but in its crawl."""
    last = next((run for run in reversed(stats.runs) if run.kind == "sort"), None)
    if last is not None and last.mode == "symlink":
        return command("duplicates", last.crawl, "--set", f"sort.library={library}")
    return command("duplicates", library)


def thumbnail_bytes(library: Path) -> int:
    """The size of the thumbnail cache."""
    from classifier.web.thumbnails import ThumbnailCache

    return ThumbnailCache(library).held()
