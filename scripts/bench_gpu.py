"""What a GPU does: sorting, a batch's time, number types, training within 8 and 12 GB, several, killed workers.

    python scripts/bench_gpu.py                        on an NVIDIA GPU, under ten minutes, without network
    python scripts/bench_gpu.py --device cpu --quick   the same way through on a CPU, with small numbers
    python scripts/bench_gpu.py --compute              memory that training needs, computed; no GPU

Prints Markdown tables, and last a JSON line for each row. Pictures are drawn; the large networks have random weights.
Filing is a hard link for each picture. How busy the GPU is, is the time between events on its stream. Of several equal
GPUs one is measured, and all of them against it; on a CPU, the CPU twice stands for two.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from gpu_marks import Marked, Marks
from gpu_peaks import CONTEXT_GIB, LEFT_FREE_GIB
from gpu_peaks import rows as computed_rows
from gpu_plan import CATEGORIES, LARGE, QUICK, Plan
from torch import Tensor

from classifier.demo.draw import KINDS, draw
from classifier.images.hashing import hash_bytes
from classifier.inference.device import Runtime, choose_runtime
from classifier.inference.forward import TorchEngine
from classifier.inference.loader import stream
from classifier.inference.pipeline import InferenceFailure, infer, infer_with, open_pool
from classifier.inference.placing import place
from classifier.inference.process import tune_malloc
from classifier.inference.reader import Limits, Reader
from classifier.inference.worker_pool import WorkerPool
from classifier.model.backbone import Network
from classifier.model.transforms import EvalTransform
from classifier.progress import SilentProgress
from classifier.records import Example, Label
from classifier.settings import TrainSettings
from classifier.training.augment import Augment
from classifier.training.context import Hyperparameters
from classifier.training.dataset import TrainingImages
from classifier.training.loop import finetune
from classifier.training.micro_batches import MicroBatches

LIMITS = Limits(deadline_s=60, worker_gigabytes=0)
GIB = 2**30
SINGLES = 16
NOT_TORCHS_GIB = LEFT_FREE_GIB + CONTEXT_GIB
"""What of a card of that size torch would not get: a cap on a large card stands in for a small one."""
Row = dict[str, Any]


class Bench:
    """Pictures on disk, and what was measured of them."""

    def __init__(self, folder: Path, plan: Plan, device: str | None, minutes: float) -> None:
        self.folder, self.plan, self.device = folder, plan, device
        self.end = time.monotonic() + 60 * minutes
        self.rows: list[tuple[str, Row]] = []
        self.paths: list[Path] = []
        for number in range(plan.pictures):
            kind = list(KINDS)[number % len(KINDS)]
            self.paths.append(folder / f"{number}.{('jpg', 'png', 'webp')[number % 3]}")
            draw(kind, number).save(self.paths[-1])

    def run(self) -> None:
        """All sections, each while there is time."""
        for title, section in (
            ("Sorting, by workers", self.sorting),
            ("Number types, and one picture at a time", self.numbers),
            ("Several GPUs against one", self.several),  # before a cap on the memory of the first
            ("Training", self.training),
            ("Workers that are killed", self.kills),
        ):
            self.table(title, section())

    def table(self, title: str, rows: Iterator[Row] | Sequence[Row]) -> None:
        """Print rows as they come, as long as there is time."""
        print(f"\n## {title}\n", flush=True)
        heads: list[str] = []
        for row in rows:
            if list(row) != heads:
                heads = list(row)
                print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
            print(f"| {' | '.join(str(value) for value in row.values())} |", flush=True)
            self.rows.append((title, row))
            if time.monotonic() > self.end:
                print("\nTime is up; the rest of this section is left out.", flush=True)
                return

    def runtime(self, workers: int, *, training: bool = False) -> Runtime:
        """What a sort or a training would choose, on the first device alone."""
        return replace(choose_runtime(device=self.device, workers=workers, training=training), others=())

    def reader(self, network: Network) -> Reader:
        """As a sort reads."""
        return Reader(transform=EvalTransform(image_size=network.image_size), max_megapixels=64)

    def sorting(self) -> Iterator[Row]:
        """Pictures a second from start to last link, and where the time went."""
        for name, make in self.plan.networks.items():
            runtime = self.runtime(0)
            network = place(make(), runtime)
            self.pixels_of(network)  # warm: algorithms are chosen, the files are cached
            for workers in self.plan.workers:
                yield self.sorted_by(name, network, self.runtime(workers))

    def sorted_by(self, name: str, network: Network, runtime: Runtime) -> Row:
        """One way through all pictures."""
        marks = Marks(runtime.device)
        engine = Marked(network, runtime, marks)
        started = first = time.monotonic()
        filing = 0.0
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as library,
            open_pool(runtime, LIMITS, SilentProgress()) as pool,
        ):
            results = infer_with(engine, self.paths, self.reader(network), runtime, pool=pool)
            for count, result in enumerate(results):
                first = time.monotonic() if count == 0 else first
                began = time.monotonic()
                os.link(self.paths[result.key], Path(library, str(result.key)))
                filing += time.monotonic() - began
        seconds, spent = time.monotonic() - started, marks.seconds()
        batches = -(-len(self.paths) // runtime.batch_size)
        milliseconds = {f"{part}, ms a batch": round(1000 * value / batches, 1) for part, value in spent.items()}
        return {
            "network": name,
            "workers": runtime.workers,
            "pictures/s": round(len(self.paths) / seconds, 1),
            "after the first": round((len(self.paths) - 1) / (seconds - (first - started)), 1),
            "device busy": f"{sum(spent.values()) / seconds:.0%}",
            "wait for reading, ms a batch": round(1000 * pool.watch.waited["read"] / batches, 1),
            **milliseconds,
            "filing, ms a batch": round(1000 * filing / batches, 1),
        }

    def pixels_of(self, network: Network) -> list[Tensor]:
        """Read pictures, and run the network once."""
        with WorkerPool(LIMITS, workers=0) as pool:
            batches = stream(self.paths[: self.plan.compared], self.reader(network), pool, batch_size=64)
            pixels = [batch.pixels for batch in batches]
        self.logits(network, self.runtime(0), pixels[:1])
        return pixels

    def logits(self, network: Network, runtime: Runtime, batches: Sequence[Tensor]) -> np.ndarray:
        """Logits of all, in order."""
        engine = TorchEngine(network, runtime, stats=False)
        return np.concatenate([engine.launch(pixels)()[1] for pixels in batches])

    def numbers(self) -> Iterator[Row]:
        """Each number type against float32, and one picture at a time against many."""
        for name, make in self.plan.networks.items():
            exact = replace(self.runtime(0), amp=False, dtype=torch.float32)
            torch.backends.cudnn.allow_tf32 = False  # convolutions are else not quite float32
            network = place(make(), exact)
            pixels = self.pixels_of(network)
            plain = self.logits(network, exact, pixels)
            singles = [one for batch in pixels for one in torch.split(batch, 1)][:SINGLES]
            yield compared(name, "float32, batch of 1", plain[:SINGLES], self.logits(network, exact, singles))
            for dtype in (torch.float16, torch.bfloat16):
                half = replace(exact, amp=True, dtype=dtype)
                found = self.logits(network, half, pixels)
                kind = str(dtype).removeprefix("torch.")
                yield compared(name, kind, plain, found)
                alone = self.logits(network, half, singles)
                yield compared(name, f"{kind}, batch of 1 against many", found[:SINGLES], alone)

    def training(self) -> Iterator[Row]:
        """Pictures a second and the peak within a cap, once the size of parts is found."""
        for name in self.plan.trained:
            for card in self.plan.cards_gib:
                yield self.trained(name, card)

    def trained(self, name: str, card_gib: int) -> Row:
        """Two epochs: the first finds how much fits, the second is timed."""
        runtime = self.runtime(8, training=True)
        is_cuda = runtime.device.type == "cuda"
        torch.backends.cudnn.allow_tf32 = True
        gc.collect()  # what the last network left
        if is_cuda:
            torch.cuda.empty_cache()
            total = torch.cuda.mem_get_info()[1]
            torch.cuda.set_per_process_memory_fraction(min(1.0, (card_gib - NOT_TORCHS_GIB) * GIB / total))
        cap = card_gib - NOT_TORCHS_GIB if is_cuda else "none"
        row: Row = {"network": name, "card, GiB": card_gib, "cap, GiB": cap, "batch": self.plan.training_batch}
        try:
            found = self.finetuned(self.plan.networks[name](), runtime)
        except Exception as error:  # noqa: BLE001 - what does not fit is a result
            found = {"pictures at a time": f"{type(error).__name__}: {str(error)[:80]}"}
        if is_cuda:
            found["peak allocated, GiB"] = round(torch.cuda.max_memory_allocated() / GIB, 2)
            found["peak reserved, GiB"] = round(torch.cuda.max_memory_reserved() / GIB, 2)
        return row | found

    def finetuned(self, network: Network, runtime: Runtime) -> Row:
        """Fine-tune by the package's own loop."""
        train = TrainSettings(epochs=2, batch_size=self.plan.training_batch)
        recipe = Hyperparameters.from_settings(train, image_size=network.image_size)
        parts = MicroBatches(runtime.device, most=recipe.batch_size, say=lambda _: None)
        images = self.images(network)
        seconds = []
        for _ in range(2):
            if runtime.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()  # tries that fail fill all there is
            started = time.monotonic()
            finetune(
                network,
                train=images,
                validation=TrainingImages((), np.empty((0, CATEGORIES)), prepare=lambda p: p, max_megapixels=64),
                recipe=recipe,
                stop_after=1,
                runtime=runtime,
                micro_batches=parts,
                name="training",  # type: ignore[arg-type]
                checkpoint=None,
                progress=SilentProgress(),
            )
            if runtime.device.type == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.monotonic() - started)
        return {
            "pictures at a time": min(parts.size, recipe.batch_size),
            "checkpointing": parts.is_checkpointing,
            "pictures/s": round(len(images) / seconds[1], 1),
        }

    def several(self) -> Iterator[Row]:
        """Pictures a second of one device, and of all equal ones."""
        others = choose_runtime(device=self.device).others
        first = self.runtime(max(self.plan.workers))
        if first.device.type == "cpu":
            others = (first.device,)
        if not others:
            print("No other GPU equal to the first is here: nothing to compare.")
            return
        for name, make in self.plan.networks.items():
            network = place(make(), first)
            for runtime in (first, replace(first, others=others)):
                yield self.shared(name, network, runtime)
        for name in self.plan.trained:
            for more in ((), others):
                runtime = replace(self.runtime(8, training=True), others=more)
                found = self.finetuned(self.plan.networks[name](), runtime)
                yield {"network": name, "devices": len(runtime.devices), "training, pictures/s": found["pictures/s"]}

    def shared(self, name: str, network: Network, runtime: Runtime) -> Row:
        """One way through all pictures, after one to warm up."""
        with open_pool(runtime, LIMITS, SilentProgress()) as pool:
            for _ in range(2):
                started = time.monotonic()
                done = sum(1 for _ in infer(self.paths, network, self.reader(network), runtime, pool=pool))
                seconds = time.monotonic() - started
        return {"network": name, "devices": len(runtime.devices), "sorting, pictures/s": round(done / seconds, 1)}

    def images(self, network: Network) -> TrainingImages:
        """Drawn pictures with categories in turn."""
        examples = [
            Example(label=Label(path=path, category=""), image_id=hash_bytes(path.name.encode()))
            for path in self.paths[: self.plan.training_pictures]
        ]
        targets = np.eye(CATEGORIES)[[number % CATEGORIES for number in range(len(examples))]]
        prepare = Augment(image_size=network.image_size, crop_min=0.35, seed=0).shrink
        return TrainingImages(examples, targets, prepare=prepare, max_megapixels=64)

    def kills(self) -> Iterator[Row]:
        """Kill a reading process again and again; every picture still gets its result, in order."""
        name, make = next(iter(self.plan.networks.items()))
        network, workers = make(), min(4, max(self.plan.workers))
        runtime = replace(self.runtime(workers), batch_size=16)
        network = place(network, runtime)
        expected = [path.name for path in self.paths]
        killed = runs = complete = failed = 0
        started = time.monotonic()
        with open_pool(runtime, LIMITS, SilentProgress()) as pool:
            while killed < self.plan.kills:
                names: list[str] = []
                for result in infer(self.paths, network, self.reader(network), runtime, pool=pool):
                    names.append(self.paths[result.key].name)
                    failed += isinstance(result, InferenceFailure)
                    if len(names) % 48 == 20 and killed < self.plan.kills:  # noqa: PLR2004 - within a batch, now and then
                        random.choice(multiprocessing.active_children()).kill()
                        killed += 1
                runs += 1
                complete += names == expected
        yield {
            "network": name,
            "workers": workers,
            "pinned": runtime.device.type == "cuda",
            "killed": killed,
            "complete and in order": f"{complete} of {runs} runs",
            "pictures that failed": failed,
            "seconds": round(time.monotonic() - started, 1),
        }


def compared(network: str, what: str, plain: np.ndarray, other: np.ndarray) -> Row:
    """How far logits are apart, in units of their own spread, and how often the first category is the same."""
    same = float((plain.argmax(axis=1) == other.argmax(axis=1)).mean())
    apart = float(np.abs(plain - other).max() / plain.std())
    return {
        "network": network,
        "numbers": what,
        "same top-1": f"{same:.4f}",
        "largest difference / spread": f"{apart:.1e}",
    }


def main() -> None:
    """Measure or compute, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="as of illsort sort; by default the best there is")
    parser.add_argument("--quick", action="store_true", help="small networks and numbers")
    parser.add_argument("--compute", action="store_true", help="compute what training needs, and measure nothing")
    parser.add_argument("--minutes", type=float, default=9.0, help="sections end after so long")
    given = parser.parse_args()
    tune_malloc()
    with tempfile.TemporaryDirectory() as folder:
        if given.compute:
            bench = Bench(Path(folder), replace(QUICK, pictures=0), "cpu", given.minutes)
            bench.table("Memory that training needs, computed", computed_rows())
        else:
            bench = Bench(Path(folder), QUICK if given.quick else LARGE, given.device, given.minutes)
            print(
                f"torch {torch.__version__}, timm {timm.__version__}, {os.cpu_count()} cores, {described(given.device)}"
            )
            bench.run()
    print()
    for title, row in bench.rows:
        print(json.dumps({"section": title} | row))


def described(device: str | None) -> str:
    """The device in words."""
    return str(choose_runtime(device=device).reasons[0])


if __name__ == "__main__":
    main()
