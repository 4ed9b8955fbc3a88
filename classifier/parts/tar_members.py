"""The files in a tar archive: their names, where their bytes lie, and whether the archive is whole.

Only headers are read, a window at a time; what a window does not reach is skipped. An archive may come from a stranger:
no length that it states is believed beyond its own, and nothing that it holds is kept in memory but one header, and
of the records before it the name and length that they give.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from classifier.errors import Message, message_of
from classifier.parts.storage_types import ChangedSinceListed, Storage, StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK: Final = tarfile.BLOCKSIZE
_WINDOW: Final = 1 << 20
"""As much as a bucket sends in about the time that it takes to answer at all."""
_LONGEST_HEADER: Final = 1 << 20
_MOST_HEADERS: Final = 100
"""Before one member; programs that make archives write up to four."""
_FILES: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_WITHOUT_DATA: Final = frozenset(
    {tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE}
)
_PAX: Final = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
_EXTENDED_AT: Final = {"header": 482, "more": 504}
"""Where GNU's sparse headers say whether another block of them follows."""


class Member(NamedTuple):
    """A regular file in an archive: its name as a str with surrogates, and the bytes that are its content."""

    name: str
    offset: int
    size_bytes: int


class DamagedTar(Exception):  # noqa: N818 - a fact about one archive, not an error of the program
    """An archive that cannot be read to its end; `why` says so to a person."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


def tar_members(source: Storage, tar: StoredFile, *, is_stopped: Callable[[], bool] = bool) -> Iterator[Member]:
    """The regular files in `tar`, in its order.

    GNU's long names and PAX headers are understood; links, folders, devices and sparse files are passed over. A member
    that is cut off at the end is left out. The mark of the end may be missing after a whole member.

    Raises:
        DamagedTar: After the members that could be read.
        StorageError: As `source` does.

    """
    reader = _Reader(source, tar)
    try:
        yield from _members(reader, is_stopped)
    except ChangedSinceListed:
        raise DamagedTar(Message("changed while it was being listed")) from None
    except OSError as error:
        raise DamagedTar(message_of(error)) from error


def _members(reader: _Reader, is_stopped: Callable[[], bool]) -> Iterator[Member]:
    ahead, at = _Ahead(), 0
    while not is_stopped():
        if at and at == reader.size_bytes and not ahead.count:
            return
        header = _header(reader, at)
        if header is None:
            return
        data = at + _BLOCK
        if header.type in _PAX or header.type in {tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}:
            ahead.read(header, reader.record(data, header.size))
            at = data + _padded(header.size)
            continue
        if header.type == tarfile.GNUTYPE_SPARSE:
            data = _after_sparse_headers(reader, data)
        size = _size(header, ahead, reader, data)
        if header.type in _FILES and not ahead.is_sparse and not header.isdir():
            yield Member(ahead.name or header.name, data, size)
        at, ahead = data + _padded(size), _Ahead(ahead.everywhere)


def _header(reader: _Reader, at: int) -> tarfile.TarInfo | None:
    """The header at `at`; None at the mark of the end."""
    block = reader.read(at, _BLOCK)
    if not block.strip(b"\0") and len(block) == _BLOCK:
        return None
    if len(block) < _BLOCK:
        raise DamagedTar(Message("ends in the middle, after {count:,} bytes", count=reader.size_bytes))
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        raise DamagedTar(Message("is damaged at byte {offset:,}, or no tar archive", offset=at)) from None
    if header.size < 0:
        raise DamagedTar(Message("is damaged at byte {offset:,}, or no tar archive", offset=at))
    return header


def _size(header: tarfile.TarInfo, ahead: _Ahead, reader: _Reader, data: int) -> int:
    """The length of what is stored of a member from `data` on. Raises DamagedTar where the archive ends before it."""
    if header.type in _WITHOUT_DATA:
        return 0
    size = header.size if ahead.size is None else ahead.size
    if data + size > reader.size_bytes:
        raise DamagedTar(Message("ends in the middle, after {count:,} bytes", count=reader.size_bytes))
    return size


def _after_sparse_headers(reader: _Reader, data: int) -> int:
    goes_on = reader.read(data - _BLOCK, _BLOCK)[_EXTENDED_AT["header"]]
    while goes_on:
        block = reader.read(data, _BLOCK)
        data += _BLOCK
        goes_on = block[_EXTENDED_AT["more"]] if len(block) == _BLOCK else 0
    return data


@dataclass(slots=True)
class _Ahead:
    """What the records before a header say of it, and those for `everywhere`."""

    everywhere: dict[bytes, bytes] = field(default_factory=dict)
    own: dict[bytes, bytes] = field(default_factory=dict)
    long_name: bytes = b""
    count: int = 0
    is_sparse: bool = False
    """Whether what follows is a file with holes, in whichever of PAX's three ways."""

    def read(self, header: tarfile.TarInfo, record: bytes) -> None:
        """Take what the record says that follows `header`. Raises DamagedTar for one that is damaged or too many."""
        self.count += 1
        if self.count > _MOST_HEADERS:
            raise DamagedTar(Message("is damaged: more than {count} headers before a file", count=_MOST_HEADERS))
        if header.type == tarfile.GNUTYPE_LONGNAME:
            self.long_name = record.partition(b"\0")[0]
        elif header.type == tarfile.XGLTYPE:
            self.everywhere.update(_used(_pax(record)))
        elif header.type in _PAX:
            values = _pax(record)
            self.own.update(_used(values))
            self.is_sparse |= any(key.startswith(b"GNU.sparse.") for key in values)

    @property
    def name(self) -> str:
        """The name of what follows; empty where its header has it."""
        return self._get(b"path", self.long_name).rstrip(b"/").decode("utf-8", "surrogateescape")

    @property
    def size(self) -> int | None:
        """The length of what follows; None where its header has it. Raises DamagedTar for no number."""
        text = self._get(b"size", b"")
        if not text:
            return None
        if not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - digits of 2**63
            raise DamagedTar(Message("is damaged: a length is no number"))
        return int(text)

    def _get(self, key: bytes, default: bytes) -> bytes:
        return self.own.get(key) or self.everywhere.get(key) or default


def _used(values: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {key: values[key] for key in (b"path", b"size") if key in values}


def _pax(record: bytes) -> dict[bytes, bytes]:
    """The values of a PAX record: lines of a length, a space, a key, "=" and a value."""
    values, at = dict[bytes, bytes](), 0
    while at < len(record) and record[at : at + 1] != b"\0":
        length, space, _ = record[at : at + 20].partition(b" ")
        is_whole = space and length.isdigit() and len(length) + 1 < int(length) <= len(record) - at
        if not is_whole:
            raise DamagedTar(Message("is damaged: a PAX header cannot be read"))
        key, _, value = record[at + len(length) + 1 : at + int(length)].removesuffix(b"\n").partition(b"=")
        values[key] = value
        at += int(length)
    return values


@dataclass(slots=True)
class _Reader:
    """Reads an archive a window at a time, as it was when it was listed."""

    source: Storage
    tar: StoredFile
    _start: int = 0
    _window: bytes = b""

    @property
    def size_bytes(self) -> int:
        return self.tar.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; fewer at the end."""
        end = min(offset + length, self.size_bytes)
        if offset < self._start or end > self._start + len(self._window):
            wanted = min(max(length, _WINDOW), self.size_bytes - offset)
            tar = self.tar
            self._window = self.source.read_range(tar.key, offset, max(wanted, 0), version=tar.version)
            self._start = offset
        return self._window[offset - self._start : end - self._start]

    def record(self, offset: int, length: int) -> bytes:
        """A record of a header. Raises DamagedTar for one that no archive needs, or that is cut off."""
        content = self.read(offset, length) if length <= _LONGEST_HEADER else b""
        if len(content) != length:
            raise DamagedTar(Message("is damaged: a header of {count:,} bytes", count=length))
        return content


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
