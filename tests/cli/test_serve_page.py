"""The page is opened by a file that leads to it: no token in a command line, which every user of the machine reads."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from classifier.records import Action
from kit.reviewing import open_page, waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes and cannot send Ctrl-C")

BROWSER = '#!/bin/sh\nprintf "%s\\n" "$@" > {seen}.part\nmv {seen}.part {seen}\nsleep 5\n'


@contextmanager
def reviewing(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """`illsort review`, the address that it prints, and where its browser notes what it was started with."""
    library, _ = waiting_library(folder, [(Action.REVIEW, "chibi", 0.5)])
    (home := folder / "home").mkdir()
    program, seen = folder / "browser", folder / "seen"
    program.write_text(BROWSER.format(seen=seen))
    program.chmod(0o700)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "BROWSER": str(program)}
    environment["PYTHONPATH"] = ":".join(sys.path)
    command = [sys.executable, "-m", "classifier", "review", str(library), "--no-learning", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().removeprefix("review: ").strip(), seen
        if process.poll() is None:
            process.send_signal(signal.SIGINT)


def opened(address: str) -> int:
    """The status with which the token of an address is answered."""
    place, _, token = address.partition("?token=")
    with httpx.Client(base_url=place, headers={"Origin": place.rstrip("/")}) as client:
        return client.post("/api/open", json={"token": token}).status_code


def wait_for(path: Path) -> str:
    for _ in range(600):
        if path.exists():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} is not there")


def test_the_browser_gets_a_private_file_that_is_removed_once_open(tmp_path: Path) -> None:
    with reviewing(tmp_path) as (process, printed, seen):
        (given,) = wait_for(seen).splitlines()
        path = Path(given.removeprefix("file://"))
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]
        (address,) = re.findall(r'url=(http://127\.0\.0\.1:\d+/\?token=[\w-]+)"', path.read_text())
        statuses = [opened(one) for one in (address, address, printed, printed)]
        is_left = path.exists() or path.parent.exists()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        again = re.findall(r"for another browser: (http\S+)", process.stderr.read())

    assert "token" not in given
    assert (tmp_path / "home") == path.parent.parent
    assert not any(part.startswith(".") for part in path.relative_to(tmp_path).parts)
    assert [0o600, 0o700] == modes
    assert address != printed
    assert [200, 401, 200, 401] == statuses
    assert not is_left
    assert len({address, printed, *again}) == 4


def test_the_file_is_gone_when_the_page_was_never_opened(tmp_path: Path) -> None:
    with reviewing(tmp_path) as (process, _, seen):
        path = Path(wait_for(seen).strip().removeprefix("file://"))
        assert path.exists()
        process.send_signal(signal.SIGINT)
        process.wait(30)

    assert [] == list((tmp_path / "home").iterdir())


def test_a_chosen_token_opens_the_page_in_several_browsers(tmp_path: Path) -> None:
    with reviewing(tmp_path, "--no-open", "--token", "chosen by me & you") as (_, printed, seen):
        place, _, _ = printed.partition("?")
        statuses = []
        for _ in range(2):
            with httpx.Client(base_url=place, headers={"Origin": place.rstrip("/")}) as client:
                open_page(client, "chosen by me & you")
                statuses.append(client.get("/api/state").status_code)

    assert [200, 200] == statuses
    assert printed.endswith("?token=chosen%20by%20me%20%26%20you")
    assert not seen.exists()
