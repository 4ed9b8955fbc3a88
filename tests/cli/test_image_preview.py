"""Pictures go to the terminal in its own protocol, or drawn anew to the viewer; never as the crawled file."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest
from PIL import Image

from classifier.cli import image_preview as showing
from classifier.cli.image_preview import Protocol, Screen, Show, inline, protocol_of
from kit.pictures import COLORS, encoded, plain

RED = encoded(plain(COLORS["red"]), "PNG")


class Terminal(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, Protocol.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Protocol.KITTY),
        ({"TERM_PROGRAM": "ghostty"}, Protocol.KITTY),
        ({"TERM_PROGRAM": "iTerm.app"}, Protocol.ITERM),
        ({"TERM_PROGRAM": "WezTerm"}, Protocol.ITERM),
        ({"LC_TERMINAL": "iTerm2"}, Protocol.ITERM),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "socket"}, None),
        ({"TERM": "screen-256color", "LC_TERMINAL": "iTerm2"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environment: dict[str, str], protocol: Protocol | None) -> None:
    assert protocol == protocol_of(environment)


def test_kitty_gets_the_picture_in_pieces_of_at_most_4096_letters() -> None:
    png = bytes(range(256)) * 40
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", inline(png, Protocol.KITTY))

    assert len(pieces) > 1
    assert png == b64decode("".join(data for _, data in pieces))
    assert max(len(data) for _, data in pieces) <= 4096
    assert "a=T,f=100,q=2,r=20,m=1" == pieces[0][0]
    assert ["m=1"] * (len(pieces) - 2) + ["m=0"] == [head for head, _ in pieces[1:]]


def test_a_picture_of_one_piece_says_that_no_more_comes() -> None:
    assert inline(b"png", Protocol.KITTY).startswith("\x1b_Ga=T,f=100,q=2,r=20,m=0;")


def test_iterm_gets_the_whole_file() -> None:
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);.*:(.*)\a\n", inline(RED, Protocol.ITERM))

    assert found is not None
    assert (len(RED), RED) == (int(found[1]), b64decode(found[2]))


def test_a_terminal_that_can_is_drawn_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"TERM": "xterm-kitty"})
    (tmp_path / "a.png").write_bytes(RED)
    stream = Terminal()
    with Screen(stream, Show.AUTO) as screen:
        screen.show(tmp_path / "a.png")
    data = "".join(re.findall(r";([^\x1b]*)\x1b\\", stream.getvalue()))

    with Image.open(io.BytesIO(b64decode(data))) as image:
        assert (220, 30, 30) == image.convert("RGB").getpixel((0, 0))


@pytest.mark.parametrize("how", [Show.AUTO, Show.INLINE, Show.VIEWER, Show.PATH])
def test_without_terminal_and_display_nothing_is_written_or_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Show
) -> None:
    monkeypatch.setattr(showing, "_has_viewer", lambda _: False)
    (tmp_path / "a.png").write_bytes(RED)
    stream = io.StringIO()
    with Screen(stream, how) as screen:
        screen.show(tmp_path / "a.png")
        assert not screen.open(tmp_path / "a.png")

    assert "" == stream.getvalue()


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the viewer is another program there")
def test_the_viewer_gets_a_png_of_ours_whatever_the_file_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    viewer = tmp_path / "bin" / "xdg-open"
    viewer.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/seen.new && mv {tmp_path}/seen.new {tmp_path}/seen.png\n')
    viewer.chmod(viewer.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    crawled = tmp_path / "invoice.desktop"
    crawled.write_bytes(encoded(plain(COLORS["blue"]), "BMP"))
    with Screen(Terminal(), Show.VIEWER) as screen:
        assert screen.open(crawled)
        while not (tmp_path / "seen.png").exists():
            time.sleep(0.01)

    with Image.open(tmp_path / "seen.png") as image:
        assert ("PNG", COLORS["blue"]) == (image.format, image.convert("RGB").getpixel((0, 0)))


def test_what_cannot_be_decoded_is_told_and_the_question_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"TERM": "xterm-kitty"})
    (tmp_path / "a.png").write_bytes(b"<html>")
    stream = Terminal()
    with Screen(stream, Show.AUTO) as screen:
        screen.show(tmp_path / "a.png")

    assert stream.getvalue().startswith("  cannot be shown: ")
