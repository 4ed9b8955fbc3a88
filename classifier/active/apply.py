"""Files by what was learned: saves the refitted bundle and sorts every crawl of the last model with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from classifier.active.learner import Learner
from classifier.active.training_set import TrainingSet, cross_fit, fit, fit_last_layer
from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.filesystem import state_folder
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryError, Message
from classifier.filing.path_scope import named_root
from classifier.model.bundle import Bundle
from classifier.model.replace_head import remove_other_bundles, save_with_head
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.pipeline import sort
from classifier.sort.resume import unknown_share

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.model.ood import OodDetector
    from classifier.progress import Stage

Send = Callable[[dict[str, Any]], None]


def file_learned(library: Path, learner: Learner, *, send: Send) -> dict[str, Any]:
    """Sort every crawl of the last model with the refitted bundle: one undoable run a crawl.

    Returns the number of images filed in addition. `send` receives the progress. Raises IllsortError; what is done by
    then is recorded.
    """
    with read_catalog(library) as catalog:
        model, _, recorded = audits.last_sort(catalog) or ("", Path(), {})
        crawls = runs.crawls_sorted_with(catalog, model)
        before = decisions.count_filed(catalog)
        _refuse_unnamed(catalog, library, crawls if _settings(recorded).sort.mode is Mode.MOVE else ())
        latest = annotation_log.latest(catalog)
        training_set = learner.build_training_set(catalog, latest)
        share = unknown_share(_settings(recorded).sort)
        novelty = learner.ood_detector(catalog, training_set, latest, share=share)
    send({"filing": {"stage": "model", "done": 0, "total": None}})
    bundle = refit_bundle(library, learner, training_set, novelty)
    strictness = learner.strictness
    for crawl in crawls:
        # The settings of an interrupted sort belong to another model.
        sort(
            crawl,
            library=library,
            bundle=bundle.folder,
            settings=_settings(recorded),
            progress=_ProgressSender(send),
            restart=True,
            threshold=strictness.threshold,
            max_error=strictness.max_error,
            is_named=False,
        )
    remove_other_bundles(bundle.folder.parent, kept=bundle.folder)
    with read_catalog(library) as catalog:
        strictness = Strictness.from_settings(runs.last_settings(catalog, "sort"))
        filed = decisions.count_filed(catalog) - before
        return {"filed": filed, "crawls": len(crawls), "strictness": asdict(strictness)}


def _refuse_unnamed(catalog: Catalog, library: Path, crawls: Iterable[Path]) -> None:
    for crawl in crawls:
        if named_root(catalog, library, crawl) is None:
            raise LibraryError("{crawl}: only this library's record names it; sort it first", crawl=crawl)


def refit_bundle(library: Path, learner: Learner, training_set: TrainingSet, novelty: OodDetector | None) -> Bundle:
    """Save the bundle with the refitted head in the models folder of the library."""
    can_guarantee, can_spread = training_set.can_guarantee, training_set.can_spread
    before = learner.bundle.load_holdout() if can_guarantee else None
    crossed = cross_fit(training_set, before=before) if can_guarantee or can_spread else None
    annotated = sum(not path for path in training_set.labeled.paths)
    return save_with_head(
        state_folder(library) / "models",
        of=learner.bundle,
        categories=training_set.categories,
        last_layer=fit_last_layer(training_set),
        head=fit(training_set),
        labeled=training_set.labeled,
        holdout=crossed.holdout if crossed and can_guarantee else None,
        folds=crossed.folds if crossed and can_spread else None,
        ood=novelty,
        note=f"measured before its head was fitted anew, with {annotated} verdicts of a person beside the labels",
    )


def _settings(recorded: Mapping[str, Any]) -> Settings:
    """The settings of the last sort that this version still accepts, without its threshold and error rate."""
    known = Settings()
    given: dict[str, Any] = {}
    for section in ("sort", "images", "runtime"):
        fields = type(getattr(known, section)).model_fields
        given[section] = {
            name: value
            for name, value in recorded.get(section, {}).items()
            if name in fields and name not in {"threshold", "max_error"} and _is_still_valid(section, name, value)
        }
    return Settings.model_validate(given)


def _is_still_valid(section: str, name: str, value: object) -> bool:
    """Whether a recorded value is in the range that the setting has now; otherwise the default is used."""
    try:
        Settings.model_validate({section: {name: value}})
    except ValidationError:
        return False
    return True


@dataclass
class _ProgressSender:
    """Sends the progress of a sort."""

    send: Send

    def say(self, message: str) -> None:
        """Messages are recorded in the run and are not sent."""

    def detail(self, message: str) -> None:
        """Nor are details."""

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[Stage]:  # noqa: ARG002 - the protocol's
        """Send the progress about a hundred times."""
        yield _StageSender(self.send, name, total)


class _StageSender:
    def __init__(self, send: Send, name: str, total: int | None) -> None:
        self._send, self._name, self._total = send, name, total
        self._done = self._sent = 0
        self.advance(0)

    def advance(self, count: int = 1) -> None:
        """Count, and send the progress now and then."""
        self._done += count
        if count == 0 or self._done - self._sent >= max((self._total or 0) // 100, 100):
            self._sent = self._done
            self._send({"filing": {"stage": self._name, "done": self._done, "total": self._total}})

    def note(self, text: str) -> None:
        """The page does not show notes."""

    def follow(self, note: Callable[[], Message | None]) -> None:
        """Nor these."""
