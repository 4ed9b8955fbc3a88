"""A bucket of S3 on this machine, by moto, which can be told to misbehave. No other network is used.

Processes that a test starts see it too: its address and its keys are in the environment.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "none",
    "AWS_SHARED_CREDENTIALS_FILE": "none",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
_LATE_S: Final = 0.3
_BUSY: Final = b"<Error><Code>ServiceUnavailable</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class S3Server:
    """A server of S3, what it was asked, and how it misbehaves.

    `faults` are used up one by one, by the requests whose method and path begin with `faulty`: "503", "truncated" (half
    of the body, then the connection ends), "reset" (nothing at all), "slow" (the answer comes late), "" (none).
    `forever` never ends.
    """

    url: str = ""
    faulty: str = "GET"
    faults: list[str] = field(default_factory=list)
    forever: str = ""
    asked: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, request: str) -> str:
        """How this request is to fail; empty when it is not."""
        with self._lock:
            self.asked.append(request)
            if not request.startswith(self.faulty):
                return ""
            return self.forever or (self.faults.pop(0) if self.faults else "")

    def behave(self) -> None:
        """No faults, and nothing asked yet."""
        with self._lock:
            self.faulty, self.forever = "GET", ""
            self.faults.clear()
            self.asked.clear()


@dataclass(frozen=True)
class _Faulty:
    """A server's application, with faults in front of it."""

    application: Any
    server: S3Server

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        query = environ["QUERY_STRING"]
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{'?' * bool(query)}{query}"
        fault = self.server.fault(request)
        if fault == "503":
            start("503 Service Unavailable", [("Content-Type", "application/xml"), ("Content-Length", str(len(_BUSY)))])
            return [_BUSY]
        if fault == "reset":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError("a fault that was asked for")
        time.sleep(_LATE_S if fault == "slow" else 0.0)
        answer = b"".join(self.application(environ, start))
        return [answer[: len(answer) // 2]] if fault == "truncated" else [answer]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - as werkzeug names it
        """Say nothing."""

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Bucket:
    """A bucket by itself, empty at first."""

    name: str
    server: S3Server
    client: Any

    @property
    def url(self) -> str:
        """Its URL."""
        return f"s3://{self.name}"

    def put(self, key: str, content: bytes) -> None:
        """Have `content` at `key`."""
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        """What is at `key`."""
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def remove(self, key: str) -> None:
        """Remove what is at `key`."""
        self.client.delete_object(Bucket=self.name, Key=key)

    def keys(self) -> list[str]:
        """What it holds."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server of S3 on a port that was free; the environment names it to whoever looks for S3."""
    server = S3Server()
    application = _Faulty(DomainDispatcherApplication(create_backend_app), server)
    listener = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    server.url = f"http://127.0.0.1:{listener.port}"
    thread = threading.Thread(target=listener.serve_forever, name="s3", daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": server.url}).items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        yield server
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[Bucket]:
    """An empty bucket of a server that behaves."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    client = boto3.client("s3", endpoint_url=s3_server.url)
    client.create_bucket(Bucket=name)
    s3_server.behave()
    yield Bucket(name, s3_server, client)
    s3_server.behave()
    client.close()
