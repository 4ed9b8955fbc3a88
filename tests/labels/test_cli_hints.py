"""The printed train command names the same folder when it is pasted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.labels.load import train_command

BASH = shutil.which("bash")


@pytest.mark.skipif(BASH is None or sys.platform == "win32", reason="there is no bash here")
@pytest.mark.parametrize("name", [b"\x83A\x83j\x83\x81", b"a b", b"\xff'\\\x1b\n", b"plain"])
def test_a_pasted_command_names_the_same_folder(name: bytes) -> None:
    words = train_command(Path("/labels") / os.fsdecode(name)).removeprefix("illsort train ")
    shown = subprocess.run([str(BASH), "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True)

    words.encode()
    assert b"/labels/" + name == shown.stdout.split(b"\0")[1]
