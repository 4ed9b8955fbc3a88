"""Downloads one file of a repository: goes on where it was, tries again, and hands out only what was checked.

It does so itself because `hf_hub_download` throws away what it has when it fails, and compares no hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from huggingface_hub.utils import get_session

from classifier.busy_files import when_free
from classifier.errors import Message, message_of
from classifier.model import hub_answers
from classifier.model.hub_answers import (
    NETWORK_ERRORS,
    Passing,
    Spoiled,
    Unavailable,
    failure_of,
    host_in,
    refusal,
    tried,
)
from classifier.own_files import flush_to_disk

if TYPE_CHECKING:
    from classifier.progress import Progress, Stage

_SMALL: Final = 1 << 17  # bytes
_BEYOND: Final = 416
_SHA256, _SHA1 = 64, 40
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)
_LONGEST_RANGE: Final = 100
"""Characters; a longer one is no answer of a host that means it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file of a repository. `size` is in bytes, None where it is not known.

    `digest` is hexadecimal: a SHA-256, a SHA-1, as git gives it too, or anything else, which is not checked.
    `cache_variable` is the variable of the environment that names another folder to keep it in, if one does.
    """

    name: str
    url: str
    size: int | None
    digest: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cache_variable: str = ""

    @property
    def host(self) -> str:
        """Who is asked for it."""
        return host_in(self.url)


def download(remote: Remote, part: Path, progress: Progress) -> None:
    """Have the whole of `remote` in `part`, which may hold its beginning; what comes is kept there until it is whole.

    Raises Unavailable. Where an earlier beginning does not fit, the file is fetched anew.
    """
    before = length_of(part)
    try:
        _complete(remote, part, progress)
    except Spoiled as error:
        if not before:
            raise
        progress.say(Message("{why}; it is downloaded from the beginning", why=error.why))
        _complete(remote, part, progress)


def length_of(path: Path) -> int:
    """In bytes; 0 where there is no such file."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def put(part: Path, target: Path) -> None:
    """Give a whole file the name by which it is found, once it is on the disk. Raises OSError."""
    with part.open("rb+") as file:
        flush_to_disk(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    when_free(os.replace, part, target)


def _complete(remote: Remote, part: Path, progress: Progress) -> None:
    have = length_of(part)
    left = None if remote.size is None else max(0, remote.size - have)
    _check_room(part, left or 0, remote.cache_variable)
    if have:
        progress.say(Message("going on after {megabytes:.0f} MB of {name}", megabytes=have / 1e6, name=remote.name))
    shown = left is None or left > _SMALL  # else there is no bar to be seen
    name = Message("downloading {name}", name=remote.name)
    with progress.stage(name, total=left if shown else None, unit="B" if shown else "") as stage:
        transfer = _Transfer(remote, part, stage)
        tried(transfer.attempt, progress, moved=transfer.has_moved)
        stage.note(Message("checking it"))
        _check(remote, part)


def _check_room(part: Path, needed: int, variable: str) -> None:
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(part.parent).free
    except OSError as error:
        raise _unwritable(part.parent, error) from None
    if free < needed:
        way_out = (
            Message("{variable} names another folder", variable=variable) if variable else Message("make room there")
        )
        raise Unavailable(
            Message(
                "{folder} has room for {free:.0f} MB, {needed:.0f} MB are needed; {way_out}",
                folder=part.parent,
                free=free / 1e6,
                needed=needed / 1e6,
                way_out=way_out,
            )
        )


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(Message("{path} cannot be written: {why}", path=path, why=message_of(error)))


class _Transfer:
    """The attempts at one file."""

    def __init__(self, remote: Remote, part: Path, stage: Stage) -> None:
        self._remote = remote
        self._part = part
        self._stage = stage
        self._expected = remote.size
        self._came = 0

    def has_moved(self) -> bool:
        """Whether the last attempt brought anything."""
        return self._came > 0

    def attempt(self) -> None:
        """Ask for what is left and append it. Raises Passing when it broke off, or Unavailable."""
        self._came, have = 0, length_of(self._part)
        if self._expected is not None and have >= self._expected:
            return self._check_length(have)
        asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            with get_session().stream(
                "GET", self._remote.url, headers={**self._remote.headers, **asked}, timeout=hub_answers.STALL_S
            ) as response:
                self._receive(response, have)
        except NETWORK_ERRORS as error:
            raise failure_of(error, self._remote.host) from None
        return self._check_length(length_of(self._part))

    def _receive(self, response: Any, have: int) -> None:
        if response.status_code == _BEYOND:
            raise self._spoiled(Message("it is shorter than {host} says", host=self._remote.host))
        refused = refusal(response.status_code, response.headers, host=self._remote.host, name=self._remote.name)
        if refused is not None:
            raise refused
        begin = self._begin(response, have)
        try:
            with self._part.open("r+b" if have else "wb") as file:
                file.truncate(begin)
                file.seek(begin)
                self._write(file, response, begin)
        except OSError as error:  # of the file: those of the connection are caught where they arise
            raise _unwritable(self._part, error) from None

    def _begin(self, response: Any, have: int) -> int:
        """Where in the file the answer begins; some hosts say so in an answer that is not marked as a part."""
        part, length = (response.headers.get(name, "") for name in ("content-range", "content-length"))
        if max(len(part), len(length)) > _LONGEST_RANGE:
            raise self._spoiled(Message("{host} sends another part than was asked for", host=self._remote.host))
        found = _RANGE.fullmatch(part)
        begin = int(found[1]) if found else 0
        total = found[2] if found else "" if "content-encoding" in response.headers else length
        if total.isascii() and total.isdigit():
            if self._expected not in {None, int(total)}:
                raise self._spoiled(
                    Message(
                        "{host} says that it has {expected:,} bytes, and sends {total:,}",
                        host=self._remote.host,
                        expected=self._expected,
                        total=int(total),
                    )
                )
            self._expected = int(total)
        if begin > have:
            raise self._spoiled(Message("{host} sends another part than was asked for", host=self._remote.host))
        self._stage.advance(begin - have)
        return begin

    def _write(self, file: IO[bytes], response: Any, done: int) -> None:
        blocks = response.iter_bytes()  # of whatever length came, so that none is lost where it breaks off
        while True:
            try:
                block = next(blocks, None)
            except NETWORK_ERRORS as error:
                raise failure_of(error, self._remote.host) from None
            if block is None:
                return
            file.write(block)
            done += len(block)
            self._came += len(block)
            self._stage.advance(len(block))
            if self._expected is not None and done > self._expected:
                return  # more than there is: `_check_length` says so

    def _check_length(self, have: int) -> None:
        if self._expected is not None and have < self._expected:
            done, size = have / 1e6, self._expected / 1e6
            raise Passing(
                Message(
                    "{host} broke off after {done:.0f} of {size:.0f} MB", host=self._remote.host, done=done, size=size
                )
            )
        if self._expected is not None and have > self._expected:
            raise self._spoiled(Message("it is longer than {host} says", host=self._remote.host))

    def _spoiled(self, why: Message) -> Spoiled:
        return _removed(self._remote, self._part, why)


def _removed(remote: Remote, part: Path, why: Message) -> Spoiled:
    with suppress(OSError):
        when_free(part.unlink, missing_ok=True)
    return Spoiled(Message("{name} came damaged: {why}; nothing of it was kept", name=remote.name, why=why))


def _check(remote: Remote, part: Path) -> None:
    """Compare the hash with the one that the host gave. Raises Spoiled."""
    hashes = _hashes(len(remote.digest), length_of(part))
    if not hashes:
        return
    try:
        with part.open("rb") as file:
            while block := file.read(1 << 20):
                for one in hashes:
                    one.update(block)
    except OSError as error:
        raise _unwritable(part, error) from None
    if remote.digest.lower() not in {one.hexdigest() for one in hashes}:
        why = Message("its hash is not the one that {host} gives", host=remote.host)
        raise _removed(remote, part, why)


def _hashes(digits: int, length: int) -> list[Any]:
    """Those that so many hexadecimal digits may be. Of small files the hub gives that of git, some proxies a plain one.

    The weights have a SHA-256.
    """
    if digits == _SHA256:
        return [hashlib.sha256()]
    if digits != _SHA1:
        return []
    of_git = hashlib.sha1(b"blob %d\0" % length, usedforsecurity=False)
    return [of_git, hashlib.sha1(usedforsecurity=False)]
