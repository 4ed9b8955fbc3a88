"""The sampling pipeline: draws from a crawl, embeds, drops near-duplicates, places the rest in `_review`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.active.deduplicate import near_duplicates_of_earlier
from classifier.active.encoder import Encoder, embed_sample, load_embeddings, load_encoder
from classifier.active.sample_clusters import write_clusters
from classifier.catalog import annotation_log, audits, categories, decisions, files, ranking, runs
from classifier.catalog.categories import read_aliases
from classifier.catalog.values import utc_now
from classifier.decision.decide import apply_annotation
from classifier.errors import Counted, CrawlError, LibraryError, Message, SettingsError, message_of
from classifier.filing.destination import CategoryFolders, candidate_names
from classifier.filing.executor import execute
from classifier.filing.generated_files import write_failure_list
from classifier.filing.reconcile import open_library
from classifier.filing.results import Status
from classifier.filing.symlink_right import method_of
from classifier.images.hashing import sample_by_hash
from classifier.images.walk_result import WalkResult
from classifier.labels.from_annotations import placed_by_hand, usable_names
from classifier.model.weights import check_versions
from classifier.progress import Progress, SilentProgress, Stage
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, Method, Mode, Move
from classifier.sort.scan import Scope, checked_crawl, scope_from_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import Annotation, ImageFile, ImageId
    from classifier.settings import Settings

KIND: Final = "label"
_SEED, _BATCH = 0, 256
_DRAWN: Final = Reason(ReasonCode.DRAWN)
_LEAST, _MOST, _SHARE = 1_500, 3_000, 100
"""How many pictures are drawn: one in a hundred, at least 1,500 and at most 3,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The result of sampling a crawl; `backbone` is the key of its embeddings."""

    backbone: str
    drawn: int
    waiting: int
    """Images that this call placed in `_review`."""
    repeated: int
    """Drawn pictures that are left out, for they are equal to others or nearly so."""
    broken: int
    unreadable: int
    """Folders, and files that may be no pictures, that the system would not show."""
    failed: int
    """Could be read, but not be placed."""


def take_sample(
    crawl: Path,
    *,
    library: Path,
    settings: Settings,
    count: int | None = None,
    more: int = 0,
    progress: Progress | None = None,
) -> Sample:
    """Place a random sample of `crawl` into `library`, to be labeled. A second call continues the same sample.

    `count` None depends on the size of the crawl; `more` adds to what was drawn before. The crawl is never changed.
    Raises IllsortError; what is done by then is recorded.
    """
    started, progress = time.monotonic(), progress or SilentProgress()
    check_versions()
    crawl, method = checked_crawl(crawl, library), _method(settings.sort.mode)
    with open_library(library, progress) as catalog:
        if audits.last_sort(catalog) is not None:
            raise LibraryError("{library}: was sorted into; labels need a folder of their own", library=library)
        encoder = load_encoder(settings, progress)
        run = _begin(catalog, crawl=crawl, encoder=encoder, settings=settings)
        _adopt_folders(catalog, library, progress, depth=settings.labels.depth)
        scope = scope_from_settings(settings)
        _draw(catalog, run=run, crawl=crawl, library=library, count=count, more=more, scope=scope, progress=progress)
        embed_sample(catalog, library=library, crawl=crawl, encoder=encoder, progress=progress)
        found = list(files.readable(catalog, crawl=crawl))
        left_out = _near_duplicates(catalog, library, found, progress)
        new = [(image_id, file) for image_id, file, is_placed in found if not is_placed and image_id not in left_out]
        placed = _place(catalog, library, new, run=run, method=method, progress=progress)
        if placed or not ranking.attach_newest(catalog).number:
            wanted = [image_id for image_id, _, _ in found if image_id not in left_out]
            with progress.stage(Message("grouping"), total=None, unit=""):
                loaded = load_embeddings(catalog, library, wanted, backbone=encoder.key)
                write_clusters(library, loaded, encoder.tags)
        write_failure_list(catalog, library, progress, run=run)
        sample = _summary(
            catalog, crawl, encoder=encoder, left_out=len(left_out), placed=placed, failed=len(new) - placed
        )
        runs.finish(catalog, run, {"pictures": placed, "seconds": round(time.monotonic() - started, 2)})
    return sample


def _method(mode: Mode) -> Method:
    if mode is Mode.MOVE:
        raise SettingsError("--mode move: a sample stays in the crawl as well; take link, copy or symlink")
    return method_of(mode)


def _begin(catalog: Catalog, *, crawl: Path, encoder: Encoder, settings: Settings) -> int:
    kept = settings.model_dump(mode="json", include={"model", "images", "sort"}) | {"backbone": encoder.key}
    mode = settings.sort.mode.value
    return runs.begin(catalog, kind=KIND, crawl=crawl, mode=mode, model="", bundle=crawl, settings=kept)


def _adopt_folders(catalog: Catalog, library: Path, progress: Progress, *, depth: int) -> None:
    """Make categories of the folders that a person filled, unless they were renamed since."""
    found, names = placed_by_hand(catalog, library, depth=depth), read_aliases(catalog)
    good, complaints = usable_names(
        [name for name in found if names.resolve(name) == name], names.made, where=str(library)
    )
    for sentence in complaints:
        progress.say(Message("{why}: it is not offered", why=sentence))
    categories.make(catalog, good, at=utc_now())
    if good:
        counts = ", ".join(f"{name} {found[name]:,}" for name in good)
        progress.say(Message("already in {library}: {counts}", library=library, counts=counts))


def _draw(
    catalog: Catalog,
    *,
    run: int,
    crawl: Path,
    library: Path,
    count: int | None,
    more: int,
    scope: Scope,
    progress: Progress,
) -> None:
    """Draw files and record them; without a request for more, an existing sample is continued."""
    known = files.seen_paths(catalog, crawl)
    if known and not more and (count is None or count <= len(known)):
        going_on = Counted(
            "going on with the {count:,} picture drawn before; --more N draws others too",
            "going on with the {count:,} pictures drawn before; --more N draws others too",
            count=len(known),
        )
        progress.say(going_on)
        return
    found = WalkResult()
    most = max(count or 0, len(known) + more, _MOST)
    with progress.stage(Message("drawing"), total=None, unit="picture") as stage:
        try:
            walk = _counted(scope.images(crawl, library=library, found=found), stage)
            drawn = sample_by_hash(walk, root=crawl, count=most, seed=_SEED)
        except OSError as error:
            raise CrawlError("{crawl}: cannot be listed ({why})", crawl=crawl, why=message_of(error)) from None
    for sentence in (*found.sentences(), *found.complaints):
        progress.say(sentence)
    files.record_unreadable(catalog, run=run, crawl=crawl, refused=found.refused)
    wanted = len(known) + more if more else count or min(_MOST, max(_LEAST, found.pictures // _SHARE))
    new = [file for file in drawn if file.path not in known][: max(0, wanted - len(known))]
    files.record_found(catalog, run=run, crawl=crawl, files=[*(file for file in drawn if file.path in known), *new])
    progress.say(_drawn_in_words(len(new), among=found.pictures, before=len(known)))


def _drawn_in_words(new: int, *, among: int, before: int) -> Message:
    drawn = Counted("{new:,} of {count:,} picture drawn", "{new:,} of {count:,} pictures drawn", count=among, new=new)
    return Message("{drawn}, beside {before:,} before", drawn=drawn, before=before) if before else drawn


def _counted(found: Iterator[ImageFile], stage: Stage) -> Iterator[ImageFile]:
    for file in found:
        stage.advance()
        yield file


def _near_duplicates(
    catalog: Catalog, library: Path, found: list[tuple[ImageId, ImageFile, bool]], progress: Progress
) -> set[ImageId]:
    """Images that are not placed because they nearly duplicate one that is placed, or else the first by path."""
    placed = [image_id for image_id, _, is_placed in found if is_placed]
    new = [image_id for image_id, _, is_placed in found if not is_placed]
    if not new:
        return set()
    with progress.stage(Message("comparing"), total=None, unit=""):
        return near_duplicates_of_earlier(catalog, library, [*placed, *new]) - set(placed)


def _place(
    catalog: Catalog,
    library: Path,
    new: Sequence[tuple[ImageId, ImageFile]],
    *,
    run: int,
    method: Method,
    progress: Progress,
) -> int:
    """Place images in `_review`, or where an earlier annotation puts them. Returns how many were placed."""
    placed = 0
    annotations = annotation_log.latest(catalog, [image_id for image_id, _ in new])
    folders = CategoryFolders(library)
    with progress.stage(Message("putting them aside"), total=len(new), unit="picture") as stage:
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            decided = [_decision(image_id, annotations.get(image_id)) for image_id, _ in batch]
            decisions.save(catalog, decided, run=run)
            moves = [_move(decision, file, method, folders) for decision, (_, file) in zip(decided, batch, strict=True)]
            for outcome in execute(catalog, library=library, run=run, moves=moves):
                placed += outcome.status is Status.PLACED
                if outcome.status is not Status.PLACED:
                    path, why = outcome.move.source.path, outcome.reason or Message(outcome.status)
                    progress.say(Message("{path}: not taken: {why}", path=path, why=why))
            stage.advance(len(batch))
    return placed


def _decision(image_id: ImageId, annotation: Annotation | None) -> Decision:
    waiting = Decision(image_id=image_id, action=Action.REVIEW, category="", confidence=0.0, reason=_DRAWN)
    return apply_annotation(waiting, annotation)


def _move(decision: Decision, file: ImageFile, method: Method, folders: CategoryFolders) -> Move:
    names = candidate_names(file.path.name, decision.image_id)
    return Move(image_id=decision.image_id, source=file, folder=folders(decision), names=names, method=method)


def _summary(catalog: Catalog, crawl: Path, *, encoder: Encoder, left_out: int, placed: int, failed: int) -> Sample:
    known = files.seen_paths(catalog, crawl)
    failed_paths = [path for path, _ in files.failures(catalog, crawl=crawl)]
    drawn, broken = len(known), sum(path in known for path in failed_paths)
    contents = sum(1 for _ in files.readable(catalog, crawl=crawl))
    return Sample(
        backbone=encoder.key,
        drawn=drawn,
        waiting=placed,
        repeated=drawn - broken - contents + left_out,
        broken=broken,
        unreadable=len(failed_paths) - broken,
        failed=failed,
    )
