"""Writes generated lists and pages into the library, never over a file that a person wrote."""

from __future__ import annotations

import csv
import hashlib
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from classifier.catalog import files
from classifier.catalog.places import add_listing, is_listing, keep_listing
from classifier.errors import FilingStopped, LibraryError, Message, message_of
from classifier.filing.disk_errors import is_disk_failure
from classifier.filing.file_checks import lstat_or_none
from classifier.filing.fsops import Disk
from classifier.paths import displayable
from classifier.reason_text import reason_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

_COLUMNS = ("path", "reason", "detail")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(
    catalog: Catalog,
    *,
    library: Path,
    name: str,
    rows: Iterable[tuple[Path, str, str]],
    disk: Disk | None = None,
) -> Path | None:
    """Write `rows` of path, reason and detail as `<library>/<name>`; without rows, remove it and return None.

    UTF-8 with a byte order mark, so that spreadsheets show every language right. Raises LibraryError if a file of that
    name differs from what we last wrote, FilingStopped when the disk refuses.
    """
    if content := _as_csv(rows):
        return write_generated(catalog, library=library, name=name, content=content, disk=disk)
    path = library / name
    with _named(path):
        _GeneratedFile(catalog, path=path, disk=disk or Disk()).remove()
    return None


def write_generated(catalog: Catalog, *, library: Path, name: str, content: bytes, disk: Disk | None = None) -> Path:
    """Write `content` as `<library>/<name>`, recognized by its hash like a list; raises as `write_csv` does."""
    path = library / name
    with _named(path):
        return _GeneratedFile(catalog, path=path, disk=disk or Disk()).write(content)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = FilingStopped if is_disk_failure(error) else LibraryError
        raise kind(Message("cannot write {path}: {why}", path=path, why=message_of(error))) from error


class _GeneratedFile:
    """One list. Its hash is recorded before it is written, so that it is recognized as ours even after a kill."""

    def __init__(self, catalog: Catalog, *, path: Path, disk: Disk) -> None:
        self.catalog = catalog
        self.path = path
        self.temporary = path.with_name(f".illsort-{path.name}.part")
        self.disk = disk

    def write(self, content: bytes) -> Path:
        known = self._prove_ours()
        digest = hashlib.sha256(content).hexdigest()
        add_listing(self.catalog, self.path.name, digest)
        self._clear_temporary()
        self.disk.write_new(self.temporary, content)
        if known:
            self.disk.replace_own(self.temporary, self.path)
        else:
            self.disk.rename_noreplace(self.temporary, self.path, claim=lambda: None)
        self.disk.sync_folder(self.path.parent)
        self._forget_others(digest)
        return self.path

    def remove(self) -> None:
        if self._prove_ours():
            self.disk.remove(self.path)
            self.disk.sync_folder(self.path.parent)
        self._forget_others("")

    def _prove_ours(self) -> bool:
        """Whether our own file exists; False if there is none."""
        if lstat_or_none(self.path) is None:
            return False
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        if not is_listing(self.catalog, self.path.name, digest) or self.path.is_symlink():
            raise LibraryError(
                "{path} is not as illsort wrote it: move it elsewhere, and it is written anew", path=self.path
            )
        return True

    def _clear_temporary(self) -> None:
        """Remove what a kill left of the last write, which is recorded before its file is created."""
        if lstat_or_none(self.temporary) is not None:
            if not is_listing(self.catalog, self.temporary.name, ""):
                raise LibraryError("{path} was not written by illsort: move it elsewhere", path=self.temporary)
            self.disk.remove(self.temporary)
        add_listing(self.catalog, self.temporary.name, "")

    def _forget_others(self, digest: str) -> None:
        keep_listing(self.catalog, self.path.name, digest, temporary=self.temporary.name)


def _as_csv(rows: Iterable[tuple[Path, str, str]]) -> bytes:
    """The CSV text; empty without rows. Names as they are shown."""
    ordered = sorted(rows)
    if not ordered:
        return b""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows((displayable(path), reason, as_text(displayable(detail))) for path, reason, detail in ordered)
    return text.getvalue().encode("utf-8-sig")


def as_text(cell: str) -> str:
    """A cell that no spreadsheet evaluates as a formula: parts of it come from untrusted files."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


BROKEN_LISTING: Final = "_broken.csv"


def write_failure_list(catalog: Catalog, library: Path, progress: Progress, *, run: int) -> None:
    """Write the unreadable files as `_broken.csv`, at the end of `run`; a person's own file of that name stays."""
    rows = [
        (path, failure.kind.value, reason_message(failure.detail))
        for path, failure in files.failures(catalog, ending=run)
    ]
    try:
        write_csv(catalog, library=library, name=BROKEN_LISTING, rows=rows)
    except LibraryError as error:  # a person's own, or ours saved by a spreadsheet
        progress.say(Message("{why}; the list of unreadable pictures is in illsort status", why=error.message))
