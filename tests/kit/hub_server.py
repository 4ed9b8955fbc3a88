"""A model hub and a ModelScope on this machine, which can be told to misbehave. No network is used."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from huggingface_hub.utils import close_session

from classifier.model import hub_answers

COMMIT: Final = "c" * 40
WEIGHTS: Final = "model.safetensors"
PROXIES: Final = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@dataclass
class Hub:
    """What it has, what it was asked, and how it misbehaves: each fault once, for the next request of the weights.

    Faults of what is sent: break, stall, short, long, garbled, other part, huge part, whole (no ranges), or a
    status as 503.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    elsewhere: bool = False
    circle: bool = False
    """Whether the weights are redirected to where they were asked for."""
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def ranges(self) -> list[str]:
        """The parts of the weights that were asked for, in order; `all` without a range."""
        return [one.rpartition(" ")[2] for one in self.asked if one.startswith("GET") and WEIGHTS in one]

    def digest(self, name: str) -> str:
        """As the hub has it: a SHA-256 of large files, git's SHA-1 of small ones."""
        content = self.files[name]
        if name in self.digests:
            return self.digests[name]
        if name == WEIGHTS:
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """As the hub describes a file, or refuses to."""
        self.hub.asked.append(f"HEAD {self.path}")
        name = self.path.rpartition("/")[2]
        if self.hub.refusals and (status := self.hub.refusals.pop(0)) != 200:
            self._answer(status, {"Retry-After": "0"})
        elif name not in self.hub.files:
            self._answer(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        else:
            size = str(len(self.hub.files[name]))
            described = {"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{self.hub.digest(name)}"', "X-Linked-Size": size}
            moved = {"Location": self._elsewhere()} if self.hub.elsewhere else {"Content-Length": size}
            self._answer(302 if self.hub.elsewhere else 200, described | moved | self.hub.headers)

    def do_GET(self) -> None:
        """A file, a part of it, or the list of files that ModelScope gives."""
        asked = self.headers.get("Range", "all").removeprefix("bytes=")
        self.hub.asked.append(f"GET {self.path} {asked}")
        parts = urlsplit(self.path)
        if parts.path.endswith("/repo/files"):
            self._list()
            return
        name = parse_qs(parts.query).get("FilePath", [parts.path.rpartition("/")[2]])[0]
        if name not in self.hub.files:
            self._answer(404, {})
        elif self.hub.circle and name == WEIGHTS:
            self._answer(302, {"Location": self.path})
        elif self.hub.elsewhere and not parts.path.startswith("/cdn/"):
            self.hub.asked.pop()
            self._answer(302, {"Location": self._elsewhere()})
        else:
            self._send(self.hub.files[name], self.hub.faults.pop(0) if name == WEIGHTS and self.hub.faults else "")

    def _elsewhere(self) -> str:
        return f"{self.hub.url.replace('127.0.0.1', 'localhost')}/cdn{self.path}"

    def _list(self) -> None:
        if self.hub.refusals and (status := self.hub.refusals.pop(0)) != 200:
            self._answer(status, {})
            return
        files = [
            {"Path": name, "Size": len(content), "Sha256": hashlib.sha256(content).hexdigest(), "Type": "blob"}
            for name, content in self.hub.files.items()
        ]
        body = json.dumps({"Code": 200, "Success": True, "Data": {"Files": files}}).encode()
        self._answer(200, {"Content-Length": str(len(body))}, body)

    def _send(self, content: bytes, fault: str) -> None:
        begin = 0
        if "Range" in self.headers and fault != "whole":
            begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        if fault.isdigit() or begin >= len(content):
            self._answer(int(fault or 416), {"Retry-After": "0"})
            return
        sent = content[begin:]
        if fault == "short":
            content = sent = sent[: len(sent) // 2]
        elif fault == "long":
            content, sent = content + b"more", sent + b"more"
        elif fault == "garbled":
            sent = sent[::-1]
        elif fault == "other part":
            begin += 1
        found = {"Content-Length": str(len(sent))}
        if "Range" in self.headers and fault != "whole":
            found["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        if fault == "huge part":
            found["Content-Range"] = f"bytes {'9' * 5000}-{'9' * 5000}/*"
        is_part = "Content-Range" in found and not urlsplit(self.path).query  # ModelScope sends parts as 200
        self._answer(206 if is_part else 200, found, sent[: len(sent) // 2] if fault in {"break", "stall"} else sent)
        if fault == "stall":
            self.wfile.flush()
            self.hub.released.wait(20)

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that answers at `url`; it is asked again at once, and given up after a third of a second of silence."""
    for name in (*PROXIES, "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_answers, "STALL_S", 0.3)
    monkeypatch.setattr(hub_answers, "PAUSE_S", 0.0)
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    close_session()  # one that knows other proxies
    try:
        yield hub
    finally:
        hub.released.set()
        close_session()
        server.shutdown()
        server.server_close()
        thread.join()
