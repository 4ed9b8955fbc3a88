"""How fast `sort` is, side by side with a plain DataLoader loop, timm's loader and fastai's get_preds.

    python scripts/bench_speed.py [--pictures 400] [--rounds 2] [--workers 1] [--fastai PYTHON]

All predict one drawn crawl (60% JPEG, 30% PNG, 10% WebP, 1 to 9 megapixels) with the same weights, image size, batch
size and workers, in turn; `sort` also hashes, decides and files. Process start is included. What one more picture
takes is the difference to a tenth of the crawl. The limit is what the cores could do if they did nothing but read and
run the network, each measured alone in one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from drawing import guesses, link
from drawn_crawl import draw_crawl, draw_labels
from timing import timed

from classifier.inference.device import choose_runtime
from classifier.inference.forward import Engine, TorchEngine
from classifier.inference.onnx_engine import OnnxEngine
from classifier.inference.onnx_export import export_onnx
from classifier.inference.process import tune_malloc
from classifier.inference.reader import Read, Reader
from classifier.model.bundle import open_bundle
from classifier.model.trained import load_network
from classifier.model.transforms import transform_of

RIVALS = Path(__file__).with_name("speed_rivals.py")
ENGINES = ("onnx", "torch")
BATCH = 32

Times = dict[str, list[tuple[float, float]]]
"""Wall and CPU seconds of each run, by what ran."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where everything lies."""

    work: Path
    bundle: Path
    workers: int
    fastai: Path | None

    def run(self, what: str, crawl: Path, turn: str) -> tuple[float, float]:
        """Wall and CPU seconds of predicting `crawl` once; leaves what it answered."""
        if what in ENGINES:
            words = ["-m", "classifier", "sort", crawl, "--model", self.bundle, "--out", self.library(what, turn)]
            words += ["--engine", what, "--workers", self.workers, "--batch-size", BATCH]
            return timed(sys.executable, *map(str, words))
        python = self.fastai if what == "fastai" else sys.executable
        return timed(*map(str, [python, RIVALS, what, crawl, self.bundle, self.workers, self.answers(what)]))

    def library(self, engine: str, turn: str) -> Path:
        """Where a sort of this turn files."""
        return self.work / f"sorted-{engine}-{turn}"

    def answers(self, rival: str) -> Path:
        """The best category of each file, as JSON."""
        return self.work / f"{rival}.json"


def main() -> None:
    """Draw, train, take turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--bundle", type=Path, help="a bundle; by default one learns from drawn pictures (head only)")
    parser.add_argument("--fastai", type=Path, help="a Python that has fastai; left out without")
    parser.add_argument("--folder", type=Path, help="where the pictures are drawn; about a gigabyte for 400")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="illsort-bench-", dir=args.folder) as folder:
        work = Path(folder)
        os.environ["XDG_CACHE_HOME"] = str(work / "cache")
        bundle = args.bundle or train_on_drawn(work)
        crawls = {"whole": work / "crawl", "tenth": work / "tenth"}
        draw_crawl(crawls["whole"], args.pictures)
        link_tenth(crawls["whole"], crawls["tenth"])
        compare(Bench(work=work, bundle=bundle, workers=args.workers, fastai=args.fastai), crawls, args.rounds)


def train_on_drawn(work: Path) -> Path:
    """A bundle of the embedded backbone; its speed does not depend on what it learned."""
    draw_labels(work / "labels", 20)
    return train_head(work / "labels", work / "bundle")


def train_head(labels: Path, bundle: Path, *more: str) -> Path:
    """A bundle whose head learned from these folders; `more` are settings."""
    settings = [f"labels.folder={labels}", f"model.folder={bundle}", "train.recipe=head", *more]
    timed(sys.executable, "-m", "classifier", "train", *(word for one in settings for word in ("--set", one)))
    return bundle


def link_tenth(crawl: Path, tenth: Path) -> None:
    """Every tenth picture, each format as often as in the whole."""
    for number, file in enumerate(sorted(crawl.glob("*/*"), key=lambda file: file.name)):
        if number // 10 % 10 == 0:
            target = tenth / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            link(file, target)


def compare(bench: Bench, crawls: dict[str, Path], rounds: int) -> None:
    """A B C ... A B C ..., then the figures."""
    names = [*ENGINES, "plain", "timm", *(["fastai"] if bench.fastai else [])]
    bench.run("onnx", crawls["tenth"], "first")  # makes the export, which is kept
    times: dict[str, Times] = {crawl: {name: [] for name in names} for crawl in crawls}
    for turn in range(rounds):
        for name in names:
            for size in ("tenth", "whole"):
                times[size][name].append(bench.run(name, crawls[size], f"{size}-{turn}"))
                wall, cpu = times[size][name][-1]
                print(f"turn {turn + 1}, {name}, {size}: wall {wall:.1f} s, CPU {cpu:.1f} s", flush=True)
    counts = {size: sum(1 for _ in crawl.glob("*/*")) for size, crawl in crawls.items()}
    middle = {size: {name: medians(runs) for name, runs in of.items()} for size, of in times.items()}
    report(bench, middle, counts)
    print_limits(bench, crawls["whole"], {name: middle["whole"][name][0] for name in ENGINES}, counts["whole"])


def medians(runs: list[tuple[float, float]]) -> tuple[float, float]:
    """Of wall and of CPU seconds."""
    return median(wall for wall, _ in runs), median(cpu for _, cpu in runs)


def report(bench: Bench, middle: dict[str, dict[str, tuple[float, float]]], counts: dict[str, int]) -> None:
    """CPU and wall of each, the ratio of sort to each rival, and how often the best category is the same."""
    whole, more = middle["whole"], counts["whole"] - counts["tenth"]
    next_one = {name: (whole[name][1] - middle["tenth"][name][1]) / more for name in whole}
    for name, (wall, cpu) in whole.items():
        print(f"{name}: {counts['whole'] / wall:.1f} pictures/s, CPU {cpu:.1f} s, {1000 * next_one[name]:.1f} ms more")
    for engine in ENGINES:
        found = guesses(bench.library(engine, "whole-0"))
        for rival in whole.keys() - set(ENGINES):
            expected = json.loads(bench.answers(rival).read_text(encoding="utf-8"))
            same = sum(found[name] == expected[name] for name in expected) / len(expected)
            ratios = (
                f"CPU {whole[engine][1] / whole[rival][1]:.2f}, of one more {next_one[engine] / next_one[rival]:.2f}"
            )
            print(f"{engine} / {rival}: {ratios}, wall {whole[engine][0] / whole[rival][0]:.2f}; same {same:.1%}")


def print_limits(bench: Bench, crawl: Path, walls: dict[str, float], count: int) -> None:
    """The share of what is possible that each engine's sort reaches, process start included."""
    tune_malloc()
    torch.set_num_threads(1)
    opened = open_bundle(bench.bundle)
    reader = Reader(transform=transform_of(opened.manifest), max_megapixels=64)
    started, read = time.process_time(), [reader.read(path) for path in sorted(crawl.glob("*/*"))]
    seconds = {"reading": (time.process_time() - started) / count}
    pixels = torch.stack([one.pixels for one in read if isinstance(one, Read)][:BATCH])
    network = load_network(opened)
    runtime = choose_runtime(device="cpu", batch_size=BATCH, training=False)
    engines: dict[str, Engine] = {
        "onnx": OnnxEngine(export_onnx(network, stats=True), threads=1),
        "torch": TorchEngine(network, runtime, stats=True),
    }
    for name, engine in engines.items():
        seconds[name] = forward_seconds(engine, pixels)
    print(", ".join(f"{name} {1000 * value:.1f} CPU ms" for name, value in seconds.items()), "a picture, alone")
    for name in ENGINES:
        limit = (os.cpu_count() or 1) / (seconds["reading"] + seconds[name])
        print(f"{name}: {count / walls[name]:.1f} of {limit:.1f} pictures/s, {count / walls[name] / limit:.2f}")


def forward_seconds(engine: Engine, pixels: torch.Tensor, *, times: int = 8) -> float:
    """CPU seconds a picture, after one batch that is not counted."""
    engine.launch(pixels)()
    started = time.process_time()
    for _ in range(times):
        engine.launch(pixels)()
    return (time.process_time() - started) / (times * len(pixels))


if __name__ == "__main__":
    main()
