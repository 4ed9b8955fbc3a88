"""A power cut may take whatever was not made durable: so what is made durable, and in which order, is what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.records import Method
from fault_injection import strace
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

NO_STRACE = strace.unavailable_reason()
pytestmark = pytest.mark.skipif(bool(NO_STRACE), reason=NO_STRACE)

Calls = list[tuple[str, str]]
PICTURES = 6


def traced(method: Method, base: Path, crawl: Path) -> Calls:
    """The calls of one run over a few pictures."""
    make_tree(crawl, {f"{number}.jpg": b"a%d" % number * 100 for number in range(PICTURES)})
    return strace.calls_in_order([str(base / "library"), str(crawl), method.value, "256"], log=base / "log")


def only(calls: Calls, names: set[str], text: str) -> list[int]:
    """Where in the run calls of these names with `text` in their arguments are."""
    return [at for at, (name, arguments) in enumerate(calls) if name in names and text in arguments]


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.SYMLINK, Method.MOVE])
def test_the_intent_is_durable_before_and_the_names_are_before_it_is_done(tmp_path: Path, method: Method) -> None:
    calls = traced(method, tmp_path, tmp_path / "crawl")
    placed = only(calls, {"link", "linkat", "symlink", "symlinkat", "renameat2"}, "library/kind_a/")
    assert PICTURES == len(placed)
    journal = only(calls, {"fdatasync", "fsync"}, "catalogue.sqlite-wal")
    folder = only(calls, {"fsync"}, "library/kind_a>")
    trail = only(calls, {"fsync"}, "moves.jsonl")
    written = only(calls, {"pwrite64"}, "catalogue.sqlite-wal")
    intent = max(at for at in journal if at < placed[0])
    assert not [at for at in written if intent < at < placed[0]]
    assert placed[-1] < folder[-1] < trail[-1] < min(at for at in written if at > placed[-1])
    if method is Method.MOVE:
        assert placed[-1] < only(calls, {"fsync"}, "/crawl>")[-1] < trail[-1]


def test_a_source_on_another_disk_goes_only_after_its_copy_is_durable(tmp_path: Path, memory_disk: Path) -> None:
    calls = traced(Method.MOVE, tmp_path, memory_disk / "crawl")
    gone = only(calls, {"unlink"}, "/crawl/")
    placed = only(calls, {"renameat2"}, ".part")
    synced = only(calls, {"fsync"}, "/.illsort-")
    assert [PICTURES] * 3 == [len(gone), len(placed), len(synced)]
    assert max(synced) < min(placed)
    for folder in ("library/kind_a>", "library>"):
        assert [at for at in only(calls, {"fsync"}, folder) if placed[-1] < at < gone[0]]
    assert gone[-1] < only(calls, {"fsync"}, "/crawl>")[-1] < only(calls, {"fsync"}, "moves.jsonl")[-1]
