"""What a host of models answers, and when it is asked again. `Unavailable` ends it, with the reason for the user."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from huggingface_hub.errors import HfHubHTTPError

from classifier.errors import Message, message_of

if TYPE_CHECKING:
    from classifier.progress import Progress

STALL_S = 10.0
"""A host that sends nothing for so long is asked again."""
PAUSE_S = 1.0
"""Before the second try; each further pause is twice as long."""
TRIES: Final = 5
"""So often in a row without a new byte."""
_LONGEST_PAUSE_S: Final = 120
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_DENIED: Final = frozenset({401, 403})
_MISSING: Final = frozenset({404, 410})
_FINE: Final = frozenset({200, 206})
NETWORK_ERRORS: Final[tuple[type[Exception], ...]] = HfHubHTTPError.__bases__
"""What a request raises: the error of the hub's HTTP client, httpx or httpx2 by its version, and OSError."""

_T = TypeVar("_T")


class Unavailable(Exception):  # noqa: N818 - a fact about a host, not an error of the program
    """A file that cannot be had: `why`, for the user."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


class Offline(Unavailable):
    """No network may be used."""


class Missing(Unavailable):
    """The host says that there is no such file."""


class Spoiled(Unavailable):
    """What came is not the file that was described; it has been removed."""


class Passing(Unavailable):
    """Another try may help, after `pause_s` seconds at least."""

    def __init__(self, why: Message, *, pause_s: float = 0.0) -> None:
        super().__init__(why)
        self.pause_s = pause_s


def host_in(url: str) -> str:
    """The scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def tried(attempt: Callable[[], _T], progress: Progress, *, moved: Callable[[], bool] = lambda: False) -> _T:
    """What `attempt` returns, with growing pauses while it raises Passing; a line says so each time.

    `moved` says whether the last attempt came further, after which counting begins anew. Raises Unavailable.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except Passing as error:
            failures = 1 if moved() else failures + 1
            if failures >= TRIES or error.pause_s > _LONGEST_PAUSE_S:
                raise Unavailable(error.why) from None
            pause = max(error.pause_s, PAUSE_S * 2 ** (failures - 1))
            progress.say(Message("{why}; it is tried again in {seconds:.0f} s", why=error.why, seconds=pause))
            time.sleep(pause)


def failure_of(error: Exception, host: str) -> Unavailable:
    """A request that failed without an answer: Passing where another try may help, which a loop of redirects is not."""
    if "Redirects" in type(error).__name__:
        return Unavailable(Message("{host} redirects in a circle", host=host))
    if "Timeout" in type(error).__name__:
        return Passing(Message("no answer from {host} for {seconds:.0f} s", host=host, seconds=STALL_S))
    if "Protocol" in type(error).__name__:
        return Passing(Message("{host} broke the connection off", host=host))
    return Passing(Message("the connection to {host} failed: {why}", host=host, why=message_of(error)))


def refusal(status: int, headers: Mapping[str, str], *, host: str, name: str) -> Unavailable | None:
    """What an answer means that is no success; None for one that is."""
    if status in _BUSY:
        wait = headers.get("retry-after", "")
        why = Message("{host} answers with the error {status}", host=host, status=status)
        return Passing(why, pause_s=float(wait) if wait.isascii() and wait.isdigit() else 0.0)
    if status in _DENIED:
        return Unavailable(
            Message(
                "{host} does not give {name} to you ({status}): accept its conditions on its page and log in with "
                "`hf auth login`, if it has any",
                host=host,
                name=name,
                status=status,
            )
        )
    if status in _MISSING:
        return Missing(Message("{host} has no {name}", host=host, name=name))
    if status not in _FINE:
        return Unavailable(Message("{host} answers with the error {status}", host=host, status=status))
    return None
