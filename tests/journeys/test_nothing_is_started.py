"""Whatever a picture contains, reading it starts no program, opens no connection and stays within its memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fault_injection.strace import unavailable_reason
from kit.pictures import COLORS, encoded, varied

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
HARMFUL = [DATA / "hostile", DATA / "odd"]
CALLS = "execve,execveat,socket,connect,bind,sendto"
WORKERS = 2
GIGABYTES = 0.75
# What ctypes asks where a library is, while torch and its kin are imported.
IMPORTING = {"ldconfig", "gcc", "cc", "ld", "objdump"}
PROGRAM = f"""
    import json, sys
    from collections import Counter
    from pathlib import Path
    from classifier.inference.device import choose_runtime
    from classifier.inference.process import tune_malloc
    from classifier.inference.reader import Limits
    from classifier.inference.pipeline import InferenceFailure
    from classifier.model.transforms import EvalTransform
    from kit import readers
    from kit.pictures import COLORS
    from kit.reading import infer

    if __name__ == "__main__":
        tune_malloc()
        name, log, *folders = sys.argv[1:]
        transform = EvalTransform(image_size=224)
        reader = getattr(readers, name)(transform=transform, max_megapixels=64, log=Path(log))
        paths = sorted(path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
        network = readers.MeanColor(list(COLORS.values())).eval()
        runtime = choose_runtime(device="cpu", workers={WORKERS}, batch_size=32)
        limits = Limits(deadline_s=120, worker_gigabytes={GIGABYTES})
        answers = infer(paths, network, reader, runtime, limits=limits)
        kinds = Counter(one.failure.kind if isinstance(one, InferenceFailure) else "read" for one in answers)
        print(json.dumps(dict(files=len(paths), kinds=kinds, bytes=readers.growth(Path(log)))))
"""
# The names in Python's own channel between processes, by which workers hand over their batches.
_RANDOM = re.compile(r"(?<=/pymp-)\w+|(?<=/listener-)\w+|^/.*(?=/pymp-)")


@dataclass(frozen=True, kw_only=True)
class Traced:
    """What a run of the program said at its end, the programs that were started or tried, and its sockets."""

    said: dict[str, Any]
    programs: Counter[str]
    sockets: frozenset[tuple[str, str, str]]


def traced(reader: str, folders: list[Path], *, log: Path) -> Traced:
    """Read all in `folders` under watch; a socket is a call, a family where the call names one, and its address."""
    places = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    watch = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "200", "-o", str(log), "-e", f"trace={CALLS}"]
    program = [sys.executable, "-c", textwrap.dedent(PROGRAM), reader, str(log.with_suffix(".weights"))]
    done = subprocess.run(
        [*watch, *program, *map(str, folders)],
        env={**os.environ, "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    programs: Counter[str] = Counter()
    sockets = set()
    for line in log.read_text(errors="replace").splitlines():
        if (match := re.match(r"\d+\s+(\w+)\((.*)", line)) is None:
            continue  # a signal, an end, or the second half of a call that was counted by its first
        call, rest = match.groups()
        quoted = re.search(r'"([^"]*)"', rest)
        if call.startswith("execve"):
            programs[quoted.group(1) if quoted else rest] += 1
        else:
            family = re.search(r"AF_\w+", rest)
            address = re.search(r'sun_path=@?"([^"]*)"', rest)
            sockets.add((call, family.group() if family else "", _RANDOM.sub("*", address.group(1)) if address else ""))
    return Traced(said=json.loads(done.stdout), programs=programs, sockets=frozenset(sockets))


def drawn(folder: Path) -> Path:
    """Three dozen ordinary pictures."""
    folder.mkdir()
    for number in range(36):
        name = ["PNG", "JPEG"][number % 2]
        image = varied(list(COLORS.values())[number % len(COLORS)], seed=number)
        (folder / f"{number}.{name.lower()}").write_bytes(encoded(image, name))
    return folder


def disguised(folder: Path) -> Path:
    """A program for Ghostscript that is named like a photograph."""
    folder.mkdir()
    (folder / "photograph.jpg").write_bytes(encoded(varied(COLORS["red"], seed=0), "EPS"))
    return folder


def families(sockets: frozenset[tuple[str, str, str]]) -> set[str]:
    """The families named, each once."""
    return {family for _, family, _ in sockets if family}


pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not all(folder.is_dir() for folder in HARMFUL), reason="the real pictures are not here"),
]


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """A run over ordinary pictures."""
    if reason := unavailable_reason():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("harmless")
    return traced("Weighed", [drawn(folder / "drawn")], log=folder / "log")


@pytest.fixture(scope="module")
def harmful(harmless: Traced, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """A run over all that there is of pictures made to harm, or merely odd; after the `harmless` one."""
    assert harmless.said
    folder = tmp_path_factory.mktemp("harmful")
    return traced("Weighed", [*HARMFUL, disguised(folder / "disguised")], log=folder / "log")


def test_the_watch_sees_what_a_careless_reader_does(tmp_path: Path) -> None:
    if reason := unavailable_reason():
        pytest.skip(reason)
    seen = traced("Careless", [disguised(tmp_path / "disguised")], log=tmp_path / "log")

    assert "gs" in {Path(program).name for program in seen.programs}
    assert {("socket", "AF_INET", ""), ("connect", "AF_INET", "")} <= seen.sockets


def test_ordinary_pictures_are_all_read_by_one_program_that_calls_nobody(harmless: Traced) -> None:
    assert {"read": 36} == harmless.said["kinds"]
    assert 1 == harmless.programs[sys.executable]
    assert set() == {Path(program).name for program in harmless.programs} - {Path(sys.executable).name, *IMPORTING}
    assert families(harmless.sockets) <= {"AF_UNIX"}


def test_no_picture_starts_a_program_or_opens_a_connection(harmless: Traced, harmful: Traced) -> None:
    assert harmful.said["files"] == sum(harmful.said["kinds"].values()) > 4000
    assert harmful.said["kinds"]["read"] > 2000
    assert harmful.said["kinds"]["corrupt"] > 500
    assert harmless.programs == harmful.programs
    assert harmless.sockets >= harmful.sockets


def test_no_reading_process_takes_more_memory_than_it_may(harmful: Traced) -> None:
    assert 0 < harmful.said["bytes"] <= GIGABYTES * 1e9
    assert "memory" not in harmful.said["kinds"]
