"""Sorts again with what was learned: the refitted bundle is written, and every crawl of the last model sorted by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from classifier.active.cross_fit import can_promise, cross_fitted
from classifier.active.learner import Learner
from classifier.active.training_set import TrainingSet, fit
from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.filesystem import state_folder
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import to_path
from classifier.errors import LibraryError
from classifier.filing.path_scope import named_root
from classifier.model.bundle import Bundle
from classifier.model.replace_head import remove_others, save_refitted
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.pipeline import sort

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.model.ood import OodDetector
    from classifier.progress import Stage

Tell = Callable[[dict[str, Any]], None]
_CRAWLS: Final = "SELECT DISTINCT crawl FROM runs WHERE kind = 'sort' AND model = ? ORDER BY crawl"


def file_learned(library: Path, learner: Learner, *, tell: Tell) -> dict[str, Any]:
    """File by what was learned, as one run for each crawl, each of which can be undone; how many are filed by now.

    `tell` hears how far it is. Raises IllsortError in one line; what is done by then is recorded.
    """
    with read_catalog(library) as catalog:
        model, _, recorded = audits.last_sort(catalog) or ("", Path(), {})
        crawls = [to_path(crawl) for (crawl,) in catalog.connection.execute(_CRAWLS, (model,))]
        before = decisions.count_filed(catalog)
        _refuse_unnamed(catalog, library, crawls if _settings(recorded).sort.mode is Mode.MOVE else ())
        learned = learner.lessons(catalog, annotation_log.latest(catalog))
        novelty = learner.novelty(catalog, learned)
    tell({"filing": {"stage": "model", "done": 0, "total": None}})
    bundle = refitted(library, learner, learned, novelty)
    asked = learner.strictness
    for crawl in crawls:
        # What a stopped sort was asked for belongs to another model.
        sort(
            crawl,
            library=library,
            bundle=bundle.folder,
            settings=_settings(recorded),
            progress=_Telling(tell),
            restart=True,
            threshold=asked.threshold,
            max_error=asked.max_error,
            is_named=False,
        )
    remove_others(bundle.folder.parent, kept=bundle.folder)
    with read_catalog(library) as catalog:
        strictness = Strictness.recorded(runs.last_settings(catalog, "sort"))
        filed = decisions.count_filed(catalog) - before
        return {"filed": filed, "crawls": len(crawls), "strictness": asdict(strictness)}


def _refuse_unnamed(catalog: Catalog, library: Path, crawls: Iterable[Path]) -> None:
    for crawl in crawls:
        if named_root(catalog, library, crawl) is None:
            raise LibraryError(f"{crawl}: only this library's record names it; sort it first")


def refitted(library: Path, learner: Learner, learned: TrainingSet, novelty: OodDetector | None) -> Bundle:
    """The bundle with the head that was learned, in the library's own folder for such."""
    head = fit(learned)
    judged = cross_fitted(learned, before=learner.bundle.load_evidence()) if can_promise(learned.labelled) else None
    words = sum(not path for path in learned.labelled.paths)
    return save_refitted(
        state_folder(library) / "models",
        of=learner.bundle,
        categories=learned.categories,
        weight=head.weight,
        bias=head.bias,
        labelled=learned.labelled,
        evidence=judged,
        novelty=novelty,
        note=f"measured before its head was fitted anew, with {words} verdicts of a person beside the labels",
    )


def _settings(recorded: Mapping[str, Any]) -> Settings:
    """The settings of the last sort, as far as this illsort knows them; how sure to be is said apart."""
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
    """Whether a setting of an earlier illsort lies in the range it has now; else its default is taken."""
    try:
        Settings.model_validate({section: {name: value}})
    except ValidationError:
        return False
    return True


@dataclass
class _Telling:
    """Passes on how far a sort is."""

    tell: Tell

    def say(self, message: str) -> None:
        """What a sort says besides is in its run."""

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[Stage]:  # noqa: ARG002 - the protocol's
        """Tell of it about a hundred times."""
        yield _ToldStage(self.tell, name, total)


class _ToldStage:
    def __init__(self, tell: Tell, name: str, total: int | None) -> None:
        self._tell, self._name, self._total = tell, name, total
        self._done = self._told = 0
        self.advance(0)

    def advance(self, count: int = 1) -> None:
        """Count, and tell now and then."""
        self._done += count
        if count == 0 or self._done - self._told >= max((self._total or 0) // 100, 100):
            self._told = self._done
            self._tell({"filing": {"stage": self._name, "done": self._done, "total": self._total}})

    def note(self, text: str) -> None:
        """Nothing that the page shows."""
