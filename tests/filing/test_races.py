"""Other programs at work in the same folders at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.filing.fsops import Disk
from classifier.filing.recovery import recover
from classifier.filing.results import Status
from classifier.records import Method
from fault_injection.faulty_disks import FatDisk, NoExclusiveRename
from kit.filing import hashes, moves_of, sort

if TYPE_CHECKING:
    from kit.filing import World

PICTURES = 120
RACER = """
import os, random, sys
from pathlib import Path
folder, names = Path(sys.argv[1]), sys.argv[2:]
made = open(sys.argv[1] + ".made", "a")
while True:
    name = random.choice(names)
    try:
        descriptor = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except (FileExistsError, FileNotFoundError):
        continue
    os.write(descriptor, b"the racer's own " + name.encode())
    os.close(descriptor)
    print(name, file=made, flush=True)
"""
OWNERS = """
import sys
from pathlib import Path
from classifier.errors import LibraryError
from classifier.records import Method
from kit.filing import sort
try:
    print(len(sort(Path(sys.argv[1]), Path(sys.argv[2]), method=Method.MOVE, batch=2)))
except LibraryError as error:
    print(error)
"""
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


@pytest.mark.parametrize("disk", [Disk(), NoExclusiveRename(), FatDisk()])
@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.MOVE])
def test_a_process_that_takes_planned_names_causes_no_lost_file(world: World, method: Method, disk: Disk) -> None:
    for number in range(PICTURES):
        world.add(f"{number}.jpg", b"a%d" % number)
    before = hashes(world.crawl)
    moves = moves_of(world.crawl, method=method)
    folder = world.library / "kind_a"
    folder.mkdir()
    names = [move.names[0] for move in moves]
    with subprocess.Popen([sys.executable, "-c", RACER, folder, *names]) as racer:
        while len(list(folder.iterdir())) < PICTURES // 10:
            time.sleep(0.001)
        outcomes = world.execute(*moves, disk=disk)
        racer.kill()
    assert {Status.PLACED} == {outcome.status for outcome in outcomes}
    theirs = Path(f"{folder}.made").read_text().split()
    assert [b"the racer's own " + name.encode() for name in theirs] == [(folder / name).read_bytes() for name in theirs]
    assert set(before) <= set(hashes(folder))
    assert PICTURES + len(theirs) == len(list(folder.iterdir()))
    assert 0 == recover(world.catalog, world.library).done


def test_of_many_processes_started_at_once_one_sorts_and_nothing_is_lost(tmp_path: Path) -> None:
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    for number in range(40):
        (crawl / f"{number}.jpg").write_bytes(b"a%d" % number)
    before = hashes(crawl)
    command = [sys.executable, "-c", OWNERS, library, crawl]
    started = [subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[0].strip() for process in started]
    counts = [int(each) for each in said if each.isdigit()]
    assert all(each.isdigit() or "is in use by illsort, process" in each for each in said)
    assert 40 == sum(counts)
    assert before == hashes(library)
    assert [] == sort(library, crawl, method=Method.MOVE)
