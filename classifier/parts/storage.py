"""Opens a path or URL as a place for parts or pictures, and reads the picture of a row of a listing from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.parts.local_storage import LocalStorage
from classifier.parts.object_storage import ObjectStorage, open_filesystem
from classifier.parts.s3_storage import S3Storage
from classifier.parts.storage_types import ChangedSinceListed
from classifier.parts.urls import LOCAL, split_url

if TYPE_CHECKING:
    from classifier.parts.schema import Listed
    from classifier.parts.storage_types import Storage


def open_storage(given: str | Path) -> Storage:
    """The place that a path or URL names: `~/crawl`, `file:///data`, `s3://bucket/folder`, whatever fsspec opens.

    Nothing is looked up yet, and nothing need be there. Credentials and endpoints are read from where each package
    reads them: `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `FSSPEC_S3_ANON=true`.

    Raises StorageError in one line for credentials in the URL, and where a package for it is missing, with the command
    that installs it.
    """
    url = split_url(str(given))
    if url.protocol == LOCAL:
        return LocalStorage(Path(url.path))
    filesystem = open_filesystem(url)
    kind = S3Storage if "s3" in filesystem.protocol else ObjectStorage
    return kind(str(url), filesystem)


def read_listed(source: Storage, row: Listed) -> bytes:
    """The bytes of a listed picture.

    Raises FileNotFoundError where it is gone, ChangedSinceListed where it is another than it was; else as Storage does.
    """
    if row.tar is not None:
        return source.read_range(row.tar, row.offset or 0, row.size_bytes, version=row.version)
    content = source.read_bytes(row.key, version=row.version)
    if len(content) != row.size_bytes:
        raise ChangedSinceListed(row.key)
    return content
