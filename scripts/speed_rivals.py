"""Predicts a folder's pictures as three other libraries do; for bench_speed.py, which runs it in turn with `sort`.

    python scripts/speed_rivals.py plain|timm|fastai CRAWL BUNDLE WORKERS ANSWERS.json

Each is written as its documentation has it: torchvision's ImageFolder with a DataLoader, timm's create_dataset and
create_loader, fastai's get_preds. The network is the bundle's, the batch 32. Writes the best category of each file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import timm
import torch

BATCH = 32

Answer = tuple[str, int]


def plain(crawl: Path, bundle: Path, workers: int) -> Iterator[Answer]:
    """Torchvision's ImageFolder, Pillow, a DataLoader."""
    from torchvision.datasets import ImageFolder  # noqa: PLC0415 - each rival pays for its own imports
    from torchvision.transforms import Compose, InterpolationMode, Normalize, Resize, ToTensor  # noqa: PLC0415

    model, config = network(bundle)
    size = config["input_size"][1:]
    steps = [Resize(size, InterpolationMode.BICUBIC), ToTensor(), Normalize(config["mean"], config["std"])]
    dataset = ImageFolder(str(crawl), Compose(steps))
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, num_workers=workers)
    names = [Path(path).name for path, _ in dataset.samples]
    with torch.inference_mode():
        best = [int(index) for images, _ in loader for index in model(images).argmax(1)]
    return zip(names, best, strict=True)


def with_timm(crawl: Path, bundle: Path, workers: int) -> Iterator[Answer]:
    """Timm's dataset and loader, as its inference.py has them."""
    from timm.data import create_dataset, create_loader  # noqa: PLC0415

    model, config = network(bundle)
    dataset = create_dataset("", root=str(crawl))
    loader = create_loader(
        dataset,
        input_size=config["input_size"],
        batch_size=BATCH,
        use_prefetcher=False,
        interpolation=config["interpolation"],
        mean=config["mean"],
        std=config["std"],
        num_workers=workers,
        crop_pct=config["crop_pct"],
        crop_mode=config["crop_mode"],
        device=torch.device("cpu"),
    )
    names = [Path(name).name for name in dataset.filenames()]
    with torch.inference_mode():
        best = [int(index) for images, _ in loader for index in model(images).argmax(1)]
    return zip(names, best, strict=True)


def with_fastai(crawl: Path, bundle: Path, workers: int) -> Iterator[Answer]:
    """Fastai's get_preds of a Learner."""
    from fastai.vision.all import (  # type: ignore[import-not-found]  # noqa: PLC0415
        CrossEntropyLossFlat,
        ImageDataLoaders,
        Learner,
        Normalize,
        Resize,
        ResizeMethod,
        get_image_files,
    )

    model, config = network(bundle)
    paths = sorted(get_image_files(crawl))
    loaders = ImageDataLoaders.from_lists(
        crawl,
        paths,
        [path.parent.name for path in paths],
        bs=BATCH,
        num_workers=workers,
        item_tfms=Resize(config["input_size"][1], method=ResizeMethod.Squish),
        batch_tfms=[Normalize.from_stats(config["mean"], config["std"])],
    )
    learner = Learner(loaders, model, loss_func=CrossEntropyLossFlat())
    with learner.no_bar():
        shares, _ = learner.get_preds(dl=loaders.test_dl(paths, num_workers=workers))
    return zip((path.name for path in paths), shares.argmax(1).tolist(), strict=True)


def network(bundle: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The bundle's network in evaluation mode, and timm's data configuration of it."""
    model = timm.create_model(f"local-dir:{bundle}", pretrained=True).eval()
    return model, timm.data.resolve_data_config(model.pretrained_cfg)


RIVALS: dict[str, Callable[[Path, Path, int], Iterator[Answer]]] = {
    "plain": plain,
    "timm": with_timm,
    "fastai": with_fastai,
}


def main() -> None:
    """Predict and write."""
    rival, crawl, bundle, workers, answers = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:6]
    categories = json.loads((bundle / "config.json").read_text(encoding="utf-8"))["label_names"]
    best = {name: categories[index] for name, index in RIVALS[rival](crawl, bundle, int(workers))}
    Path(answers).write_text(json.dumps(best), encoding="utf-8")


if __name__ == "__main__":
    main()
