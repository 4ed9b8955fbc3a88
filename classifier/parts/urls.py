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
_SLASH_IN_PASSWORD: Final = re.compile(r"[^/]*:[^/]*/.*@", re.DOTALL)
"""What seems a host and a port may be a name and the beginning of a password."""
_QUERY: Final = re.compile(r"\?.*=", re.DOTALL)
"""Some stores take signatures and tokens there."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
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
    if "://" not in given or _DRIVE.match(given):
        return Url(LOCAL, _local(given))
    found = _URL.fullmatch(given)
    if found is None:
        raise StorageError("the URL cannot be read; write it as s3://bucket/folder, or name a folder by its path")
    protocol, path = found[1].lower(), found[2]
    if protocol in _LOCAL:
        return Url(LOCAL, _local(_path_of_file(path)))
    if protocol in _UNLISTED:
        raise StorageError("{protocol}:// has no folders that can be listed", protocol=protocol)
    host = path.partition("/")[0]
    is_host = (_BUCKET if protocol in _BUCKETS else _HOST).fullmatch(host)
    if not is_host or _SLASH_IN_PASSWORD.match(path) or _QUERY.search(path):
        raise StorageError(_refusal(protocol, path))
    return Url(protocol, path.rstrip("/"))


def _refusal(protocol: str, path: str) -> Message:
    if not path.partition("/")[0]:
        return Message("{protocol}:// names no bucket or host", protocol=protocol)
    if _QUERY.search(path):
        return Message(
            "{protocol}://...: leave out what follows the question mark: a signature or token would be written down "
            "with the results",
            protocol=protocol,
        )
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


def _path_of_file(path: str) -> str:
    """What follows the `file://` as a path: `C:/x` of `/C:/x` on Windows, `/x` of `localhost/x`."""
    if path.lower().startswith("localhost/"):
        path = path[len("localhost") :]
    if os.name == "nt" and _DRIVE.match(path.removeprefix("/")):
        return path.removeprefix("/")
    if not path.startswith("/"):
        raise StorageError("file://...: write a whole path after three slashes, such as file:///folder")
    return path
