"""How fast `sort` is, side by side with a plain loop: torchvision ImageFolder, Pillow, DataLoader, the same network.

    python scripts/bench_speed.py [--pictures 1200] [--rounds 3]

Both read the same pictures of ../shared/data/kinds with the same network, image size, batch size and workers, in turn
(A B A B); the figure is the ratio of the medians. `sort` also hashes, decides and files; the plain loop only predicts.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_real import DATA, link

PLAIN = """
import sys, torch, timm
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Normalize, Resize, ToTensor, InterpolationMode
from PIL import Image
def load(path):
    return Image.open(path).convert("RGB")
if __name__ == "__main__":
    folder, bundle, size, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    model = timm.create_model("local-dir:" + bundle, pretrained=True).eval()
    steps = [Resize((size, size), InterpolationMode.BICUBIC), ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)]
    data = ImageFolder(folder, Compose(steps), loader=load)
    count = 0
    with torch.inference_mode():
        for images, _ in torch.utils.data.DataLoader(data, batch_size=32, num_workers=workers):
            count += len(model(images).softmax(1))
    print(count)
"""


def timed(*command: str) -> tuple[float, float]:
    """Wall and CPU seconds of a command, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Time both in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--pictures", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--bundle", type=Path, help="a bundle; by default one is trained (head only)")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="illsort-bench-", dir=args.data.parent.parent))
    try:
        compare(args, work)
    finally:
        shutil.rmtree(work)


def compare(args: argparse.Namespace, work: Path) -> None:
    """Lay out the crawl, train a bundle if none is given, then A B A B."""
    files = sorted(file for file in (args.data / "kinds").glob("*/*") if file.is_file())
    for file in files[:: max(1, len(files) // args.pictures)][: args.pictures]:
        folder = work / "crawl" / file.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        link(file, folder / file.name)
    bundle = args.bundle or train_head(args, work)
    plain = work / "plain.py"
    plain.write_text(PLAIN, encoding="utf-8")
    illsort = (sys.executable, "-m", "classifier", "sort", str(work / "crawl"), "--model", str(bundle))
    workers = str(args.workers)
    commands = {
        "plain": lambda _: (sys.executable, str(plain), str(work / "crawl"), str(bundle), "256", workers),
        "illsort": lambda n: (*illsort, "--out", str(work / f"sorted-{n}"), "--workers", workers),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(args.rounds):
        for name, command in commands.items():
            times[name].append(timed(*command(number)))
            print(
                f"round {number + 1} {name}: wall {times[name][-1][0]:.1f} s, CPU {times[name][-1][1]:.1f} s",
                flush=True,
            )
    wall, cpu = ({name: statistics.median(t[i] for t in times[name]) for name in commands} for i in (0, 1))
    count = sum(1 for file in (work / "crawl").rglob("*") if file.is_file())
    for name in commands:
        print(f"{name}: {count / wall[name]:.1f} pictures/s, {1000 * cpu[name] / count:.1f} CPU ms a picture")
    print(f"illsort / plain: speed {wall['plain'] / wall['illsort']:.2f}, CPU {cpu['illsort'] / cpu['plain']:.2f}")
    print(f"{os.cpu_count()} cores, {args.workers} worker(s)")


def train_head(args: argparse.Namespace, work: Path) -> Path:
    """A bundle of the embedded backbone; its speed does not depend on what it learned."""
    bundle = work / "bundle"
    settings = [f"labels.folder={args.data / 'kinds'}", f"model.folder={bundle}", "train.recipe=head"]
    command = [sys.executable, "-m", "classifier", "train", *(word for s in settings for word in ("--set", s))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return bundle


if __name__ == "__main__":
    main()
