"""A bucket of S3, or of what speaks as S3 does: listed page by page, read in one request with its version checked."""

from __future__ import annotations

import errno
from contextlib import closing
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Final

from fsspec.asyn import sync

from classifier.errors import Message
from classifier.parts.object_storage import ObjectStorage
from classifier.parts.read_ahead import flattened
from classifier.parts.retries import IncompleteError, retry
from classifier.parts.storage_types import ChangedSinceListed, StoredFile
from classifier.paths import to_text, unescaped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

_PAGE: Final = 1000
_PAGES_OF_RANGE: Final = 4
"""About as much as is read ahead of a range."""
_RANGES_AT_ONCE: Final = 8
_END: Final = "\U0010ffff" * 2
"""After every key; of characters as of UTF-8 bytes, the order is the same."""
_NOT_THIS_VERSION: Final = frozenset({"PreconditionFailed", "412"})
_AT_THE_SAME_TIME: Final = frozenset({"ConditionalRequestConflict", "409"})
_NO_CONDITIONS: Final = frozenset({"NotImplemented", "501"})
_BEYOND_THE_END: Final = frozenset({"InvalidRange", "416"})


class S3Storage(ObjectStorage):
    """What a bucket holds below a prefix; the version of an object is its ETag."""

    def __init__(self, url: str, filesystem: Any) -> None:
        super().__init__(url, filesystem)
        filesystem.retries = 1  # `retry` is the one place that tries again
        self._bucket, _, prefix = self._root.partition("/")
        self._prefix = prefix and prefix + "/"

    def read_bytes(self, key: str, *, version: str | None = None) -> bytes:
        """The whole object."""
        return retry(partial(self._get, key, version, {}), url=self._shown(key))

    def read_range(self, key: str, offset: int, length: int, *, version: str | None = None) -> bytes:
        """`length` bytes from `offset` on."""
        if not length:
            return b""
        span = {"Range": f"bytes={offset}-{offset + length - 1}"}
        content = retry(partial(self._get, key, version, span), url=self._shown(key))
        if len(content) != length:
            raise ChangedSinceListed(key)
        return content

    def write_atomically(self, key: str, content: bytes) -> None:
        """One PUT, or one multipart upload above 50 MB; the bucket must exist."""
        retry(partial(self._filesystem.pipe_file, self._path(key), content), url=self._shown(key))

    def write_new(self, key: str, content: bytes) -> None:
        """One PUT that the store refuses where there is an object; a store that has no such PUT looks first."""

        def write() -> None:
            try:
                self._filesystem.pipe_file(self._path(key), content, mode="create")
            except OSError as error:
                if _code(error) in _NO_CONDITIONS and not self.exists(key):
                    self._filesystem.pipe_file(self._path(key), content)
                elif _code(error) not in _NO_CONDITIONS | _NOT_THIS_VERSION | _AT_THE_SAME_TIME:
                    raise

        retry(write, url=self._shown(key))

    def objects(self) -> Generator[StoredFile]:
        """A thousand at a time, in the order that S3 lists them in; of a large bucket several ranges of keys at once.

        S3 gives a page only to who has the page before it, so that in one range each is waited for.
        """
        first = self._page(Prefix=self._prefix, MaxKeys=_PAGE)
        if not first.get("IsTruncated"):
            yield from self._files(first)
            return
        ranges = pairwise(chain([""], self._starts(first), [_END]))
        files: Generator[StoredFile] = flattened(ranges, self._range, at_once=_RANGES_AT_ONCE)
        with closing(files):
            yield from files

    def _starts(self, first: dict[str, Any]) -> Iterator[str]:
        """Where to begin a range: at folders directly below the prefix, so many apart that a range has a few pages.

        How many files they have is guessed from the first page. Where a page of what lies below the prefix has no
        folder, what follows is one range.
        """
        begun = {one["Key"][len(self._prefix) :].partition("/")[0] for one in first.get("Contents", ())}
        page, number, apart = dict[str, Any](), 0, _PAGES_OF_RANGE * max(len(begun), 1)
        while not page or page.get("IsTruncated"):
            page = self._page(Prefix=self._prefix, MaxKeys=_PAGE, Delimiter="/", **_next(page))
            folders = page.get("CommonPrefixes", ())
            if not folders:
                return
            for number, one in enumerate(folders, start=number + 1):  # noqa: B020 - it goes on counting
                if number % apart == 0:
                    yield one["Prefix"]

    def _range(self, bounds: tuple[str, str], is_stopped: Callable[[], bool]) -> Iterator[StoredFile]:
        """The files from the first bound on, up to the second without it."""
        start, end = bounds
        page = self._page(Prefix=self._prefix, MaxKeys=_PAGE, **({"StartAfter": start} if start else {}))
        while not is_stopped():
            yield from self._files(page, end)
            keys = page.get("Contents", ())
            if not page.get("IsTruncated") or (keys and keys[-1]["Key"] >= end):
                return
            page = self._page(Prefix=self._prefix, MaxKeys=_PAGE, **_next(page))

    def _files(self, page: dict[str, Any], end: str = _END) -> Iterator[StoredFile]:
        for one in page.get("Contents", ()):
            key = one["Key"]
            if key < end and not key.endswith("/"):  # such as some programs put there for a folder
                yield StoredFile(to_text(key[len(self._prefix) :]), int(one["Size"]), one["ETag"].strip('"'))

    def has_below(self, key: str) -> bool:
        """Whether there is an object whose key begins with it and a slash."""
        below = f"{self._prefix}{unescaped(key)}/" if key else self._prefix
        return bool(self._page(Prefix=below, MaxKeys=1).get("Contents"))

    def _page(self, **options: Any) -> dict[str, Any]:
        call = partial(self._filesystem.call_s3, "list_objects_v2", Bucket=self._bucket, **options)
        page: dict[str, Any] = retry(call, url=self.url)
        return page

    def _stat(self, key: str) -> StoredFile:
        head = self._filesystem.call_s3("head_object", Bucket=self._bucket, Key=self._prefix + unescaped(key))
        return StoredFile(key, int(head["ContentLength"]), head["ETag"].strip('"'))

    def _get(self, key: str, version: str | None, span: dict[str, str]) -> bytes:
        wanted = {} if version is None else {"IfMatch": f'"{version}"'}
        try:
            content: bytes = sync(self._filesystem.loop, self._download, self._prefix + unescaped(key), wanted | span)
        except OSError as error:
            if _code(error) in _NOT_THIS_VERSION | _BEYOND_THE_END:
                raise ChangedSinceListed(key) from error
            raise
        return content

    async def _download(self, name: str, options: dict[str, str]) -> bytes:
        answer = await self._filesystem._call_s3("get_object", Bucket=self._bucket, Key=name, **options)  # noqa: SLF001
        async with answer["Body"] as body:
            content: bytes = await body.read()
        if len(content) != (expected := int(answer["ContentLength"])):
            why = Message("{count:,} bytes of {expected:,} arrived", count=len(content), expected=expected)
            raise IncompleteError(errno.EIO, why)
        return content


def _next(page: dict[str, Any]) -> dict[str, str]:
    """What asks for the page after this one."""
    return {"ContinuationToken": page["NextContinuationToken"]} if page.get("IsTruncated") else {}


def _code(error: OSError) -> str:
    """The code of S3 that s3fs made this error of."""
    answer = getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))
