"""Starting the page: without torch, at a port of its own, in one line when it cannot be."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.errors import LibraryError, SettingsError
from classifier.records import Action
from classifier.web.server import serve
from kit.reviewing import waiting_library


def test_the_page_starts_without_loading_what_only_learning_needs() -> None:
    code = (
        "import sys\nimport classifier.web.server\n"
        "print([name for name in ('torch', 'torchvision', 'timm', 'sklearn') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == shown.stdout.strip()


def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [(Action.REVIEW, "chibi", 0.5)])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen at 127.0.0.1, port {port}: "):
            serve(library, host="127.0.0.1", port=port, token=None, opened=print)


def test_a_library_that_cannot_be_opened_is_reported_in_one_line(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [])
    (library / ".illsort" / "catalogue.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(LibraryError, match="is broken"):
        serve(library, host="127.0.0.1", port=0, token=None, opened=print)
