"""Fetches listed pictures into a folder of this machine, each under a name of its own, and none of them twice."""

from __future__ import annotations

import errno
import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from classifier.errors import StorageError, Undecodable, message_of
from classifier.images.safe_open import check_length
from classifier.parts.fetched import OF_MACHINE
from classifier.parts.in_order import in_order
from classifier.parts.storage import ChangedSinceListed, read_listed
from classifier.paths import name_length, to_text, unescaped
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.errors import Message
    from classifier.parts.local_storage import LocalStorage
    from classifier.parts.schema import Listed
    from classifier.parts.storage_types import Storage
    from classifier.records import ImageId

_LEAST_THREADS: Final = 4
_NOT_IN_NAMES: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
"""What a name cannot hold on one of the systems, or not as Unicode."""
_LONGEST: Final = 100
_MOST_BYTES: Final = 200
"""Less than a name may have: its place comes before it, and while it is written a mark behind it."""


class Wanted(NamedTuple):
    """A listed picture, the `name` it is to have in the folder, and its id, where that is known."""

    row: Listed
    name: str
    image_id: ImageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFetcher:
    """Fetches from `source` into `target` what is not `there` already; larger files than the limit are failures."""

    source: Storage
    target: LocalStorage
    there: frozenset[str]
    max_megapixels: float

    def fetch_all(self, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Message | None]]:
        """Each in its order, with why it cannot be had.

        Raises StorageError in one line where a bucket does not answer, the source is not there (a disk that is not
        mounted), the system speaks of the machine, or the folder holds another picture under a name. OSError where
        the folder cannot be written.
        """
        return in_order(self._fetch, wanted, at_once=max(_LEAST_THREADS, self.source.reads_at_once))

    def _fetch(self, wanted: Wanted) -> tuple[Wanted, Message | None]:
        if wanted.name in self.there:
            self._check_known(wanted)
            return wanted, None
        try:
            content = self._read(wanted)
        except ChangedSinceListed:
            return wanted, reason_message(Reason(ReasonCode.CHANGED))
        except FileNotFoundError:
            self.source.check_there()
            return wanted, reason_message(Reason(ReasonCode.GONE))
        except Undecodable as error:
            return wanted, reason_message(error.detail)
        except OSError as error:
            if errno.errorcode.get(error.errno or 0) in OF_MACHINE:
                raise StorageError("{url}: {why}", url=self.source.url, why=message_of(error)) from error
            return wanted, message_of(error)
        self.target.write_atomically(wanted.name, content)
        return wanted, None

    def _check_known(self, wanted: Wanted) -> None:
        """Raise StorageError where the file of that name is another picture, which would pass for the wanted one."""
        if wanted.image_id not in {None, hashlib.sha256(self.target.read_bytes(wanted.name)).hexdigest()}:
            raise StorageError(
                "{folder}: {name} is not the picture that was fetched there; move it elsewhere, and the same command "
                "fetches that again",
                folder=self.target.folder,
                name=wanted.name,
            )

    def _read(self, wanted: Wanted) -> bytes:
        check_length(wanted.row.size_bytes, max_megapixels=self.max_megapixels)
        content = read_listed(self.source, wanted.row)
        if wanted.image_id not in {None, hashlib.sha256(content).hexdigest()}:
            raise ChangedSinceListed(wanted.row.key)
        return content


def name_from(place: str, key: str) -> str:
    """A name that any system takes, and no other place has: the place and the end of the picture's own name."""
    name = _NOT_IN_NAMES.sub("_", PurePosixPath(unescaped(key)).name)[-_LONGEST:]
    while name_length(name) > _MOST_BYTES:
        name = name[1:]
    return f"{place}-{to_text(name.rstrip(' .'))}"
