"""Access to the page: checks every request before the app sees it, and adds security headers to every response.

Protects against other web pages in the same browser (Host, Origin, a key that only the opened page has), other local
servers that the browser visits (no cookies: browsers send them to every port of a host), other users of the machine
(a token that is good once) and markup in what is shown (content security policy). The static files hold no secret and
need no key.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from classifier.web.requests import read_body
from classifier.web.responses import RequestError, SafeJSONResponse, error_response, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


KEY_HEADER = "x-illsort-key"
"""The request header that carries a page's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageKeys:
    """The keys of an opened page: `page` is sent in a header, `pictures` in the address of an image.

    An <img> element cannot send a header. With `pictures` alone, one can see an image whose id one knows, and nothing
    else.
    """

    page: str
    pictures: str


class PageSession:
    """The token that opens the page, and the keys that it is given then; all are new with each start.

    A `chosen` token opens the page any number of times, from several machines, and the keys are derived from it, so an
    open page survives a restart. Any other token is good once.
    """

    def __init__(self, chosen: str | None = None) -> None:
        self._chosen = chosen
        self._unused: set[str] = set()
        secret = secrets.token_urlsafe(32) if chosen is None else chosen
        self.keys = PageKeys(page=_derived(secret, "page"), pictures=_derived(secret, "pictures"))

    def new_token(self) -> str:
        """A token that opens the page: the chosen one, else one that is good once."""
        if self._chosen is not None:
            return self._chosen
        self._unused.add(token := secrets.token_urlsafe(32))
        return token

    def spend(self, token: str) -> PageKeys | None:
        """The keys if `token` is valid; a token is good once unless it was chosen."""
        if self._chosen is not None:
            return self.keys if _equal(token, self._chosen) else None
        good = next((one for one in self._unused if _equal(one, token)), None)
        self._unused.discard(good or "")
        return None if good is None else self.keys

    def is_page(self, key: str) -> bool:
        """Whether a request with this key in its header comes from an opened page."""
        return _equal(key, self.keys.page)

    def shows_images(self, key: str) -> bool:
        """Whether an image's address with this key comes from an opened page."""
        return _equal(key, self.keys.pictures)


def _derived(secret: str, purpose: str) -> str:
    return hashlib.sha256(f"illsort {purpose} {secret}".encode()).hexdigest()


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


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
_OPENS: Final = "/api/open"


class _Token(BaseModel):
    token: str


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a page that is served at `host`."""
    return host in _LOOPBACK


class SecurityMiddleware:
    """Passes a request to `app` only if it comes from a page that was opened with a token of `session`.

    `spent` is called when a token has opened the page. A path may begin with one of `rooms`: the pages below them are
    opened by the same token, and have the same rules.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        session: PageSession,
        host: str,
        port: int,
        spent: Callable[[], None] = lambda: None,
        rooms: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._rooms = tuple(rooms)
        self._session = session
        self._host = host
        self._port = port
        self._spent = spent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, call the app, and add the security headers."""
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
            request = Request(scope, receive)
            answer: ASGIApp = self._refusal(request) or self._app
            if answer is self._app and request.url.path == _OPENS:
                answer = await self._open(request)
            await answer(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered in place of the app; None when it may answer."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return _refused(request, RequestError("this address is not served here", status=403))
        own = f"http://{hosts[0]}"
        origin = request.headers.get("origin")
        if origin not in {None, own} or (request.method == "POST" and origin is None):
            return _refused(request, RequestError("another page may not ask here", status=403))
        is_entry = request.method == "GET" and request.url.path == "/"
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not is_entry:
            return _refused(request, RequestError("another page may not ask here", status=403))
        if request.method not in {"GET", "HEAD", "POST"}:
            return _refused(request, RequestError("not understood", status=405))
        if request.method == "POST" and (refusal := _body(request)) is not None:
            return refusal
        return None if self._may_ask(request) else _unknown(request)

    def _may_ask(self, request: Request) -> bool:
        path = request.url.path
        room = next((one for one in self._rooms if path.startswith(f"{one}/")), "")
        path = path.removeprefix(room)
        if path == "/" or path.startswith("/static/") or (path == _OPENS and not room):
            return True
        if self._session.is_page(request.headers.get(KEY_HEADER, "")):
            return True
        return path.startswith("/picture/") and self._session.shows_images(request.query_params.get("key", ""))

    async def _open(self, request: Request) -> Response:
        """Exchange a token for the keys. Only a POST spends it, so prefetching browsers do not."""
        if request.method != "POST":
            return _refused(request, RequestError("not understood", status=405))
        try:
            keys = self._session.spend((await read_body(request, _Token)).token)
        except RequestError as error:
            return await error_response(request, error)
        if keys is None:
            return _unknown(request)
        self._spent()
        return SafeJSONResponse(asdict(keys))

    def _is_own(self, host: str) -> bool:
        """Only its own host names are served: others are used for DNS rebinding."""
        name, _, port = host.rpartition(":")
        name = name.removeprefix("[").removesuffix("]")
        if port != str(self._port):
            return False
        if is_loopback(self._host):
            return name in _LOOPBACK
        return name in _LOOPBACK or name == self._host or _is_address(name)


def _unknown(request: Request) -> Response:
    return _refused(request, RequestError("open the address that was printed last in the terminal", status=401))


def _body(request: Request) -> Response | None:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _refused(request, RequestError("only JSON is taken", status=415))
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) <= len(str(_LARGEST_BODY))):
        return _refused(request, RequestError("that is too long", status=413))
    return _refused(request, RequestError("that is too long", status=413)) if int(length) > _LARGEST_BODY else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refused(request: Request, error: RequestError) -> Response:
    """JSON in both languages for the page, plain text for other addresses."""
    if "/api/" in request.url.path:
        return refusal(error.message, error.status)
    return PlainTextResponse(f"illsort: {error}\n", status_code=error.status)
