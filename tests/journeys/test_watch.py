"""Pictures come into a crawl for a minute, while its watcher is killed twice and its folder is gone for a while."""

from __future__ import annotations

import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path

BURSTS, IN_ONE = 12, 15
_PATIENCE_S = 240


def picture(seed: int) -> bytes:
    return encoded(varied(COLORS[("red", "green", "blue")[seed % 3]], seed=seed), "PNG")


def begin(folder: Path) -> subprocess.Popen[bytes]:
    words = ("watch", str(folder / "crawl"), "--out", str(folder / "sorted"), "--every", "1", "--json-lines")
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "classifier", *words, "--set", "runtime.workers=1"], stdout=log, stderr=log
        )


def filed(library: Path) -> Counter[str]:
    """The pictures in the library, by content, with how often each is there; counted while a sort works."""
    files = (path for path in library.rglob("*.png") if ".illsort" not in path.parts)
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def download(folder: Path, burst: int, *, whole: bool) -> None:
    """Pictures under unfinished names, which are renamed; and, if not `whole`, one that is written in two parts."""
    folder.mkdir(exist_ok=True)
    seeds = range(burst * IN_ONE, (burst + 1) * IN_ONE)
    for seed in seeds:
        part = folder / f"{seed}.png.part"
        part.write_bytes(picture(seed))
        part.rename(folder / f"{seed}.png")
    if not whole:
        content = picture(1_000_000 + burst)
        with (folder / f"slow {burst}.png").open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            time.sleep(3)
            file.write(content[len(content) // 2 :])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder that is watched")
def test_every_picture_is_filed_once_whatever_happens_to_the_watcher(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "model").folder
    crawl, library = make_tree(tmp_path / "crawl", {"first.png": picture(2_000_000)}), tmp_path / "sorted"
    sort = ["sort", str(crawl), "--out", str(library), "--model", str(bundle), "--workers", "0"]
    subprocess.run([sys.executable, "-m", "classifier", *sort], check=True, capture_output=True)
    rng, watcher = random.Random(0), begin(tmp_path)
    for burst in range(BURSTS):
        download(crawl / f"{burst % 5}", burst, whole=bool(burst % 3))
        time.sleep(rng.uniform(2, 6))
        if burst in {4, 8}:
            watcher.kill()
            watcher.wait()
            watcher = begin(tmp_path)
        if burst == 2:
            crawl.rename(tmp_path / "away")
            time.sleep(20)
            (tmp_path / "away").rename(crawl)
    expected = Counter(hashlib.sha256(content).hexdigest() for content in all_files(crawl).values())
    until = time.monotonic() + _PATIENCE_S
    while filed(library) != expected and time.monotonic() < until:
        time.sleep(1)
    watcher.send_signal(signal.SIGINT)
    code = watcher.wait(60)
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    verified = subprocess.run(
        [sys.executable, "-m", "classifier", "verify", str(library)], check=False, capture_output=True, text=True
    )
    counts = [json.loads(line) for line in log.splitlines() if line.startswith("{")]

    assert expected == filed(library), log
    assert {1} == set(expected.values())
    assert 130 == code
    assert 0 == verified.returncode, verified
    assert sum(one["filed"] for one in counts) <= len(expected) - 1
    assert 0 == sum(
        one["duplicates"] for one in counts
    )  # `failed` are those whose folder went away while they were read
    assert not {"Traceback", "Warning"} & set(re.findall(r"\w+", log)), log
