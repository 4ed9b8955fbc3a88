"""Installs the files of a bundle into its folder; replaces only files of a bundle, and survives a kill.

The files are written to a folder of a name randomly drawn beside it. One rename, that of `illsort.json`, makes the
bundle the new one; the other files follow. After a kill in between, whoever opens the bundle next lets them follow: the
record in the writing folder says which they are and what they replace, by hashes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from classifier.busy_files import when_free
from classifier.catalog.filesystem import sync_folder
from classifier.errors import ModelError, message_of
from classifier.model.bundle_files import (
    MANIFEST,
    PARTS,
    check_replaceable,
    check_writable,
    make_durable,
    proven_files,
)
from classifier.own_files import remove_own, replace_own, sha256_if_regular
from classifier.own_folder import RECORD, Record, name_taken, read_record, remove_record

if sys.platform != "win32":
    import fcntl

_WRITING: Final = "illsort.writing-"
_NAMES: Final = (MANIFEST, *PARTS)


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, to write a bundle's files to and then to `install` them.

    What a killed run left of such folders is removed first. After an error the new one is removed too.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(folder.parent)
    writing = Path(tempfile.mkdtemp(prefix=_WRITING, dir=folder.parent))
    with _held(writing):
        Record(files=dict.fromkeys(_NAMES, ())).save(writing)
        try:
            yield writing
        except Exception:
            if not _is_begun(writing):
                _discard(writing)
            raise


def install(writing: Path, folder: Path) -> None:
    """Have the bundle in `writing` be the one in `folder`; of the files there, only those of a bundle are replaced.

    Raises ModelError in one line when something else stands where one has to be, OSError when the disk refuses.
    """
    check_replaceable(folder)
    make_durable(writing)
    digests = {name: sha256_if_regular(writing / name) for name in _NAMES}
    files: dict[str, tuple[str, ...]] = {name: (one,) for name, one in digests.items() if one}
    record = Record(files=files, into=folder.name, replaces=proven_files(folder))
    record.save(writing)
    sync_folder(writing)
    folder.mkdir(parents=True, exist_ok=True)
    replace_own(writing / MANIFEST, folder / MANIFEST)
    sync_folder(folder)
    _follow(record, writing, folder)


def finish_install(folder: Path) -> None:
    """Let the files follow that a killed `install` into `folder` has left in the writing folder.

    Raises ModelError in one line when they cannot.
    """
    folder = folder.resolve()
    for writing in _writing_folders(folder.parent):
        record = read_record(writing)
        if record is None or record.into != folder.name or not _is_begun(writing):
            continue
        if record.files[MANIFEST] != (sha256_if_regular(folder / MANIFEST),) or not record.files.keys() <= set(_NAMES):
            continue
        try:
            _follow(record, writing, folder)
        except OSError as error:
            raise ModelError(
                "{folder}: a new model was being put there when illsort was stopped, and that cannot be completed "
                "({why}); open it where it may be written, or train again",
                folder=folder,
                why=message_of(error),
            ) from None


def copy_bundle(folder: Path, previous: Path) -> None:
    """Have the bundle in `folder`, if there is one, be the one in `previous` too."""
    ours = proven_files(folder)
    if not ours:
        return
    with writing_folder(previous) as writing:
        for name in ours:
            _link_or_copy(folder / name, writing / name)
        install(writing, previous)


def remove_bundle(folder: Path) -> None:
    """Remove a bundle's files, as far as illsort provably wrote them, and the folder when nothing else is in it."""
    ours = proven_files(folder)
    for name in sorted(ours, key=MANIFEST.__eq__):  # the manifest last: it proves the others
        remove_own(folder / name)
    with suppress(OSError):
        when_free(folder.rmdir)


def respect_umask(writing: Path) -> None:
    """Give the files in `writing` the permissions that a new file has here: some libraries make theirs private."""
    usual = (writing / RECORD).stat().st_mode & 0o777
    for path in writing.iterdir():
        path.chmod(usual)


def _follow(record: Record, writing: Path, folder: Path) -> None:
    for name, digests in record.files.items():
        if name != MANIFEST:
            _move_in(writing / name, folder / name, digests[0], replaced=record.replaces.get(name, ""))
    for name, digest in record.replaces.items():
        if name not in record.files and sha256_if_regular(folder / name) == digest:
            remove_own(folder / name)
    sync_folder(folder)
    _discard(writing)


def _move_in(source: Path, target: Path, digest: str, *, replaced: str) -> None:
    there = sha256_if_regular(target)
    if there == digest:
        return
    if os.path.lexists(target) and there != replaced:
        raise ModelError(message_of(name_taken(target)))
    if sha256_if_regular(source) == digest:
        with suppress(FileNotFoundError):  # another process that opens the bundle has just moved it
            replace_own(source, target)


def _is_begun(writing: Path) -> bool:
    """Whether its manifest is in the bundle's folder already, so that the other files are needed there."""
    record = read_record(writing)
    return record is not None and bool(record.files.get(MANIFEST)) and not (writing / MANIFEST).exists()


def _discard(writing: Path) -> None:
    """Remove what was written to a writing folder, by the recorded names, and it if nothing else is in it."""
    record = read_record(writing) or Record()
    for name in record.files:
        with suppress(FileNotFoundError):
            remove_own(writing / name)
    remove_record(writing)
    with suppress(OSError):
        when_free(writing.rmdir)


def _remove_left(parent: Path) -> None:
    """Remove the writing folders of killed runs, but those whose bundle is in its place and waits for its files."""
    for writing in _writing_folders(parent):
        with suppress(OSError), _held(writing) as is_free:
            if is_free and not _is_begun(writing):
                _discard(writing)


def _writing_folders(parent: Path) -> list[Path]:
    with suppress(OSError):
        found = [Path(entry) for entry in os.scandir(parent) if entry.name.startswith(_WRITING)]
        return sorted(folder for folder in found if folder.is_dir() and not folder.is_symlink())
    return []


@contextmanager
def _held(writing: Path) -> Iterator[bool]:
    """Mark a writing folder as in use while this runs; yields whether nobody else uses it."""
    if sys.platform == "win32":  # pragma: no cover - Windows refuses to remove what is open
        yield True
        return
    descriptor = os.open(writing, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = True
        except OSError:  # in use, or a file system that locks no folders: then it is left alone
            is_free = False
        yield is_free
    finally:
        os.close(descriptor)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        when_free(os.link, source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copyfile(source, target, follow_symlinks=False)


def check_target(folder: Path) -> None:
    """Raise ModelError in one line when a bundle may not be written to `folder`.

    Only nothing, or an older bundle with anything beside it, may be there; and where that one is to be kept, nothing
    that illsort did not write may bear the name of one of its files.
    """
    place = place_of(folder)
    check_writable(place)
    finish_install(place)
    finish_install(previous_of(place))
    if place.exists() and not (place / MANIFEST).is_file() and (not place.is_dir() or any(place.iterdir())):
        raise ModelError(
            "model.folder = {folder}: is there already and is no illsort bundle; choose another folder", folder=folder
        )
    check_replaceable(place)
    if proven_files(place):
        check_replaceable(previous_of(place))


def place_of(folder: Path) -> Path:
    """Where the bundle's files lie: a link that a person made to the model's folder is followed."""
    return folder.resolve() if folder.is_symlink() else folder


def previous_of(folder: Path) -> Path:
    """Where the bundle that was in `folder` before is kept."""
    return folder.with_name(f"{folder.name}.previous")
