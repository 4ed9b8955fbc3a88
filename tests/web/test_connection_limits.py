"""Connections that send nothing, or half a request, do not keep others from the page."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from classifier.web.server import BACKLOG, MAX_CONNECTIONS, LimitedProtocol, PageServer

resource = pytest.importorskip("resource", reason="Windows limits open files otherwise")
HALF = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"


async def there(request: Request) -> PlainTextResponse:
    await request.body()
    await asyncio.sleep(float(request.query_params.get("wait", 0)))
    return PlainTextResponse("there")


@pytest.fixture
def server() -> Iterator[PageServer]:
    app = Starlette(routes=[Route("/", there, methods=["GET", "POST"])])
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,
        backlog=BACKLOG,
        log_level="critical",
        lifespan="off",
        ws="none",
        timeout_keep_alive=1,
    )
    has_begun = threading.Event()
    server = PageServer(config, has_begun.set)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assert has_begun.wait(20)
        yield server
        server.should_exit = True
        thread.join()


@pytest.fixture
def port(server: PageServer) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of the connections are of this process, so it may open twice as many files as it has connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4000:
        pytest.skip("this user may not open 4,000 files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("sent", [b"", HALF])
@pytest.mark.usefixtures("many_files")
def test_1500_half_requests_leave_the_page_responsive(server: PageServer, port: int, sent: bytes) -> None:
    with ExitStack() as held:
        for _ in range(1500):
            one = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            one.sendall(sent)
        began = time.monotonic()
        answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=20)
        count = len(server.server_state.connections)

    assert count <= MAX_CONNECTIONS + BACKLOG
    assert ("there", True) == (answer.text, time.monotonic() - began < 10)


def test_a_request_in_progress_is_not_cut_for_new_ones(port: int) -> None:
    answers: list[str] = []
    address = f"http://127.0.0.1:{port}/?wait=1"
    asking = [threading.Thread(target=lambda: answers.append(httpx.get(address, timeout=20).text)) for _ in range(5)]
    for one in asking:
        one.start()
    time.sleep(0.3)
    with ExitStack() as held:
        for _ in range(MAX_CONNECTIONS + BACKLOG):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)).sendall(HALF)
        for one in asking:
            one.join()

    assert ["there"] * 5 == answers


@pytest.mark.parametrize("sent", [b"", HALF, HALF + b"\r\n1234", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /"])
def test_an_incomplete_request_is_cut_after_its_deadline(
    port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.web.server.REQUEST_TIMEOUT_S", 0.3)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=15)) as one:
        one.sendall(sent)
        received = b""
        while part := _part(one):
            received += part

    assert (b"there" in received) is sent.startswith(b"GET")


def _part(one: socket.socket) -> bytes:
    try:
        return one.recv(4096)
    except ConnectionResetError:
        return b""
