"""Killed at any moment, the same command goes on: nothing lost, nothing twice, the same library in the end."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from classifier.records import Mode
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import all_files

PICTURES = 400
KILLS = 4


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


def fill(crawl: Path) -> None:
    """Pictures of three colors in folders, many of one name, some equal, some unsure, some broken."""
    for number in range(PICTURES):
        folder = crawl / f"{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        color = ("red", "green", "blue")[number % 3]
        content = encoded(varied(COLORS[color], seed=number - number % 11), "PNG")
        if number % 13 == 0:
            content = encoded(plain((110 + number % 20, 120, 120 + number // 20)), "PNG")
        (folder / f"{number // 21}.png").write_bytes(b"<html>" if number % 50 == 7 else content)


def command(folder: Path, bundle: Path, mode: Mode) -> list[str]:
    words = ["sort", folder / "crawl", "--out", folder / "sorted", "--model", bundle, "--mode", mode, "--workers", "1"]
    return [sys.executable, "-m", "classifier", *(str(word) for word in words), "--batch-size", "8", "--json"]


def summary_of(folder: Path, bundle: Path, mode: Mode) -> dict[str, object]:
    done = subprocess.run(command(folder, bundle, mode), capture_output=True, check=False, text=True, timeout=120)
    summary = json.loads(done.stdout)
    del summary["seconds"]
    return dict(summary)


def killed(folder: Path, bundle: Path, mode: Mode, *, after: float) -> None:
    """Start the sort, wait until it has the library open and `after` seconds longer, and kill it."""
    running = subprocess.Popen(command(folder, bundle, mode), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = folder / "sorted" / ".illsort" / "catalogue.sqlite-wal"
    while running.poll() is None and not log.exists():
        time.sleep(0.005)
    time.sleep(after)
    running.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    running.wait()


def contents(*folders: Path) -> Counter[str]:
    files = (content for folder in folders if folder.exists() for content in all_files(folder).values())
    return Counter(hashlib.sha256(content).hexdigest() for content in files)


@pytest.mark.parametrize("mode", [Mode.LINK, Mode.MOVE])
def test_a_sort_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        fill(folder / "crawl")
    before = contents(broken / "crawl")
    expected = summary_of(whole, bundle, mode)
    rng = random.Random(mode)
    for _ in range(KILLS):
        killed(broken, bundle, mode, after=rng.uniform(0, 1.5))
        if mode is Mode.MOVE:
            assert before == contents(broken / "crawl", broken / "sorted") & before
    again = summary_of(broken, bundle, mode)

    assert expected == again
    visible = [
        {name: content for name, content in all_files(folder / "sorted").items() if name != "_broken.csv"}
        for folder in (whole, broken)
    ]
    assert visible[0] == visible[1]
    assert all_files(whole / "crawl") == all_files(broken / "crawl")
    assert [] == list(broken.rglob("*.part"))
