"""How fast a network runs on the CPU by torch and by ONNX Runtime, alone and within `sort`, in turn.

    python scripts/bench_engine.py [--threads 1 2] [--batches 4 32] [--pictures 600] [--rounds 2] [--bundle FOLDER]

Alone: pictures a second of forward passes over drawn pixels, torch with its weights as `sort` has them. Within `sort`:
wall and CPU seconds over pictures of ../shared/data/kinds, the export made before; process start included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from bench_real import DATA, link
from bench_speed import train_head
from timing import timed

from classifier.inference import device
from classifier.inference.device import choose_runtime
from classifier.inference.forward import Engine, TorchEngine
from classifier.inference.onnx_engine import OnnxEngine, compare
from classifier.inference.onnx_export import export_onnx
from classifier.inference.process import tune_malloc
from classifier.model.bundle import open_bundle
from classifier.model.trained import load_network

SECONDS = 4.0


def main() -> None:
    """Both parts, in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 32])
    parser.add_argument("--pictures", type=int, default=600, help="0: no sorts")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bundle", type=Path, help="a bundle; by default one is trained (head only)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="illsort-bench-", dir=args.data.parent.parent) as folder:
        bundle = args.bundle or train_head(args.data / "kinds", Path(folder) / "bundle")
        alone(args, bundle)
        if args.pictures:
            within_sort(args, bundle, Path(folder))


def alone(args: argparse.Namespace, bundle: Path) -> None:
    """Forward passes with statistics, as a sort that tells unknown pictures makes them."""
    tune_malloc()
    network = load_network(open_bundle(bundle))
    started = time.monotonic()
    model = export_onnx(network, stats=True)
    print(f"export: {time.monotonic() - started:.1f} s, {len(model) / 1e6:.1f} MB")
    pixels = torch.randint(0, 256, (max(args.batches), 3, network.image_size, network.image_size), dtype=torch.uint8)
    for threads in args.threads:
        torch.set_num_threads(threads)
        for batch in args.batches:
            vars(device)["PIXELS_AT_ONCE"] = 2**40  # all of a batch together, to compare sizes
            runtime = choose_runtime(device="cpu", batch_size=batch, training=False)
            started = time.monotonic()
            engines: dict[str, Engine] = {"onnx": OnnxEngine(model, threads=threads)}
            opened = time.monotonic() - started
            engines["torch"] = TorchEngine(network, runtime, stats=True)
            found = compare(engines["onnx"], engines["torch"], pixels[:batch])
            rates: dict[str, list[tuple[float, float]]] = {"torch": [], "onnx": []}
            for name in ("torch", "onnx") * args.rounds:
                rates[name].append(rate(engines[name], pixels[:batch]))
            print(f"{threads} thread(s), batch {batch}: opened in {opened:.2f} s, difference {found.difference:.1e}")
            for name, several in rates.items():
                wall, cpu = (statistics.median(column) for column in zip(*several, strict=True))
                print(f"  {name}: {wall:.1f} pictures/s, {1000 * cpu:.1f} CPU ms a picture", flush=True)


def rate(engine: Engine, pixels: torch.Tensor) -> tuple[float, float]:
    """Pictures a second and CPU seconds a picture, after one batch that is not counted."""
    engine.launch(pixels)()
    started, before, count = time.monotonic(), time.process_time(), 0
    while time.monotonic() - started < SECONDS:
        engine.launch(pixels)()
        count += len(pixels)
    return count / (time.monotonic() - started), (time.process_time() - before) / count


def within_sort(args: argparse.Namespace, bundle: Path, work: Path) -> None:
    """`illsort sort` with each engine in turn; the first ONNX run, which exports, is listed by itself."""
    files = sorted(file for file in (args.data / "kinds").glob("*/*") if file.is_file())
    for file in files[:: max(1, len(files) // args.pictures)][: args.pictures]:
        folder = work / "crawl" / file.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        link(file, folder / file.name)
    os.environ["XDG_CACHE_HOME"] = str(work / "cache")
    for number, engine in enumerate(["onnx", *("torch", "onnx") * args.rounds]):
        library = work / f"sorted-{number}"
        where = [str(work / "crawl"), "--model", str(bundle), "--out", str(library)]
        wall, cpu = timed(sys.executable, "-m", "classifier", "sort", *where, "--engine", engine)
        first = " (makes the export)" if number == 0 else ""
        print(f"sort --engine {engine}{first}: wall {wall:.1f} s, CPU {cpu:.1f} s", flush=True)
    listings = {frozenset(filed(work / f"sorted-{number}")) for number in range(2 * args.rounds + 1)}
    print(f"different results among these sorts: {len(listings) - 1}")


def filed(library: Path) -> list[str]:
    """Every picture of a library, with its folder."""
    return [path.relative_to(library).as_posix() for path in library.rglob("*") if ".illsort" not in path.parts]


if __name__ == "__main__":
    main()
