"""Measures `illsort predict`: the same bytes however it runs, also while processes are killed; what a part costs.

`python scripts/bench_parts.py` draws 20,000 pictures of 128 pixels once and answers them in 20 parts: here, in 1 to 3
processes, by Ray with 4 logical cores; then in 3 processes and by Ray, of which each second one is drawn and killed if
it is at a part, with the same command again until no part is left. `--pictures 2000` is a quick run. The network is the
smallest of timm, so that what is measured is all but the network.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from classifier.parts import predict as predict_module
from classifier.parts.predict import Where, predict_parts
from classifier.progress import SilentProgress
from classifier.settings import Settings
from kit.bundles import color_bundle
from kit.listings import listed, rows_of
from kit.pictures import COLORS, encoded, varied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_RUNS = 50
_RAY = {"include_dashboard": False, "object_store_memory": 150_000_000, "log_to_driver": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where everything lies, and the settings of all runs."""

    folder: Path
    parts: str
    pictures: int
    settings: Settings

    def run(self, name: str, where: Where) -> tuple[float, int]:
        """Answer all parts into a folder of this name; seconds, and how many commands it took."""
        began = time.monotonic()
        for runs in range(1, _MOST_RUNS + 1):
            done = predict_parts(
                self.parts,
                model=self.folder / "model",
                answers=str(self.folder / name),
                settings=self.settings,
                embeddings=True,
                where=where,
                progress=SilentProgress(),
            )
            if not done.outcome.failed:
                return time.monotonic() - began, runs
        raise SystemExit(f"{name}: {len(done.outcome.failed)} parts failed: {done.outcome.failed[0].why}")

    def hashes(self, name: str) -> dict[str, str]:
        """The whole files of a run."""
        files = sorted((self.folder / name).glob("[!.]*"))
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def draw(folder: Path, count: int, size: int) -> list[str]:
    """Draw what is not there yet; returns the names."""
    colors = list(COLORS.values())[:3]
    names = [f"{number // 1000:03}/{number:06}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(varied(colors[number % 3], seed=number, size=(size, size)), "JPEG"))
    return names


@contextmanager
def killer(victims: Callable[[], list[int]], kill: Callable[[int], None], *, of: int) -> Iterator[list[int]]:
    """Draw one `of` so many workers each second and kill it if it is a victim; yields the list of those killed."""
    ended, killed, rng = threading.Event(), list[int](), random.Random(0)

    def go() -> None:
        while not ended.wait(1.0):
            found, drawn = victims(), rng.randrange(of)
            if drawn < len(found):
                victim = found[drawn]
                kill(victim)
                killed.append(victim)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


class Working:
    """The workers that were given a part, and how one is killed; the last that were made."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._made: Any = None
        self._given: set[int] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have `predict_parts` make workers that are known here."""
        real, mine = getattr(predict_module, self._kind), self

        class Watched(real):  # type: ignore[misc]
            def __enter__(self) -> Any:
                mine._made, mine._given = self, set()
                return super().__enter__()

            def give(self, worker: int, part: int) -> None:
                super().give(worker, part)
                mine._given.add(worker)

            def stop(self, worker: int) -> None:
                mine._given.discard(worker)
                super().stop(worker)

        setattr(predict_module, self._kind, Watched)
        try:
            yield
        finally:
            setattr(predict_module, self._kind, real)

    def victims(self) -> list[int]:
        """Those that are at a part."""
        return sorted(self._given)

    def kill(self, worker: int) -> None:
        """Kill one, if it is still there."""
        self._given.discard(worker)
        if self._kind == "ProcessWorkers":
            with suppress(LookupError, ProcessLookupError, RuntimeError):  # it ends, or others do meanwhile
                os.kill(self._made.pids[worker], signal.SIGKILL)
        elif worker in self._made._actors:  # noqa: SLF001 - its victims
            import ray  # noqa: PLC0415 - only where it is measured

            ray.kill(self._made._actors[worker].handle)  # noqa: SLF001


def with_killer(bench: Bench, name: str, kind: str, where: Where) -> str:
    """A run of which each second one of three is drawn, and killed if it is there and at a part."""
    working = Working(kind)
    with working.watched(), killer(working.victims, working.kill, of=3) as killed:
        seconds, runs = bench.run(name, where)
    return f"{seconds:.1f} s, {len(killed)} killed, {runs} runs of the command"


def main() -> None:
    """Run all and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--parts", type=int, default=20)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--folder", type=Path, help="kept, so that pictures are drawn once")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--no-killer", action="store_true")
    parser.add_argument("--only-killer", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        _measure(given, given.folder or Path(temporary))


def _measure(given: argparse.Namespace, folder: Path) -> None:
    crawl = folder / "crawl"
    rows = rows_of(crawl, dict.fromkeys(draw(crawl, given.pictures, given.size)))
    parts = listed(folder / "parts", crawl, rows, part_size=-(-given.pictures // given.parts))
    color_bundle(folder / "model", novelty=True, combined=True, labeled=True)
    bench = Bench(folder=folder, parts=parts, pictures=given.pictures, settings=Settings())
    once, _ = bench.run("here", Where())
    expected = bench.hashes("here")
    _say(bench, "here", once, expected)
    for count in () if given.only_killer else (1, 2, 3):
        seconds, _ = bench.run(f"processes {count}", Where(processes=count))
        _say(bench, f"processes {count}", seconds, expected)
    if not given.only_killer:
        _overhead(bench, given, crawl, rows)
    if not given.no_killer:
        done = with_killer(bench, "killed", "ProcessWorkers", Where(processes=3))
        print("killed each second, processes 3:", done, flush=True)
        print("  equal" if bench.hashes("killed") == expected else "  DIFFERENT")
    if not given.no_ray:
        _ray(bench, expected, is_killed=not given.no_killer)


def _say(bench: Bench, name: str, seconds: float, expected: dict[str, str]) -> None:
    is_equal = "equal" if bench.hashes(name) == expected else "DIFFERENT"
    print(f"{name}: {seconds:.1f} s, {bench.pictures / seconds:.0f} pictures/s, {is_equal}", flush=True)


def _overhead(bench: Bench, given: argparse.Namespace, crawl: Path, rows: list[Any]) -> None:
    """One part in place of many, and the same again with all answered."""
    one = listed(bench.folder / "one part", crawl, rows, part_size=given.pictures)
    whole = Bench(folder=bench.folder, parts=one, pictures=given.pictures, settings=bench.settings)
    seconds, _ = whole.run("one", Where())
    print(f"here in one part: {seconds:.1f} s", flush=True)
    again, _ = bench.run("here", Where())
    print(f"here, all answered before: {again:.2f} s", flush=True)


def _ray(bench: Bench, expected: dict[str, str], *, is_killed: bool) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray  # noqa: PLC0415 - only where it is measured

    ray.init(num_cpus=4, **_RAY)
    seconds, _ = bench.run("ray", Where(ray=""))
    _say(bench, "ray", seconds, expected)
    if is_killed:
        done = with_killer(bench, "ray killed", "RayWorkers", Where(ray=""))
        print("killed each second, ray:", done, flush=True)
        print("  equal" if bench.hashes("ray killed") == expected else "  DIFFERENT")
    ray.shutdown()


if __name__ == "__main__":
    main()
