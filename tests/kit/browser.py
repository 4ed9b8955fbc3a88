"""A real browser over one of our own commands that serves a page, as a person starts and ends it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TIMEOUT = 30


@dataclass
class Traffic:
    """What a page wrote to the console, and the requests it sent."""

    console: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    pending: set[Any] = field(default_factory=set)

    def begin(self, request: Any) -> None:
        """A request was sent."""
        self.hosts.add(request.url.split("/")[2])
        self.pending.add(request)

    def end(self, request: Any) -> None:
        """A request was answered, or failed."""
        self.pending.discard(request)


@dataclass
class Served:
    """The address of a page, and what its command has printed once it has ended."""

    address: str
    stderr: str = ""
    stdout: str = ""

    @property
    def port(self) -> int:
        """The one it listens at."""
        return int(self.address.split(":")[2].split("/")[0])


@contextmanager
def serving(*words: str, stop: signal.Signals = signal.SIGINT, by_chance: float = 0) -> Iterator[Served]:
    """`illsort <words>`, of which the first is what it calls its page, until left.

    Where it labels or reviews, `by_chance` is the share of what it asks that is drawn by chance.
    """
    command = [sys.executable, "-m", "classifier", *words, "--no-open"]
    if words[0] in {"label", "review"}:
        command += ["--set", f"review.by_chance={by_chance}"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        served = Served(process.stdout.readline().removeprefix(f"{words[0]}: ").strip())
        try:
            yield served
        finally:
            process.send_signal(stop)
            served.stderr = process.stderr.read()
            served.stdout = process.stdout.read()


@contextmanager
def browser(traffic: Traffic, **options: Any) -> Iterator[Page]:
    """One page of a browser; its console messages and requests are kept in `traffic`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_context(**options).new_page()
        page.on("console", lambda message: traffic.console.append(message.text))
        page.on("pageerror", lambda error: traffic.console.append(str(error)))
        page.on("request", traffic.begin)
        page.on("requestfinished", traffic.end)
        page.on("requestfailed", traffic.end)
        yield page
        chromium.close()


def fetch_json(page: Page, path: str, **query: str) -> Any:
    """The answer of the server to a request of the page, with its key."""
    return page.evaluate(
        "([path, query]) => import('/static/http.js').then((http) => http.get(path, query))", [path, query]
    )


def type_keys(page: Page, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        page.keyboard.press(key)


def wait_for_image(page: Page) -> None:
    """Wait until the large image is loaded, or the queue is empty."""
    page.wait_for_function("""() => {
      const image = document.querySelector(".stage img");
      return document.querySelector(".empty") || (image?.complete && image.naturalWidth > 0);
    }""")


def all_in_sight(page: Page) -> None:
    """Wait until every picture of the grid was in view long enough to be confirmed."""
    page.wait_for_function(
        "() => document.querySelector('.cell') && document.querySelector('.unseen')?.textContent === ''"
    )


def until(page: Page, condition: str, argument: object = None) -> None:
    """Wait until an asynchronous function of the page returns true; `page.wait_for_function` awaits no promise."""
    end = time.monotonic() + TIMEOUT
    while not page.evaluate(condition, argument):
        assert time.monotonic() < end, f"not within {TIMEOUT} seconds: {condition}"
        page.wait_for_timeout(50)


def all_saved(page: Page) -> None:
    """Wait until the server has every answer that was given."""
    until(page, "async () => (await import('/static/http.js')).unsavedCount() === 0")


def quiet(page: Page, traffic: Traffic) -> None:
    """Wait until nothing is asked any more for a tenth of a second: a server may end without a word about it."""
    still = 0
    while still < 5:
        page.wait_for_timeout(20)
        still = 0 if traffic.pending else still + 1


@contextmanager
def held_back(page: Page, pattern: str) -> Iterator[None]:
    """No request whose address matches reaches the server before the block is left, whatever asked for it."""
    held: list[Any] = []
    is_open = False

    def hold(route: Any) -> None:
        if is_open:
            route.continue_()
        else:
            held.append(route)

    page.route(pattern, hold)
    yield
    while not held:
        page.wait_for_timeout(20)
    is_open = True
    for route in held:
        route.continue_()
