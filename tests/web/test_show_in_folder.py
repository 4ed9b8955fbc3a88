"""Show in folder: what each system's file manager is started with, and who may have it started."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest
from starlette.testclient import TestClient

from classifier.errors import IllsortError
from classifier.records import Action
from classifier.web import show_in_folder as module
from classifier.web.app import Review
from classifier.web.security import PageSession, SecurityMiddleware
from classifier.web.show_in_folder import show_in_folder
from kit.reviewing import OWN, PORT, TOKEN, open_page, waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator

SCREEN = {"DISPLAY": ":0"}
ODD_NAMES = ["-rf.png", "a, b.png", "it's \u201cone\u201d.png", "漫画 %2C 100%.png", "~$(x);&.png"]


class Programs:
    """Stands for the programs of a system: what was started, and what each of them ends with."""

    def __init__(self) -> None:
        self.there = {"dbus-send", "gdbus", "xdg-open"}
        self.codes: dict[str, int | None] = {}
        self.started: list[Any] = []

    def which(self, name: str) -> str | None:
        """As shutil.which."""
        return name if name in self.there else None

    def popen(self, command: Any, **options: Any) -> Programs:
        """As subprocess.Popen."""
        assert not options.get("shell")
        self.started.append(command)
        return self

    def wait(self, timeout: float | None = None) -> int:
        """The code of what was started last; None stands for a program that stays."""
        code = self.codes.get(self.started[-1][0], 0)
        if code is None and timeout is not None:
            raise subprocess.TimeoutExpired("", timeout)
        return code or 0


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    found = Programs()
    monkeypatch.setattr(module.shutil, "which", found.which)
    monkeypatch.setattr(module.subprocess, "Popen", found.popen)
    return found


@pytest.fixture(params=ODD_NAMES)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a folder, too" / str(request.param)
    path.parent.mkdir()
    path.touch()
    return path


def test_linux_asks_the_desktop_to_select_the_very_file(programs: Programs, odd: Path) -> None:
    show_in_folder(odd, system="linux", environment=SCREEN)

    [(program, *_, address, empty)] = programs.started
    [entry] = address.removeprefix("array:string:").split(",")
    assert ("dbus-send", "string:") == (program, empty)
    assert bytes(odd) == unquote_to_bytes(entry.removeprefix("file://"))


def test_linux_takes_gdbus_where_there_is_no_dbus_send(programs: Programs, odd: Path) -> None:
    programs.there.remove("dbus-send")
    show_in_folder(odd, system="linux", environment=SCREEN)

    [(program, *_, addresses, _empty)] = programs.started
    [entry] = shlex.split(addresses.strip("[]"))
    assert "gdbus" == program
    assert bytes(odd) == unquote_to_bytes(entry.removeprefix("file://"))


def test_linux_opens_the_folder_where_nothing_selects(programs: Programs, odd: Path) -> None:
    programs.codes["dbus-send"] = 1
    show_in_folder(odd, system="linux", environment={"WAYLAND_DISPLAY": "wayland-0"})

    assert ["xdg-open", str(odd.parent)] == programs.started[-1]


def test_a_file_manager_that_stays_open_is_not_waited_for(programs: Programs, odd: Path) -> None:
    programs.codes["dbus-send"] = None
    show_in_folder(odd, system="linux", environment=SCREEN)

    assert 1 == len(programs.started)


def test_macos_reveals_the_file(programs: Programs, odd: Path) -> None:
    show_in_folder(odd, system="darwin", environment={})

    assert [["/usr/bin/open", "-R", str(odd)]] == programs.started


def test_windows_explorer_gets_the_quotes_that_it_reads(programs: Programs, odd: Path) -> None:
    programs.codes['"'] = 1  # as Explorer always ends
    show_in_folder(odd, system="win32", environment={"SYSTEMROOT": r"D:\Windows"})

    assert [rf'"D:\Windows\explorer.exe" /select,"{odd}"'] == programs.started
    comma = PureWindowsPath(r"C:\a, b\漫画 -x.png")
    assert r'"C:\Windows\explorer.exe" /select,"C:\a, b\漫画 -x.png"' == module._explorer_command(comma, r"C:\Windows")


def test_a_link_is_shown_where_it_is_and_not_what_it_leads_to(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "crawl.png").touch()
    (tmp_path / "library").mkdir()
    link = tmp_path / "library" / "link.png"
    link.symlink_to(tmp_path / "crawl.png")
    show_in_folder(link, system="darwin", environment={})

    assert str(link) == programs.started[0][-1]


@pytest.mark.parametrize(
    ("where", "there", "why"),
    [
        ({"system": "linux", "environment": {}}, {"xdg-open"}, "without a display"),
        ({"system": "linux", "environment": SCREEN | {"SSH_CONNECTION": "x"}}, {"xdg-open"}, "over ssh"),
        ({"system": "darwin", "environment": {"SSH_CONNECTION": "x"}}, set(), "over ssh"),
        ({"system": "linux", "environment": SCREEN}, set(), "no file manager was found"),
        ({"system": "linux", "environment": SCREEN}, {"gdbus"}, "could not be opened"),
    ],
)
def test_one_line_says_why_nothing_is_shown(
    programs: Programs, tmp_path: Path, where: dict[str, Any], there: set[str], why: str
) -> None:
    programs.there = there
    programs.codes = dict.fromkeys(there, 4)
    with pytest.raises(IllsortError, match=why) as refused:
        show_in_folder(tmp_path, **where)

    assert str(refused.value).endswith("copy the path")


def test_a_file_that_is_gone_is_not_shown(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(IllsortError, match="no longer there"):
        show_in_folder(tmp_path / "x.png", system="darwin", environment={})

    assert [] == programs.started


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found: list[Path] = []
    monkeypatch.setattr("classifier.web.routes.images.show_in_folder", found.append)
    return found


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[SecurityMiddleware, str, Path]]:
    library, [picture] = waiting_library(tmp_path, [(Action.REVIEW, "cat", 0.5)])
    app = SecurityMiddleware(Review(library).app, session=PageSession(TOKEN), host="127.0.0.1", port=PORT)
    with TestClient(app):  # opens the library
        yield app, picture, library


def client(app: SecurityMiddleware, host: str) -> TestClient:
    found = TestClient(app, base_url=OWN, headers={"Origin": OWN}, client=(host, 5))
    open_page(found)
    return found


def test_the_page_shows_a_picture_by_its_id(page: tuple[SecurityMiddleware, str, Path], shown: list[Path]) -> None:
    app, picture, library = page
    answer = client(app, "127.0.0.1").post("/api/show-in-folder", json={"picture": picture})

    assert (200, [library / "_review" / "cat" / "000.png"]) == (answer.status_code, shown)


@pytest.mark.parametrize(
    ("host", "sent", "status"),
    [
        ("127.0.0.1", {"json": {"picture": "0" * 64}}, 404),
        ("127.0.0.1", {"json": {"picture": "../000.png"}}, 400),
        ("127.0.0.1", {"headers": {"Origin": "http://evil.example"}}, 403),
        ("127.0.0.1", {"headers": {"X-Illsort-Key": "x"}}, 401),
        ("192.168.0.9", {}, 409),
    ],
)
def test_nobody_else_and_nothing_else_is_shown(
    page: tuple[SecurityMiddleware, str, Path], shown: list[Path], host: str, sent: dict[str, Any], status: int
) -> None:
    app, picture, _ = page
    answer = client(app, host).post("/api/show-in-folder", **{"json": {"picture": picture}, **sent})

    assert (status, []) == (answer.status_code, shown)
    assert 405 == client(app, host).get("/api/show-in-folder").status_code
