"""A folder in which illsort writes beside other files, and removes a file only if it is proved to be its own.

The record `illsort-files.json` in it has the SHA-256 of each file that illsort wrote; the name of a file in progress is
random and recorded before the file is made. So whatever a kill leaves can be distinguished from what a person put
there.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.busy_files import when_free
from classifier.errors import Message
from classifier.own_files import NEW, flush_to_disk, open_own, remove_own, replace_own, sha256_if_regular, write_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

RECORD: Final = "illsort-files.json"
_MOST_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[^/\\\0]{1,255}")
_MAKING: Final = re.compile(r"(?:[^/\\\0]{1,230}\.[0-9a-f]{16}\.writing)?")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PART: Final = re.compile(rf"\.{re.escape(RECORD)}\.[0-9a-f]{{16}}\.part")


@dataclass(slots=True, kw_only=True)
class Record:
    """What illsort wrote in a folder: the hashes by which each file is known, two while the one replaces the other.

    `making` is the name under which a file is being written, empty when none is. The last two are used by what moves
    the files into the folder called `into` beside this one: the hashes of those that they replace there.
    """

    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    making: str = ""
    into: str = ""
    replaces: dict[str, str] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write it to `folder`, durably. Raises FileExistsError when another file bears its name."""
        if os.path.lexists(folder / RECORD) and read_record(folder) is None:
            raise name_taken(folder / RECORD)
        kept = {"by": "illsort", **asdict(self)}
        write_own(folder / RECORD, json.dumps(kept, indent=1).encode())


def read_record(folder: Path) -> Record | None:
    """The record in `folder`; None where there is none as illsort writes it."""
    path = folder / RECORD
    try:
        if not path.is_file() or path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        return _checked(kept) if isinstance(kept, dict) and kept.get("by") == "illsort" else None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def remove_record(folder: Path) -> None:
    """Remove the record in `folder`, and what a kill left of it, whose name was drawn by chance."""
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names are what is asked for
    for name in names:
        if _PART.fullmatch(name) or (name == RECORD and read_record(folder) is not None):
            remove_own(folder / name)


def name_taken(path: Path) -> FileExistsError:
    """A file that illsort cannot prove it wrote stands where it has to write."""
    taken = Message("{path} is not as illsort wrote it, so it stays: move it elsewhere and start again", path=path)
    return FileExistsError(errno.EEXIST, taken)


class OwnFolder:
    """Our own files in `folder`, which need not exist before something is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = read_record(folder) or Record()

    def owns(self, name: str) -> bool:
        """Whether the file called `name` is there and as illsort wrote it."""
        return sha256_if_regular(self.folder / name) in self._record.files.get(name, ())

    def adopt(self, name: str) -> None:
        """Take a file for our own that the caller has proved to be so by what is in it."""
        digest = sha256_if_regular(self.folder / name)
        if digest and not self.owns(name):
            self._record.files[name] = (digest,)
            self._record.save(self.folder)

    def write(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        """Have what `fill` writes at `name`, durably, whole or not at all.

        Raises FileExistsError, with a sentence, where a file of another's is; OSError when the disk refuses.
        """
        path, record = self.folder / name, self._record
        if self.folder.is_symlink():
            raise name_taken(self.folder)
        if os.path.lexists(path) and not self.owns(name):
            raise name_taken(path)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_unfinished()
        record.making = f"{name}.{secrets.token_hex(8)}.writing"
        record.save(self.folder)
        with open_own(self.folder / record.making, NEW) as file:
            fill(file)
            file.flush()
            flush_to_disk(file.fileno())
        digest = sha256_if_regular(self.folder / record.making)
        record.files[name] = (digest, *record.files.get(name, ())[:1])
        record.save(self.folder)
        replace_own(self.folder / record.making, path)
        record.files[name], record.making = (digest,), ""

    def remove(self) -> None:
        """Remove what is provably our own, and the folder when nothing else is left in it; a link is left alone."""
        if self.folder.is_symlink():
            return
        for name in filter(self.owns, self._record.files):
            remove_own(self.folder / name)
        self._remove_unfinished()
        remove_record(self.folder)
        self._record = Record()
        with suppress(OSError):
            when_free(self.folder.rmdir)

    def _remove_unfinished(self) -> None:
        """Its name was drawn by chance and recorded before it was made, so it is ours whatever is in it."""
        if self._record.making:
            with suppress(FileNotFoundError):
                remove_own(self.folder / self._record.making)
        self._record.making = ""


def _checked(kept: dict[str, Any]) -> Record:
    """Raises ValueError or TypeError where it is not as illsort writes it."""
    record = Record(
        files={name: tuple(hashes) for name, hashes in kept["files"].items()},
        making=kept["making"],
        into=kept["into"],
        replaces=dict(kept.get("replaces", {})),
    )
    hashes = [one for known in record.files.values() for one in known] + list(record.replaces.values())
    names = [*record.files, *record.replaces]
    if not all(map(_HASH.fullmatch, hashes)) or not all(map(_NAME.fullmatch, names)) or {".", ".."} & set(names):
        raise ValueError("no record of illsort")
    if not _MAKING.fullmatch(record.making) or not isinstance(record.into, str):
        raise ValueError("no record of illsort")
    return record
