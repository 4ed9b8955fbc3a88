"""The sort around the filing engine, as classifier.sort.pipeline does it, with a model that answers by a first letter.

The fork server preloads this for jobs with sidecars; its children run the real applier, scan and undo.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog import files, library_changes, moved_images, runs
from classifier.catalog.categories import read_aliases
from classifier.catalog.connection import open_catalog
from classifier.catalog.copies import replace_groups
from classifier.catalog.files import add_image, relink
from classifier.catalog.lock import hold_lock
from classifier.catalog.predictions import add_logits
from classifier.decision.policy import Policy
from classifier.filing.executor import execute
from classifier.filing.reconcile import reconcile
from classifier.filing.recovery import recover
from classifier.filing.repair_links import remove_copies, remove_dangling_links, remove_repeated_links
from classifier.filing.results import Outcome, Status
from classifier.filing.undo import undo
from classifier.images import ignored_files
from classifier.model.manifest import Manifest
from classifier.progress import SilentProgress
from classifier.records import Duplicates, ImageId, ImageInfo, Method, Mode
from classifier.sort import apply
from classifier.sort.scan import recognize, scan
from kit.filing import image_file, image_id_of, move_of, name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import Move

BEGUN, ENDED = "sidecars of a batch begin", "sidecars of a batch end"
"""Written nowhere around each filing of sidecars, so that a trace shows which calls are theirs."""
MANIFEST = Manifest(
    categories=("kind_a", "kind_b"),
    image_size=32,
    max_squeeze=2.0,
    temperature=1.0,
    threshold=0.5,
    backbone="none",
    measured={},
    settings={},
    versions={},
)
ignored_files.SECOND_LOOK_S = 0.0  # each child has just written its crawl
COPIED = 10
"""The length of pictures that may have copies."""
_NOWHERE = os.open(os.devnull, os.O_WRONLY)


class MarkedApplier(apply.DecisionApplier):
    """Says when it files sidecars."""

    def _file_sidecars(self, ids: Sequence[ImageId]) -> None:
        os.write(_NOWHERE, BEGUN.encode())
        super()._file_sidecars(ids)
        os.write(_NOWHERE, ENDED.encode())


def sort(
    library: Path,
    crawl: Path,
    *,
    method: Method,
    batch: int,
    restore_deleted: bool = False,
    sidecars: bool = True,
    manifest: Manifest = MANIFEST,
    threshold: float = 0.5,
    model: int = 0,
    duplicates: Duplicates = Duplicates.KEEP,
) -> list[Outcome]:
    """Recover, reconcile, scan, file what is not where it belongs, sidecars after each batch; what was not placed.

    A picture whose content begins with "a" is of the first category of `manifest`, with "b" of the second, and so on;
    with "a+b" it may be of either. The models with other numbers than 0 are of two categories: they answer by the
    second letter, each otherwise, and are not sure of every third picture. Pictures of one first letter are copies by
    fours, in the order of their second.
    """
    manifest = manifest.model_copy(update={"weights_sha256": f"{model:064x}"}) if model else manifest
    apply.BATCH = batch
    silent = SilentProgress()
    with hold_lock(library), open_catalog(library) as catalog:
        name(catalog, crawl)
        recover(catalog, library)
        reconcile(catalog, library)
        run = runs.begin(
            catalog,
            kind="sort",
            crawl=crawl,
            mode=method.value,
            model=manifest.key,
            bundle=Path(),
            settings={"sort": {"duplicates": duplicates.value}},
        )
        scan(catalog, run=run, crawl=crawl, library=library, progress=silent)
        recognize(catalog, run=run, crawl=crawl, progress=silent)
        relink(catalog, run=run, crawl=crawl)
        if restore_deleted:
            library_changes.restore_deleted(catalog, run=run, crawl=crawl)
        make = partial(_make, catalog, library, run)
        remove_dangling_links(catalog, library, run=run, crawl=crawl, execute=make)
        _predict(catalog, library, run=run, crawl=crawl, manifest=manifest, number=model)
        _group(catalog, library, crawl)
        names, mode = read_aliases(catalog), Mode(method.value)
        thresholds = (threshold,) * len(manifest.categories)
        policy = Policy(
            manifest=manifest,
            thresholds=thresholds,
            mode=mode,
            sidecars=sidecars,
            duplicates=duplicates,
            names=names,
        )
        applier = MarkedApplier(
            catalog,
            run=run,
            crawl=crawl,
            library=library,
            policy=policy,
            execute=make,
        )
        applier.redecide_placed(silent)
        applier.redecide_other_copies()
        applier.apply_rest(silent)
        if duplicates is Duplicates.BEST:
            remove_copies(catalog, library, execute=make)
        remove_repeated_links(catalog, library, execute=make)
        runs.finish(catalog, run, {})
    return applier.failed_moves


def _make(catalog: Catalog, library: Path, run: int, moves: Sequence[Move]) -> list[Outcome]:
    return execute(catalog, library=library, run=run, moves=moves)


def undo_all(library: Path) -> list[Outcome]:
    """Take back every run; an outcome for each file that stayed or went elsewhere, which is all that it tells."""
    trouble: list[Path] = []
    while (done := undo(library)).undone is not None:
        trouble += [left.path for left in done.left] + [old for old, _ in done.elsewhere]
    return [
        Outcome(move=move_of(path, method=Method.COPY), status=Status.FAILED, reason="not as it was")
        for path in trouble
    ]


def warm_up() -> None:
    """Do it all once, so that what is imported late is there."""
    with tempfile.TemporaryDirectory() as folder:
        library, crawl = Path(folder, "library"), Path(folder, "crawl")
        crawl.mkdir()
        (crawl / "a.jpg").write_bytes(b"a")
        (crawl / "a.jpg.txt").write_bytes(b"words")
        sort(library, crawl, method=Method.COPY, batch=1)
        undo_all(library)


def _predict(catalog: Catalog, library: Path, *, run: int, crawl: Path, manifest: Manifest, number: int) -> None:
    with catalog.transaction():
        moved = moved_images.to_predict_in_library(catalog, run=run, crawl=crawl, model=manifest.key)
        found = files.to_predict(catalog, run=run, crawl=crawl, model=manifest.key)
        for path in [*(library / one for one in moved), *found]:
            content = path.read_bytes()
            picture = ImageInfo(id=image_id_of(content), size_bytes=len(content), width=1, height=1, truncated=False)
            logits = _otherwise(content, number) if number else _logits(content, manifest)
            add_image(catalog, picture)
            add_logits(catalog, picture.id, model=manifest.key, logits=logits)
            files.set_image_id(catalog, image_file(path), picture.id)


def _group(catalog: Catalog, library: Path, crawl: Path) -> None:
    """As looks would show it."""
    groups: dict[tuple[bytes, int], list[ImageId]] = {}
    paths = [*crawl.rglob("*"), *library.rglob("*")]
    for content in sorted({path.read_bytes() for path in paths if path.is_file() and ".illsort" not in path.parts}):
        if len(content) == COPIED:
            groups.setdefault((content[:1], content[1] // 4), []).append(image_id_of(content))
    found = [list(dict.fromkeys(group)) for group in groups.values()]
    with catalog.transaction():
        replace_groups(catalog, [one for group in found for one in group], [one for one in found if len(one) > 1])


def _logits(content: bytes, manifest: Manifest) -> NDArray[np.float32]:
    likely = next((n for n in range(len(manifest.categories)) if content[:1] == b"abcdefg"[n : n + 1]), -1)
    logits = np.zeros(len(manifest.categories), np.float32)
    logits[likely] = 9
    if content[1:2] == b"+":
        logits[b"abcdefg".index(content[2:3])] = 8.5
    return logits


def _otherwise(content: bytes, model: int) -> NDArray[np.float32]:
    return np.array([[9, 0], [0, 9], [0.1, 0]][(sum(content[1:2]) + model) % 3], np.float32)
