"""Serves the page until it is stopped: the listening socket, limits on connections, and the address to open."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from classifier.errors import SettingsError, message_of
from classifier.web.app import Review, prepare
from classifier.web.security import PageSession, SecurityMiddleware, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from starlette.types import ASGIApp

    from classifier.web.learner_process import LearnerTarget


BACKLOG: Final = 32
"""Connections that are taken at once: far fewer than the files that a process may open."""
LISTEN_BACKLOG: Final = 512
"""Connections that the system holds until they are taken; above that, a browser tries again a second later."""
MAX_CONNECTIONS: Final = 100
"""Connections held at once; a browser opens six."""
REQUEST_TIMEOUT_S: Final = 20.0
"""From a connection's beginning, or its next request's first byte, until that request is whole."""


class LimitedProtocol(H11Protocol):
    """A connection on which every request must be complete in time.

    Above the limit, the oldest connection without a request in progress is closed, possibly the new one.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.began = self.loop.time()
        self._deadline: asyncio.TimerHandle | None = None
        self.is_cut = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout, and close another connection if there are too many."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self.cut)
        held = [one for one in self.connections if isinstance(one, LimitedProtocol) and not one.is_cut]
        if len(held) > MAX_CONNECTIONS:
            min((one for one in held if not one.is_answering), key=lambda one: one.began).cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Keep the timeout until the request is complete."""
        super().data_received(data)
        if self._is_whole or self.transport.is_closing():
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self.cut)

    @property
    def _is_whole(self) -> bool:
        return self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}

    @property
    def is_answering(self) -> bool:
        """Whether a complete request waits for its response."""
        return self._is_whole and self.cycle is not None and not self.cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def cut(self) -> None:
        """Close the connection at once."""
        self.is_cut = True
        self.transport.abort()


_SHORTEST_TOKEN: Final = 12


def serve(
    library: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    opened: Callable[[PageAddress], None],
    spent: Callable[[PageAddress], None] = lambda _: None,
    learn: LearnerTarget | None = None,
    max_error: float | None = None,
    by_chance: float = 0.0,
) -> int:
    """Serve the page of `library` until Ctrl-C. Returns how many decisions are not filed yet.

    `learn` runs in the learner process; `max_error` is the error rate of audits, `by_chance` the share of answers about
    images drawn by chance. The others as for `serve_app`. Raises LibraryError when `library` is not a library,
    SettingsError as `serve_app` does.
    """
    check_host(host, token)
    prepare(library)
    review = Review(library, learn=learn, max_error=max_error, by_chance=by_chance)
    serve_app(review.app, host=host, port=port, token=token, opened=opened, spent=spent, before=review.session.open)
    return review.session.unfiled


def check_host(host: str, token: str | None) -> None:
    """Raise SettingsError if the page would be open to other machines without a chosen token."""
    if not is_loopback(host) and (token is None or len(token) < _SHORTEST_TOKEN):
        raise SettingsError(
            "--host {host} lets other machines in: choose a --token of at least {least} characters, which whoever "
            "opens the page must know",
            host=host,
            least=_SHORTEST_TOKEN,
        )


def serve_app(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    token: str | None,
    opened: Callable[[PageAddress], None],
    spent: Callable[[PageAddress], None] = lambda _: None,
    before: Callable[[], object] = lambda: None,
    rooms: Sequence[str] = (),
) -> None:
    """Serve until Ctrl-C; `before` is called once it listens, `opened` once it answers.

    `spent` is called each time a token has opened the page. `port` 0 takes a free one; `rooms` as for
    SecurityMiddleware. Raises SettingsError as `check_host` does, and when it cannot listen there.
    """
    check_host(host, token)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    session = PageSession(token or None)
    served = PageAddress(_address(host, port), session.new_token)
    guarded = SecurityMiddleware(app, session=session, host=host, port=port, spent=lambda: spent(served), rooms=rooms)
    with listening, suppress(KeyboardInterrupt):
        before()
        config = uvicorn.Config(
            guarded,
            http=LimitedProtocol,
            backlog=BACKLOG,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=5,
        )
        server = PageServer(config, lambda: opened(served))
        server.run(sockets=[listening])


class PageAddress:
    """The address of the page; each new address holds a token."""

    def __init__(self, place: str, new_token: Callable[[], str]) -> None:
        self._place = place
        self._new_token = new_token

    def new_address(self) -> str:
        """An address that opens the page."""
        return f"{self._place}?token={quote(self._new_token(), safe='')}"


class PageServer(uvicorn.Server):
    """Calls `when_open` once it answers."""

    def __init__(self, config: uvicorn.Config, when_open: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_open = when_open

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On a second Ctrl-C, stop at once and silently."""
        if self.should_exit:
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, then call `when_open`."""
        await super().startup(sockets=sockets)
        for listening in sockets or ():
            listening.listen(LISTEN_BACKLOG)
        if self.started:
            self._when_open()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio only then sends small answers at once, instead of 40 ms later.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # pragma: no cover - Windows, where reuse would let others listen in
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            "cannot listen at {host}, port {port}: {why}", host=host, port=port, why=message_of(error)
        ) from error
    return listening


def _address(host: str, port: int) -> str:
    everywhere = host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    shown = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
