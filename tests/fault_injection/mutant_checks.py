"""The checks that must catch each mutant: plain runs, kills, races, bad hardware, call order, power cuts.

Each takes the name of a mutant ("" for the unchanged code), and raises AssertionError if it finds an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.records import Method
from fault_injection import power_cut, strace
from fault_injection.child_run import PLACED
from fault_injection.interference import EDITED, RACER
from fault_injection.invariants import check_finished, check_nothing_lost
from fault_injection.sweep import ScenarioFactory, kill_at_each, list_calls
from kit.filing import hashes, image_id_of

if TYPE_CHECKING:
    from pathlib import Path

    from fault_injection.fork_server import ForkServer

_ORDERING = "fsync,fdatasync,link,linkat,symlink,symlinkat,rename,renameat2,unlink,pwrite64"
_FREE_NAMES = 7  # four in each of two folders, and one is a person's
_CALL = re.compile(r"\d+\s+(\w+)\((.*)\)\s+=")


@dataclass(frozen=True, kw_only=True)
class MutantChecks:
    """Two disks and a fork server to run the mutants with."""

    fork_server: ForkServer
    near: Path
    """In memory; holds the crawls."""
    far: Path
    """Another disk."""

    def _scenarios(self, method: Method, *, across: bool = True, batch: int = 4) -> ScenarioFactory:
        return ScenarioFactory(
            libraries=self.far if across else self.near, crawls=self.near, method=method, batch=batch
        )

    def run(self, mutant: str) -> None:
        """A run without faults, where names are taken."""
        scenario = self._scenarios(Method.COPY, across=False).create()
        assert self.fork_server.run(scenario.job(mutant=mutant)) == PLACED, "not all placed"
        check_finished(scenario)

    def kill(self, mutant: str) -> None:
        """Killed at calls of a move across disks, until one loses something."""
        self._killed(mutant, self._scenarios(Method.MOVE))

    def kill_near(self, mutant: str) -> None:
        """Killed at calls of a move on one disk, until one loses something."""
        self._killed(mutant, self._scenarios(Method.MOVE, across=False))

    def _killed(self, mutant: str, scenarios: ScenarioFactory) -> None:
        found = list_calls(self.fork_server, scenarios, log=self.far / "log", mutant=mutant)
        # Every fifth first: most mutants are caught by those, whatever else a later version calls before.
        spread_out = [call for first in range(5) for call in found[first::5]]
        for _ in kill_at_each(self.fork_server, scenarios, spread_out, mutant=mutant):
            pass

    def cut(self, mutant: str) -> None:
        """The power is cut at 24 calls of a move across disks, and after each removal of a source."""
        machine = power_cut.build(self.near, method=Method.MOVE, across=True, batch=4)
        chosen = power_cut.calls_to_cut(self.fork_server, machine, count=24, after="unlink")
        failures = power_cut.lost(self.fork_server, machine, chosen, mutant=mutant)
        assert not failures, failures[0]

    def race(self, mutant: str) -> None:
        """Another program creates each target just before the rename."""
        for across in (False, True):
            scenario = self._scenarios(Method.MOVE, across=across, batch=256).create()
            assert self.fork_server.run(scenario.job(mutant=mutant, interfere="race")) == PLACED, "not all placed"
            check_nothing_lost(scenario)
            racers = [path for path in scenario.library.rglob("*.jpg") if path.read_bytes().startswith(RACER)]
            assert len(racers) == _FREE_NAMES, "OVERWRITTEN: a file of the racer is gone"
            assert set(scenario.before) <= set(hashes(scenario.library)), "not placed"

    def spoil(self, mutant: str) -> None:
        """The disk stores a wrong byte."""
        scenario = self._scenarios(Method.MOVE).create()
        self.fork_server.run(scenario.job(mutant=mutant, interfere="spoil"))
        check_nothing_lost(scenario)

    def edit(self, mutant: str) -> None:
        """A source is edited after it was copied."""
        scenario = self._scenarios(Method.MOVE).create()
        self.fork_server.run(scenario.job(mutant=mutant, interfere="edit"))
        assert [image_id_of(EDITED)] * scenario.pictures == hashes(scenario.crawl), "an edited source is gone"

    def swap(self, mutant: str) -> None:
        """Each source is replaced by a link to an equal file."""
        scenario = self._scenarios(Method.MOVE, across=False).create()
        links = len(list(scenario.crawl.rglob("*.jpg")))
        self.fork_server.run(scenario.job(mutant=mutant, interfere="swap"))
        assert links == len([path for path in scenario.crawl.rglob("*.jpg") if path.is_symlink()]), "a link was taken"

    def no_sync(self, mutant: str) -> None:
        """No copy can be synced, so no source may be removed."""
        scenario = self._scenarios(Method.MOVE).create()
        self.fork_server.run(scenario.job(mutant=mutant, interfere="no sync"))
        assert scenario.before == hashes(scenario.crawl), "a source is gone whose copy is not durable"

    def order(self, mutant: str) -> None:
        """The order of syncs and renames in one batch of a move across disks."""
        scenario = self._scenarios(Method.MOVE, batch=256).create()
        log = self.far / "order"
        options = ("-y", "-s", "400", "-o", str(log), "-e", f"trace={_ORDERING}")
        assert self.fork_server.run(scenario.job(mutant=mutant, strace=options)) == PLACED, "not all placed"
        lines = strace.join_calls(log.read_text(errors="replace").splitlines())
        calls = [match.groups() for line in lines if (match := _CALL.match(line))]

        def at(names: str, text: str) -> list[int]:
            return [at for at, (name, what) in enumerate(calls) if name in names.split() and text in what]

        placed, gone = at("renameat2", ".part"), at("unlink", f"{scenario.crawl}/")
        assert [scenario.pictures] * 2 == [len(placed), len(gone)], "other calls than these make a move"
        written = at("pwrite64", "-wal>")
        intent = [n for n in at("fdatasync fsync", "-wal>") if n < placed[0]]
        assert intent, "the intent is not durable"
        assert not [n for n in written if intent[-1] < n < placed[0]], "the intent is not durable"
        assert len([n for n in at("fsync", "/.illsort-") if n < placed[0]]) == scenario.pictures, (
            "a copy is not durable"
        )
        for folder in (scenario.library / "kind_a", scenario.library / "kind_b"):
            assert [n for n in at("fsync", f"{folder}>") if placed[-1] < n < gone[0]], "a folder is not durable"
        log_synced = at("fsync", "moves.jsonl>")
        assert log_synced, "the move log is not durable"
        assert gone[-1] < log_synced[-1] < min(n for n in written if n > placed[-1]), "done too early"
