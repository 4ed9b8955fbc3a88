"""What a place for parts and pictures can do, wherever it is: a folder of this machine, or a prefix in a bucket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from classifier.errors import StorageError, message_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class StoredFile(NamedTuple):
    """A file as the place has it; `key` and `version` as `schema.Listed` says."""

    key: str
    size_bytes: int
    version: str


class ChangedSinceListed(Exception):  # noqa: N818 - a fact about one file, not an error of the program
    """A file has another version, or another size, than it was listed with."""


class Storage(ABC):
    """A folder, or what a bucket holds below a prefix; `url` names it and carries no credentials.

    A `key` is a path below it, as `paths.to_text` writes it. Threads may share a storage. What a bucket refuses for the
    moment, and what arrives truncated, is tried again (see `retries`).

    Each method raises FileNotFoundError where there is no such file; a folder of this machine any other OSError; a
    bucket StorageError in one line, once trying again has not helped.
    """

    url: str

    @property
    @abstractmethod
    def folder(self) -> Path | None:
        """The folder, where files can be read in place; None elsewhere."""

    @property
    @abstractmethod
    def reads_at_once(self) -> int:
        """How many reads at a time make the best of it: an object of a bucket is mostly waited for."""

    @abstractmethod
    def stat(self, key: str) -> StoredFile:
        """The file at `key`."""

    @abstractmethod
    def read_bytes(self, key: str, *, version: str | None = None) -> bytes:
        """The whole file. With `version`, ChangedSinceListed is raised for any other."""

    @abstractmethod
    def read_range(self, key: str, offset: int, length: int, *, version: str | None = None) -> bytes:
        """`length` bytes from `offset` on.

        ChangedSinceListed is raised where the file ends before them, and with `version` for any other.
        """

    @abstractmethod
    def write_atomically(self, key: str, content: bytes) -> None:
        """Have `content` at `key`, whole or not at all, in place of what was there: one rename, or one PUT."""

    @abstractmethod
    def write_new(self, key: str, content: bytes) -> None:
        """As `write_atomically`, but what is at `key` stays: who else began first is not told apart, so read it again.

        A bucket that cannot tell lets the last one have it.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove a file that the caller has proved ours."""

    @abstractmethod
    def names(self) -> list[str]:
        """The keys of the files directly in it, sorted; none where it does not exist."""

    @abstractmethod
    def objects(self) -> Generator[StoredFile]:
        """Every file below it, at any depth, in the order of the keys' UTF-8 bytes; not for a folder."""

    @abstractmethod
    def has_below(self, key: str) -> bool:
        """Whether there is anything in the folder `key`; in all of it where that is empty."""

    def check_there(self) -> None:
        """Raise StorageError in one line where it is not there, cannot be listed, or holds nothing at all.

        The folder of a disk that is not mounted is there and holds nothing.
        """
        try:
            if self.has_below(""):
                return
        except OSError as error:
            raise StorageError("{url}: {why}", url=self.url, why=message_of(error)) from error
        raise StorageError("{url}: nothing is there; mount it, or list the source again", url=self.url)

    def exists(self, key: str) -> bool:
        """Whether there is a file at `key`."""
        try:
            self.stat(key)
        except FileNotFoundError:
            return False
        return True
