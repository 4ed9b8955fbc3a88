"""Who may ask: every request is checked before anything else sees it, and every answer is told what it may not do.

Knows no pictures and no library. Against other web pages in the same browser (Host, Origin, cookie), other users of the
machine (token), and markup in what is shown (content security policy).
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from classifier.review.answer import Answer
from classifier.review.refusals import both

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_LARGEST_BODY: Final = 256 * 1024


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a page that is served at `host`."""
    return host in _LOOPBACK


class Guard:
    """Lets a request through to `app` when it comes from the page that was opened with `token`."""

    def __init__(self, app: ASGIApp, *, token: str, host: str, port: int) -> None:
        self._app = app
        self._token = token
        self._host = host
        self._port = port
        self._cookie = f"illsort-{port}"
        # Not the token itself, and the same after a restart with the same one.
        self._pass = hashlib.sha256(f"illsort review {token}".encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in the name of the app, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["type"] == "http":
            answer: ASGIApp = self._refusal(Request(scope)) or self._app
            await answer(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered in place of the app; None when it may answer."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return _refused(request, "this address is not served here", 403)
        own = f"http://{hosts[0]}"
        origin = request.headers.get("origin")
        if origin not in {None, own} or (request.method == "POST" and origin is None):
            return _refused(request, "another page may not ask here", 403)
        is_entry = request.method == "GET" and request.url.path == "/"
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not is_entry:
            return _refused(request, "another page may not ask here", 403)
        if request.method not in {"GET", "HEAD", "POST"}:
            return _refused(request, "not understood", 405)
        if request.method == "POST" and (refusal := _body(request)) is not None:
            return refusal
        return self._unknown(request, is_entry=is_entry)

    def _unknown(self, request: Request, *, is_entry: bool) -> Response | None:
        """The token of the opened address becomes a cookie, and goes out of the address."""
        token = request.query_params.get("token") if is_entry else None
        if token is not None and secrets.compare_digest(token.encode(), self._token.encode()):
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(self._cookie, self._pass, httponly=True, samesite="strict", path="/")
            return response
        given = request.cookies.get(self._cookie, "")
        if secrets.compare_digest(given.encode(), self._pass.encode()):
            return None
        return _refused(request, "open the address that illsort review printed in the terminal", 401)

    def _is_own(self, host: str) -> bool:
        """Names other than its own are refused: one that was made to point here is how a foreign page would ask."""
        name, _, port = host.rpartition(":")
        name = name.removeprefix("[").removesuffix("]")
        if port != str(self._port):
            return False
        if is_loopback(self._host):
            return name in _LOOPBACK
        return name in _LOOPBACK or name == self._host or _is_address(name)


def _body(request: Request) -> Response | None:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _refused(request, "only JSON is taken", 415)
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LARGEST_BODY:
        return _refused(request, "that is too long", 413)
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refused(request: Request, why: str, status: int) -> Response:
    """Told to the page in its languages, and in plain words to who opens an address."""
    if request.url.path.startswith("/api/"):
        return Answer(both("error", why), status_code=status)
    return PlainTextResponse(f"illsort: {why}\n", status_code=status)
