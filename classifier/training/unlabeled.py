"""A sample of the unlabelled crawl to learn from: chosen by name, read like any crawl, known by content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.exclude import NOTHING, Exclude
from classifier.images.subsample import draw
from classifier.images.walk import find
from classifier.images.walk_result import Found
from classifier.inference.pipeline import Inferred, infer
from classifier.inference.reader import Reader
from classifier.records import Example, Label, PictureId

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.inference.limits import Limits
    from classifier.model.backbone import Network
    from classifier.progress import Progress

_PER_LABEL: Final = 12
_LEAST: Final = 1_000
_MOST: Final = 4_000


def sample_size(num_labels: int) -> int:
    """How many pictures of the crawl are looked at: a dozen for each label, at least 1,000 and at most 4,000."""
    return min(_MOST, max(_LEAST, _PER_LABEL * num_labels))


def sample(
    crawl: Path, *, count: int, seed: int, labels: Path | None = None, exclude: Exclude = NOTHING
) -> tuple[list[Path], Found]:
    """`count` pictures of `crawl` drawn by their names, and what was found there; nothing of the folder `labels`.

    Raises OSError when `crawl` cannot be listed.
    """
    found = Found()
    files = find(crawl, skip=[] if labels is None else [labels], exclude=exclude, found=found)
    drawn = draw(files, root=crawl, count=count, seed=seed)
    return sorted(file.path for file in drawn), found


def read_sample(
    paths: list[Path],
    *,
    without: frozenset[PictureId],
    network: Network,
    reader: Reader,
    limits: Limits,
    runtime: Runtime,
    progress: Progress,
) -> tuple[Example, ...]:
    """The pictures among `paths` that can be read, each content once, and none of `without` (the labelled ones).

    They carry no category. What cannot be read, or only in part, is left out: the sort will list it.
    """
    examples: dict[PictureId, Example] = {}
    with progress.stage("looking at the crawl", total=len(paths), unit="picture") as stage:
        for outcome in infer(paths, network, reader, runtime, limits=limits):
            stage.advance()
            if isinstance(outcome, Inferred) and not outcome.picture.truncated and outcome.picture.id not in without:
                label = Label(path=paths[outcome.key], category="")
                example = Example(label=label, picture=outcome.picture.id, phash=0, thumbnail=b"")
                examples.setdefault(outcome.picture.id, example)
    return tuple(examples.values())
