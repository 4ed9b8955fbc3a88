"""What a store refuses for the moment is tried again, a bounded number of times, with growing waits in between."""

from __future__ import annotations

import errno
import random
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from classifier.errors import Message, StorageError, SystemMessage, message_of
from classifier.paths import displayable

WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Before the second try and those after it, each less up to half of it by chance: 8 to 16 s in all."""

_DEFINITE: Final = (FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)
_DEFINITE_NUMBERS: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ENAMETOOLONG, errno.ENOSPC})
_PASSING_CLASSES: Final = frozenset(
    {
        *("botocore.ConnectionError", "botocore.HTTPClientError"),  # refused, timed out, broken, no such host
        *("botocore.IncompleteReadError", "botocore.ResponseParserError"),
        "aiohttp.ClientError",  # a connection that broke, a body that ended early
    }
)
"""Errors that pass, as far as they are no OSError, by package and name: neither need be installed."""
_CREDENTIALS: Final = re.compile(r"""[^\s"'`<>/:@]+:(?!//)[^\s"'`<>]*@|(?<=://)[^\s"'`<>/@]+@""")
"""A name and a password before a host, with or without what begins a URL."""

_OF_S3: Final = frozenset({"aiobotocore", "botocore"})

T = TypeVar("T")


class IncompleteError(OSError):
    """Fewer bytes came than the store had announced."""


def retry(work: Callable[[], T], *, url: str) -> T:
    """What `work` returns, tried up to six times while the store at `url` fails in a way that passes.

    Raises FileNotFoundError, with `url`, for what is not there, and StorageError in one line for any other failure that
    lasts or is definite. What is raised for no such reason (a ValueError, an IllsortError) comes through.
    """
    for wait in (*WAITS_S, None):
        try:
            return work()
        except FileNotFoundError as error:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", displayable(url)) from error
        except Exception as error:
            if not _is_of_store(error):
                raise
            if wait is None or not _is_passing(error):
                raise StorageError("{url}: {why}", url=url, why=why_of(error)) from error
            time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - so that many do not come back all at once
    raise AssertionError  # pragma: no cover - the last try returned or raised


def why_of(error: BaseException) -> Message:
    """What went wrong, in one line, without name and password of a URL: the address of an endpoint may have some."""
    message = message_of(error)
    text = _CREDENTIALS.sub("", message)
    return message if text == message else SystemMessage(text, "")


def _is_of_store(error: Exception) -> bool:
    """Whether the error says something of the store: the system's own, or of a package that talks to it."""
    if isinstance(error, OSError) or _package(type(error)) not in {"builtins", "classifier"}:
        return True
    return isinstance(error, ValueError) and _raised_in(error) in _OF_S3  # for an endpoint that is no URL


def _raised_in(error: Exception) -> str:
    """The package whose code raised the error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_passing(error: Exception) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, _DEFINITE) and error.errno not in _DEFINITE_NUMBERS
    return any(f"{_package(kind)}.{kind.__name__}" in _PASSING_CLASSES for kind in type(error).__mro__)


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]
