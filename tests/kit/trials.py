"""The proofs that each planted bug is put to: runs, kills, races, bad hardware, the order of calls, power cuts.

Each takes the name of a mutant, "" for the engine as it is, and raises AssertionError when it catches something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.records import Method
from kit import cuts, power, strace
from kit.attempt import PLACED
from kit.disturbances import EDITED, RACER
from kit.filing import hashes, picture_of
from kit.proofs import check_finished, check_nothing_lost
from kit.sweeps import Grounds, killed_at, points

if TYPE_CHECKING:
    from pathlib import Path

    from kit.nursery import Nursery

_ORDERING = "fsync,fdatasync,link,linkat,symlink,symlinkat,rename,renameat2,unlink,pwrite64"
_FREE_NAMES = 7  # four in each of two folders, and one is a person's
_CALL = re.compile(r"\d+\s+(\w+)\((.*)\)\s+=")


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Where bugs are tried: two disks, and a parent of children."""

    nursery: Nursery
    near: Path
    """Memory, where crawls lie."""
    far: Path
    """Another disk."""

    def _grounds(self, method: Method, *, across: bool = True, batch: int = 4) -> Grounds:
        return Grounds(libraries=self.far if across else self.near, crawls=self.near, method=method, batch=batch)

    def run(self, mutant: str) -> None:
        """A run that nothing disturbs, over taken names."""
        staged = self._grounds(Method.COPY, across=False).stage()
        assert self.nursery.run(staged.job(mutant=mutant)) == PLACED, "not all placed"
        check_finished(staged)

    def kill(self, mutant: str) -> None:
        """Killed at every fifth call of a move across disks."""
        self._killed(mutant, self._grounds(Method.MOVE))

    def kill_near(self, mutant: str) -> None:
        """Killed at every fifth call of a move on one disk."""
        self._killed(mutant, self._grounds(Method.MOVE, across=False))

    def _killed(self, mutant: str, grounds: Grounds) -> None:
        found = points(self.nursery, grounds, log=self.far / "log", mutant=mutant)
        for _ in killed_at(self.nursery, grounds, found[3::5], mutant=mutant):
            pass

    def cut(self, mutant: str) -> None:
        """The power is cut at 24 calls of a move across disks, and each time that a source has just gone."""
        machine = power.build(self.near, method=Method.MOVE, across=True, batch=4)
        chosen = cuts.points(self.nursery, machine, count=24, after="unlink")
        said = cuts.lost(self.nursery, machine, chosen, mutant=mutant)
        assert not said, said[0]

    def race(self, mutant: str) -> None:
        """Another program takes every first name in the last instant."""
        for across in (False, True):
            staged = self._grounds(Method.MOVE, across=across, batch=256).stage()
            assert self.nursery.run(staged.job(mutant=mutant, disturb="race")) == PLACED, "not all placed"
            check_nothing_lost(staged)
            racers = [path for path in staged.library.rglob("*.jpg") if path.read_bytes().startswith(RACER)]
            assert len(racers) == _FREE_NAMES, "OVERWRITTEN: a file of the racer is gone"
            assert set(staged.before) <= set(hashes(staged.library)), "not placed"

    def spoil(self, mutant: str) -> None:
        """The disk keeps another byte than it was given."""
        staged = self._grounds(Method.MOVE).stage()
        self.nursery.run(staged.job(mutant=mutant, disturb="spoil"))
        check_nothing_lost(staged)

    def edit(self, mutant: str) -> None:
        """A source is edited after it was copied."""
        staged = self._grounds(Method.MOVE).stage()
        self.nursery.run(staged.job(mutant=mutant, disturb="edit"))
        assert [picture_of(EDITED)] * staged.pictures == hashes(staged.crawl), "an edited source is gone"

    def swap(self, mutant: str) -> None:
        """A link to an equal file takes each source's place."""
        staged = self._grounds(Method.MOVE, across=False).stage()
        links = len(list(staged.crawl.rglob("*.jpg")))
        self.nursery.run(staged.job(mutant=mutant, disturb="swap"))
        assert links == len([path for path in staged.crawl.rglob("*.jpg") if path.is_symlink()]), "a link was taken"

    def no_sync(self, mutant: str) -> None:
        """No copy can be made durable: then no source may go."""
        staged = self._grounds(Method.MOVE).stage()
        self.nursery.run(staged.job(mutant=mutant, disturb="no sync"))
        assert staged.before == hashes(staged.crawl), "a source is gone whose copy is not durable"

    def order(self, mutant: str) -> None:
        """What is made durable, and in which order, in one batch of a move across disks."""
        staged = self._grounds(Method.MOVE, batch=256).stage()
        log = self.far / "order"
        options = ("-y", "-s", "400", "-o", str(log), "-e", f"trace={_ORDERING}")
        assert self.nursery.run(staged.job(mutant=mutant, strace=options)) == PLACED, "not all placed"
        lines = strace._whole(log.read_text(errors="replace").splitlines())
        calls = [match.groups() for line in lines if (match := _CALL.match(line))]

        def at(names: str, text: str) -> list[int]:
            return [at for at, (name, what) in enumerate(calls) if name in names.split() and text in what]

        placed, gone = at("renameat2", ".part"), at("unlink", f"{staged.crawl}/")
        assert [staged.pictures] * 2 == [len(placed), len(gone)], "other calls than these make a move"
        written = at("pwrite64", "-wal>")
        intent = [n for n in at("fdatasync fsync", "-wal>") if n < placed[0]]
        assert intent, "the intent is not durable"
        assert not [n for n in written if intent[-1] < n < placed[0]], "the intent is not durable"
        assert len([n for n in at("fsync", "/.illsort-") if n < placed[0]]) == staged.pictures, "a copy is not durable"
        for folder in (staged.library / "kind_a", staged.library / "kind_b"):
            assert [n for n in at("fsync", f"{folder}>") if placed[-1] < n < gone[0]], "a folder is not durable"
        trail = at("fsync", "moves.jsonl>")
        assert trail, "the trail is not durable"
        assert gone[-1] < trail[-1] < min(n for n in written if n > placed[-1]), "done too early"
