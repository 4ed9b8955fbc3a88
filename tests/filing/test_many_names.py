"""Ten thousand pictures with fifty names, where some are taken and another program takes more all the while."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from classifier.catalog.connection import open_catalog
from classifier.filing.executor import execute
from classifier.filing.fsops import Disk
from classifier.filing.results import Status
from classifier.records import Method
from kit.filing import begin_run, hashes, moves_of

if TYPE_CHECKING:
    from pathlib import Path

SOURCES, NAMES, TAKEN = 10_000, 50, 20
BATCH = 256
RACER = """
import os, sys, time
folder, names, made = sys.argv[1:]
with open(made, "w") as told:
    for number, name in enumerate(open(names).read().split()):
        path = os.path.join(folder, name)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            continue
        os.write(descriptor, b"the racer's own " + name.encode())
        print(name, os.fstat(descriptor).st_ino, file=told, flush=True)
        os.close(descriptor)
        time.sleep(0.0002)
"""


class Counting(Disk):
    """Counts the names that were free when they were chosen and taken when they were used."""

    lost = 0

    def rename_exclusively(self, source: Path, target: Path) -> None:
        """Count a refusal."""
        try:
            super().rename_exclusively(source, target)
        except FileExistsError:
            self.lost += 1
            raise


def test_no_taken_name_is_replaced_and_every_file_finds_a_name(tmp_path: Path, memory_disk: Path) -> None:
    crawl, library = memory_disk / "crawl", memory_disk / "library"
    for number in range(SOURCES):
        path = crawl / str(number // NAMES) / f"{number % NAMES}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a%06d" % number)
    before = hashes(crawl)
    moves = moves_of(crawl, method=Method.MOVE)
    folder = library / "kind_a"
    folder.mkdir(parents=True)
    theirs = {}
    for number in range(TAKEN):
        (folder / f"{number}.jpg").write_bytes(b"taken %d" % number)
        theirs[f"{number}.jpg"] = ((folder / f"{number}.jpg").stat().st_ino, b"taken %d" % number)

    # The racer goes the same way as we do, a little ahead and behind.
    wanted = [names for move in moves for names in move.names[:2]]
    spread = sorted(range(len(wanted)), key=lambda at: at + random.Random(at).uniform(-400, 400))
    (tmp_path / "names").write_text("\n".join(wanted[at] for at in spread))
    disk = Counting()
    made = tmp_path / "made"
    command = [sys.executable, "-c", RACER, str(folder), str(tmp_path / "names"), str(made)]
    with subprocess.Popen(command) as racer, open_catalog(library) as catalog:
        while not (made.exists() and made.read_bytes()):
            time.sleep(0.001)
        begin_run(catalog, crawl)
        outcomes = [
            outcome
            for start in range(0, SOURCES, BATCH)
            for outcome in execute(catalog, library=library, run=1, moves=moves[start : start + BATCH], disk=disk)
        ]
        racer.kill()

    for line in made.read_text().splitlines():
        name, inode = line.split()
        theirs[name] = (int(inode), b"the racer's own " + name.encode())
    print(f"{len(theirs)} names taken, {disk.lost} in the last instant")  # noqa: T201 - the figure
    assert {Status.PLACED} == {outcome.status for outcome in outcomes}
    assert theirs == {name: ((folder / name).stat().st_ino, (folder / name).read_bytes()) for name in theirs}
    assert ([], True) == (hashes(crawl), set(before) <= set(hashes(folder)))
    assert SOURCES + len(theirs) <= len(list(folder.iterdir())) <= SOURCES + len(theirs) + 1
    assert len(theirs) > TAKEN
    assert disk.lost > 0
