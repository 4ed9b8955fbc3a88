"""What a person names as a place: a path, or a URL that fsspec opens. Credentials in a URL are refused, never shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from classifier.errors import Message, StorageError, message_of
from classifier.paths import given_path

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HOST: Final = re.compile(r"(?:[^:@\[\]]+@)?(?:[^:@\[\]]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
"""What may stand before the first slash: a user's name, a host or container, a port; no password."""
_BUCKET: Final = re.compile(r"[^:@]+")
_BUCKETS: Final = frozenset({"s3", "s3a", "gs", "gcs"})
_LOCAL: Final = frozenset({"file", "local"})
_UNLISTED: Final = frozenset({"http", "https", "data"})
"""What has no folders; its addresses may carry a signature, which is as good as a password."""
LOCAL: Final = "file"


class Url(NamedTuple):
    """A place: `protocol` is LOCAL for a path on this machine, `path` what follows the `://`, without an end slash."""

    protocol: str
    path: str

    def __str__(self) -> str:
        return self.path if self.protocol == LOCAL else f"{self.protocol}://{self.path}"


def split_url(given: str) -> Url:
    """What a person means by a path or URL; a path becomes absolute, with `~` expanded.

    Raises StorageError in one line, which does not repeat them, where the URL carries credentials; and for what is no
    path or URL at all.
    """
    if "://" not in given:
        return Url(LOCAL, _local(given))
    found = _URL.fullmatch(given)
    if found is None:
        raise StorageError("the URL cannot be read; write it as s3://bucket/folder, or name a folder by its path")
    protocol, path = found[1].lower(), found[2]
    if protocol in _LOCAL:
        return Url(LOCAL, _local(_without_drive_slash(path)))
    if protocol in _UNLISTED:
        raise StorageError("{protocol}:// has no folders that can be listed", protocol=protocol)
    host = path.partition("/")[0]
    if not (_BUCKET if protocol in _BUCKETS else _HOST).fullmatch(host):
        raise StorageError(_refusal(protocol, host))
    return Url(protocol, path.rstrip("/"))


def _refusal(protocol: str, host: str) -> Message:
    if not host:
        return Message("{protocol}:// names no bucket or host", protocol=protocol)
    return Message(
        "{protocol}://...: leave key, secret and password out of the URL, which is written down with the results; they "
        "are read from the environment or from the usual files of your provider (~/.aws/credentials)",
        protocol=protocol,
    )


def _local(text: str) -> str:
    try:
        path = given_path(text)
    except ValueError as error:
        raise StorageError(message_of(error)) from None
    return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - of a link, the path that was given


def _without_drive_slash(path: str) -> str:
    """`C:/x` of `file:///C:/x`."""
    return path[1:] if re.match(r"/[A-Za-z]:", path) and os.name == "nt" else path
