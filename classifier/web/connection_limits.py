"""Connections to the page's server: limited in number, and in the time until a request has come whole.

Without that, a thousand half-sent requests hold all the files that a process may open, and the page is gone.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG: Final = 32
"""Connections that are taken at once: far fewer than the files that a process may open."""
QUEUED: Final = 512
"""Connections that the system holds until they are taken; above that, a browser tries again a second later."""
MOST: Final = 100
"""Connections held at once; a browser opens six."""
WHOLE_WITHIN_S: Final = 20.0
"""From a connection's beginning, or its next request's first byte, until that request is whole."""


class LimitedProtocol(H11Protocol):
    """A connection of which one request after the other has to be whole in time.

    Above the most, the oldest connection whose request is not being answered is closed; that may be the new one.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.began = self.loop.time()
        self._deadline: asyncio.TimerHandle | None = None
        self.is_cut = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, in place of another connection where there are too many."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(WHOLE_WITHIN_S, self.cut)
        held = [one for one in self.connections if isinstance(one, LimitedProtocol) and not one.is_cut]
        if len(held) > MOST:
            min((one for one in held if not one.is_answering), key=lambda one: one.began).cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait on while the request is not whole."""
        super().data_received(data)
        if self._is_whole or self.transport.is_closing():
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(WHOLE_WITHIN_S, self.cut)

    @property
    def _is_whole(self) -> bool:
        return self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}

    @property
    def is_answering(self) -> bool:
        """Whether its request is whole and the answer is not sent yet."""
        return self._is_whole and self.cycle is not None and not self.cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def cut(self) -> None:
        """Close it at once, whatever it was about to be sent."""
        self.is_cut = True
        self.transport.abort()
