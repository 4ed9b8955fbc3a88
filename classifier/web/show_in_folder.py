"""Opens the file manager of this machine with one file selected.

No shell takes part, and the file's name cannot be read as anything else, whatever it holds. The file manager outlives
the page.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from classifier.errors import IllsortError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path, PurePath

_REFUSAL_S: Final = 3.0
"""A program that refuses does so within this time; one that still works then has opened its window, or is about to."""
_SERVICE: Final = "org.freedesktop.FileManager1"
_OBJECT: Final = "/org/freedesktop/FileManager1"


def show_in_folder(path: Path, *, system: str = sys.platform, environment: Mapping[str, str] = os.environ) -> None:
    """Open the folder of `path` with the file selected, or only the folder where nothing selects.

    Returns once a program has taken it over, at most a few seconds later. Raises IllsortError.
    """
    if not _is_seen(system, environment):
        raise IllsortError("illsort runs over ssh or without a display here, so no window can be opened: copy the path")
    shown = path.parent.resolve() / path.name  # a link is shown as the link that it is
    if not os.path.lexists(shown):
        raise IllsortError("this picture is no longer there, or was changed")
    commands = _commands(shown, system, environment)
    if not commands:
        raise IllsortError("no file manager was found here (by dbus-send, gdbus or xdg-open): copy the path")
    if not any(_takes(command, system) for command in commands):
        raise IllsortError("the file manager could not be opened: copy the path")


def _is_seen(system: str, environment: Mapping[str, str]) -> bool:
    """Whether a window that this process opens is seen by the person at the page."""
    if environment.get("SSH_CONNECTION"):
        return False
    return system in {"win32", "darwin"} or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _commands(path: Path, system: str, environment: Mapping[str, str]) -> list[str | list[str]]:
    """The commands of this system, the best first."""
    if system == "win32":
        return [_explorer_command(path, environment.get("SYSTEMROOT", r"C:\Windows"))]
    if system == "darwin":
        return [["/usr/bin/open", "-R", str(path)]]
    return list(_freedesktop_commands(path))


def _explorer_command(path: PurePath, system_root: str) -> str:
    """A whole command line: Explorer takes one apart in its own way, by which quotes stand after `/select,` only.

    Between them a comma of the name ends nothing, and no name on Windows has a quote. Explorer is named by its path
    because Windows looks in the current folder first.
    """
    return f'"{system_root}\\explorer.exe" /select,"{path}"'


def _freedesktop_commands(path: Path) -> Iterator[list[str]]:
    """What selects the file on the desktops of Linux and BSD, then what opens its folder."""
    # Percent-encoded it has no comma, which ends an entry for dbus-send, and no quote, which ends a text for gdbus.
    address = f"file://{quote(os.fsencode(path))}"
    if found := shutil.which("dbus-send"):
        call = ["--session", "--print-reply", f"--dest={_SERVICE}", _OBJECT, f"{_SERVICE}.ShowItems"]
        yield [found, *call, f"array:string:{address}", "string:"]
    elif found := shutil.which("gdbus"):
        call = ["--dest", _SERVICE, "--object-path", _OBJECT, "--method", f"{_SERVICE}.ShowItems"]
        yield [found, "call", "--session", *call, f"['{address}']", "''"]
    if found := shutil.which("xdg-open"):
        yield [found, str(path.parent)]


def _takes(command: str | list[str], system: str) -> bool:
    """Whether the program was started and did not refuse."""
    try:
        process = subprocess.Popen(  # noqa: S603 - programs of the system
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_detached(),
        )
    except OSError:
        return False
    try:
        return process.wait(_REFUSAL_S) == 0 or system == "win32"  # the code of Explorer is always 1
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, name="file manager", daemon=True).start()  # else it is left as a zombie
        return True


def _detached() -> dict[str, Any]:
    """Neither the terminal's end nor Ctrl-C in it ends the process."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
