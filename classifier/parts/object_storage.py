"""Files below a URL as a place for parts and pictures, by the package that fsspec has for it."""

from __future__ import annotations

import errno
from contextlib import suppress
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import fsspec

from classifier.errors import IllsortError, Message, StorageError
from classifier.parts.packages import INSTALL
from classifier.parts.retries import IncompleteError, retry, why_of
from classifier.parts.storage_types import ChangedSinceListed, Storage, StoredFile
from classifier.parts.urls import split_url
from classifier.paths import to_text, unescaped

if TYPE_CHECKING:
    from collections.abc import Generator

    from classifier.parts.urls import Url

_AT_ONCE: Final = 32
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    # One connection for each read, and one place that tries again: ours, which knows when to give up.
    "s3": {"config_kwargs": {"max_pool_connections": 2 * _AT_ONCE, "retries": {"max_attempts": 1}}},
}
_VERSIONS: Final = ("etag", "ETag", "e_tag", "generation", "md5Hash", "mtime", "updated", "LastModified", "created")
"""What changes with the content, by the names that fsspec's packages give it, the surest first."""


def open_filesystem(url: Url) -> Any:
    """The filesystem of fsspec that has the protocol. Raises StorageError in one line where it cannot be had."""
    protocol = "s3" if url.protocol == "s3a" else url.protocol
    if protocol == "s3" and find_spec("s3fs") is None:
        raise StorageError("{url}: s3fs is not installed: {command}", url=str(url), command=INSTALL["s3"])
    try:
        named = fsspec.get_filesystem_class(protocol)._get_kwargs_from_urls(str(url))  # noqa: SLF001 - as url_to_fs
        # A listing that is kept grows with the bucket.
        options = {"use_listings_cache": False, **_OPTIONS.get(protocol, {}), **named}
        return retry(partial(fsspec.filesystem, protocol, **options), url=str(url))
    except IllsortError:
        raise
    except Exception as error:  # whatever a package raises that wants to be told more
        raise StorageError("{url}: {why}", url=str(url), why=why_of(error)) from error


class ObjectStorage(Storage):
    """Whatever fsspec opens; the version of a file is its ETag, generation or time of change, whichever there is."""

    def __init__(self, url: str, filesystem: Any) -> None:
        self.url = url
        self._filesystem = filesystem
        self._root = str(filesystem._strip_protocol(url))  # noqa: SLF001 - there is no public way

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (type(self), self.url)

    @property
    def folder(self) -> None:
        """Nothing can be read in place."""
        return

    @property
    def reads_at_once(self) -> int:
        """Many: each is mostly waited for."""
        return _AT_ONCE

    def stat(self, key: str) -> StoredFile:
        """The file at `key`."""
        return retry(partial(self._stat, key), url=self._shown(key))

    def read_bytes(self, key: str, *, version: str | None = None) -> bytes:
        """The whole file."""

        def read() -> bytes:
            found = self._checked(key, version)
            return _whole(self._filesystem.cat_file(self._path(key)), found.size_bytes)

        return retry(read, url=self._shown(key))

    def read_range(self, key: str, offset: int, length: int, *, version: str | None = None) -> bytes:
        """`length` bytes from `offset` on."""

        def read() -> bytes:
            if offset + length > self._checked(key, version).size_bytes:
                raise ChangedSinceListed(key)
            return _whole(self._filesystem.cat_file(self._path(key), start=offset, end=offset + length), length)

        return retry(read, url=self._shown(key)) if length else b""

    def write_atomically(self, key: str, content: bytes) -> None:
        """One PUT, or one multipart upload, which is not there before it is complete."""

        def write() -> None:
            path = self._path(key)
            self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._filesystem.pipe_file(path, content)

        retry(write, url=self._shown(key))

    def write_new(self, key: str, content: bytes) -> None:
        """As the package does it: most look first and write then."""

        def write() -> None:
            path = self._path(key)
            self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            with suppress(FileExistsError):
                self._filesystem.pipe_file(path, content, mode="create")

        retry(write, url=self._shown(key))

    def remove(self, key: str) -> None:
        """Remove one of our own files."""
        retry(partial(self._filesystem.rm_file, self._path(key)), url=self._shown(key))

    def names(self) -> list[str]:
        """The files directly in it."""
        try:
            found = self._entries(self._root)
        except FileNotFoundError:
            return []
        return sorted(_name(one) for one in found if one["type"] == "file")

    def objects(self) -> Generator[StoredFile]:
        """Folder by folder: as much is in memory as the folders on the way hold."""
        pending = [iter(self._sorted(self._root))]
        while pending:
            entry = next(pending[-1], None)
            if entry is None:
                pending.pop()
            elif entry["type"] == "directory":
                pending.append(iter(self._sorted(entry["name"])))
            else:
                yield self._stored(entry)

    def has_below(self, key: str) -> bool:
        """Whether there is anything in that folder."""
        try:
            return bool(self._entries(self._path(key) if key else self._root))
        except FileNotFoundError:
            return False

    def _sorted(self, folder: str) -> list[dict[str, Any]]:
        """What lies in a folder, so that a whole walk has the order of the keys: `a.b` before `a/b`."""
        return sorted(self._entries(folder), key=lambda one: _order(one["name"], one["type"]))

    def _entries(self, folder: str) -> list[dict[str, Any]]:
        found = retry(partial(self._filesystem.ls, folder, detail=True), url=self._shown_path(folder))
        return [one for one in found if one["name"].rstrip("/") != folder]

    def _checked(self, key: str, version: str | None) -> StoredFile:
        found = self._stat(key)
        if version not in {None, found.version}:
            raise ChangedSinceListed(key)
        return found

    def _stat(self, key: str) -> StoredFile:
        entry = self._filesystem.info(self._path(key))
        if entry["type"] != "file":
            raise FileNotFoundError(errno.ENOENT, Message("not a regular file"), self._shown(key))
        return self._stored(entry)

    def _stored(self, entry: dict[str, Any]) -> StoredFile:
        return StoredFile(to_text(entry["name"][len(self._root) + 1 :]), int(entry["size"]), _version(entry))

    def _path(self, key: str) -> str:
        return f"{self._root}/{unescaped(key)}"

    def _shown(self, key: str) -> str:
        return f"{self.url}/{key}"

    def _shown_path(self, path: str) -> str:
        return f"{self.url}{path[len(self._root) :]}"


def _reopened(kind: type[ObjectStorage], url: str) -> ObjectStorage:
    return kind(url, open_filesystem(split_url(url)))


def _whole(content: bytes, expected: int) -> bytes:
    if len(content) != expected:
        raise IncompleteError(
            errno.EIO, Message("{count:,} bytes of {expected:,} arrived", count=len(content), expected=expected)
        )
    return content


def _version(entry: dict[str, Any]) -> str:
    """The version of a file; a time is in microseconds, whichever way a package gives it here or there."""
    found = next((entry[name] for name in _VERSIONS if entry.get(name) is not None), "")
    found = found.timestamp() if isinstance(found, datetime) else found
    return str(round(found * 1e6)) if isinstance(found, float) else str(found).strip('"')


def _name(entry: dict[str, Any]) -> str:
    return to_text(entry["name"].rpartition("/")[2])


def _order(name: str, kind: str) -> bytes:
    return (name + "/" if kind == "directory" else name).encode("utf-8", "surrogateescape")
