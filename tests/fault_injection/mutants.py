"""Bugs that file movers have had. Each is patched into one child process, and a check must catch it."""

# ruff: noqa: ARG001, ARG005 - a mutant keeps the signature of what it stands for

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog import connection as database
from classifier.catalog import moves
from classifier.catalog.moves import MoveState
from classifier.filing import executor, file_checks, plan, recovery, transfer
from classifier.filing.fsops import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

MUTANTS: dict[str, Callable[[], None]] = {}


def mutant(apply: Callable[[], None]) -> Callable[[], None]:
    """Register a bug under the name of its function."""
    MUTANTS[apply.__name__.replace("_", " ")] = apply
    return apply


def _patch(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more: patch another place"
    setattr(owner, name, value)


@mutant
def the_source_goes_before_its_copy_is_written() -> None:
    def copy(self: Disk, source: Path, temporary: Path) -> str:
        data = source.read_bytes()
        source.unlink()
        self.write_new(temporary, data)
        return hashlib.sha256(data).hexdigest()

    _patch(Disk, "copy", copy)


@mutant
def the_source_goes_before_its_copy_is_durable() -> None:
    real = Disk.copy

    def copy(self: Disk, source: Path, temporary: Path) -> str:
        digest = real(self, source, temporary)
        source.unlink()
        return digest

    _patch(Disk, "copy", copy)


@mutant
def a_copy_is_not_made_durable() -> None:
    _patch(Disk, "sync_file", lambda self, path: None)


@mutant
def a_folder_is_not_made_durable() -> None:
    _patch(Disk, "sync_folder", lambda self, folder: None)


@mutant
def a_failed_sync_is_taken_for_done() -> None:
    real = Disk.sync_file

    def sync_file(self: Disk, path: Path) -> None:
        with suppress(OSError):
            real(self, path)

    _patch(Disk, "sync_file", sync_file)


@mutant
def a_rename_replaces() -> None:
    _patch(Disk, "rename_exclusively", lambda self, source, target: os.replace(source, target))  # noqa: PTH105


@mutant
def it_looks_and_then_renames() -> None:
    def rename(self: Disk, source: Path, target: Path) -> None:
        if target.exists():
            raise FileExistsError(target)
        source.rename(target)

    _patch(Disk, "rename_exclusively", rename)


@mutant
def a_taken_name_counts_as_placed() -> None:
    real = Disk.rename_exclusively

    def rename(self: Disk, source: Path, target: Path) -> None:
        with suppress(FileExistsError):
            real(self, source, target)

    _patch(Disk, "rename_exclusively", rename)
    _patch(transfer.FileTransfer, "_check", lambda self, step: None)


@mutant
def the_intent_is_committed_after_the_disk_changed() -> None:
    begin, settle = executor.begin, executor._Batch.settle
    late: list[tuple[Any, Any]] = []
    _patch(executor, "begin", lambda *arguments, **options: late.append((arguments, options)))

    def settle_late(self: Any) -> Any:
        for arguments, options in late:
            begin(*arguments, **options)
        late.clear()
        return settle(self)

    _patch(executor._Batch, "settle", settle_late)


@mutant
def a_change_is_done_before_the_disk_has_it() -> None:
    real = executor.begin

    def begin(catalog: Any, entries: Any, **options: Any) -> None:
        real(catalog, [replace(entry, state=MoveState.DONE) for entry in entries], **options)

    _patch(executor, "begin", begin)


@mutant
def the_place_is_not_recorded() -> None:
    _patch(executor, "_place", lambda end, library: None)


@mutant
def a_change_is_not_in_the_trail() -> None:
    _patch(moves, "append_move_log", lambda library, entries, *, at, crawls: None)


@mutant
def the_journal_does_not_wait_for_the_disk() -> None:
    real = database.set_up

    def set_up(connection: Any, **options: Any) -> None:
        real(connection, **options)
        connection.execute("PRAGMA synchronous = OFF")

    _patch(database, "set_up", set_up)


@mutant
def an_equal_size_and_time_are_an_equal_picture() -> None:
    def same(move: Any, path: Path, size_bytes: int) -> Any:
        equal = (path.stat().st_mtime_ns, size_bytes) == (move.source.mtime_ns, move.source.size_bytes)
        return move.method if equal else None

    _patch(plan, "_same_already", same)


@mutant
def a_link_in_place_of_the_source_is_followed() -> None:
    def look(path: Path) -> os.stat_result | None:
        return path.stat() if path.exists() else None

    for module in (file_checks, plan, transfer, executor):
        _patch(module, "lstat_or_none", look)


@mutant
def a_copy_is_not_compared() -> None:
    _patch(Disk, "secure", lambda self, path, sha256: self.sync_file(path))


@mutant
def an_edited_source_goes_all_the_same() -> None:
    _patch(executor, "is_unchanged", lambda path, planned, picture: True)


@mutant
def nothing_is_recovered() -> None:
    _patch(recovery, "recover", lambda catalog, library: None)


@mutant
def recovery_leaves_half_copies() -> None:
    _patch(recovery._OpenMove, "_remove_temporary", lambda self: None)


@mutant
def recovery_removes_whatever_looks_half() -> None:
    real = recovery.recover

    def removing(catalog: Any, library: Path) -> Any:
        for path in library.rglob("*"):
            if re.search(r"\.part$", path.name):
                path.unlink()
        return real(catalog, library)

    _patch(recovery, "recover", removing)


@mutant
def recovery_forgets_the_source_of_a_copied_move() -> None:
    def settled(self: Any) -> Any:
        return replace(self.entry, state=MoveState.DONE)

    _patch(recovery._OpenMove, "_at_target", settled)


@mutant
def nothing_waits_for_the_disk() -> None:
    """No sync of any kind: the control of the power cuts."""
    a_folder_is_not_made_durable()
    a_copy_is_not_made_durable()
    the_journal_does_not_wait_for_the_disk()
