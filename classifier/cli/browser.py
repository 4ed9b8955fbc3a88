"""Opens the page in a browser without its token in a command line, which every user of the machine can read."""

from __future__ import annotations

import tempfile
import threading
import webbrowser
from html import escape
from pathlib import Path

_PAGE = """\
<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>illsort</title>
<a href="{address}">illsort</a>
"""


class Opening:
    """A file that only this user can read and that leads to the page; removed once the page is open, or at the end."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self, address: str) -> None:
        """Start the browser; some browsers end only when they are closed, so nobody waits for it."""
        self._folder = tempfile.TemporaryDirectory(
            prefix="illsort-open-", dir=_visible_folder(), ignore_cleanup_errors=True
        )
        path = Path(self._folder.name, "illsort.html")
        path.touch(mode=0o600)
        path.write_text(_PAGE.format(address=escape(address)), encoding="utf-8")
        threading.Thread(target=webbrowser.open, args=[path.as_uri()], daemon=True).start()

    def remove(self) -> None:
        """Remove the file."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def _visible_folder() -> Path | None:
    """The home folder: browsers in a sandbox of their own (snap, flatpak) see neither /tmp nor what begins with "."."""
    try:
        home = Path.home()
        return home if home.is_dir() else None
    except RuntimeError:  # there is none
        return None
