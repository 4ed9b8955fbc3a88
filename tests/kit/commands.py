"""Runs a command of illsort in the process of the test, which is seconds faster than in one of its own."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest

from classifier.cli.main import app


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended: its exit code, and what it printed."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of stdout, of a command with --json."""
        values: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return values


def illsort(*words: object, stdin: io.TextIOBase | None = None) -> Ended:
    """Run a command to its end; its outputs take valid Unicode alone, and without `stdin` nobody answers a question."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    answers = patch("sys.stdin", stdin or io.TextIOWrapper(io.BytesIO()))
    with answers, redirect_stdout(stdout), redirect_stderr(stderr), pytest.raises(SystemExit) as ended:
        app([str(word) for word in words])
    return Ended(returncode=int(ended.value.code or 0), stdout=_text(stdout), stderr=_text(stderr))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
