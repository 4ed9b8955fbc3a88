"""A library of drawn rows of answers: their pictures are fetched beside it, and filed as those answers decide.

Copies and near pictures have no say: each picture is where a row of its own is decided to be, in a bucket as here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from classifier.catalog.chosen_pictures import may_be_chosen_from, record_source
from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.filesystem import state_folder
from classifier.errors import LibraryError, Message, StorageError
from classifier.filing.reconcile import open_library
from classifier.model.calibration import probabilities
from classifier.parts.answer_rows import answers_file
from classifier.parts.answers_meta import AnswersMeta, answers_name
from classifier.parts.fetch_pictures import PictureFetcher, Wanted, name_from
from classifier.parts.local_storage import LocalStorage
from classifier.parts.schema import LISTING, Listed, answers_schema
from classifier.parts.storage import open_storage
from classifier.records import Duplicates, Mode
from classifier.sort.draw_answers import rows_of_draw
from classifier.sort.pipeline import sort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.parts.answered_rows import AnsweredRows
    from classifier.progress import Progress
    from classifier.settings import Settings
    from classifier.sort.answer_decider import AnswerDecider, Asked
    from classifier.sort.draw_answers import AnswerDraw, DrawnRow

_ANSWERS: Final = "drawn"
"""The folder of the drawn pictures' answers, in the library's own state: beside them a sort would come upon it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLibrary:
    """What became of it: `failures` by key, with why; the summary of the sort."""

    failures: dict[str, Message]
    summary: dict[str, Any]


def pictures_of(library: Path) -> Path:
    """The folder that drawn pictures are fetched into. Raises LibraryError where there is none beside the library."""
    named = library.resolve() if library.name in {"", ".."} else library
    if not named.name:
        raise LibraryError("{library}: nothing can be put beside a whole drive; name a folder in it", library=named)
    return named.with_name(f"{named.name}-pictures")


def file_drawn(
    decider: AnswerDecider, draw: AnswerDraw, library: Path, *, settings: Settings, asked: Asked, progress: Progress
) -> DrawnLibrary:
    """Fetch the pictures of a draw, those that are not there yet, and file them into `library`.

    It is made where it is not there, and a sort of other decisions that was stopped there is not gone on with. Raises
    LibraryError in one line where it is of other pictures, StorageError where a bucket does not answer or no picture
    can be had.
    """
    library = library.absolute()
    _begin(library, decider, progress)
    target = LocalStorage(pictures_of(library))
    drawn = [_Drawn.of(decider, rows, here) for rows, here in rows_of_draw(decider, draw)]
    failures = _fetch(decider, drawn, target, settings.images.max_megapixels, progress)
    _refuse_none(failures, len(draw.rows))
    answers = LocalStorage(state_folder(library) / _ANSWERS)
    _write_answers(decider, drawn, target, answers)
    summary = sort(
        target.folder,
        library=library,
        bundle=decider.model.folder,
        settings=_as_decided(settings),
        **asked._asdict(),
        answers=str(answers.folder),
        progress=progress,
        restart=True,
    )
    return DrawnLibrary(failures=failures, summary=summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Some drawn rows with the answers of the model that decides, and the names of their pictures in the folder."""

    answers: pa.Table
    rows: list[DrawnRow]

    @classmethod
    def of(cls, decider: AnswerDecider, batch: AnsweredRows, here: Sequence[tuple[int, DrawnRow]]) -> _Drawn:
        """The rows at these places of a batch."""
        places, rows = [place for place, _ in here], [row for _, row in here]
        answers = pa.Table.from_batches([batch.columns]).take(pa.array(places, pa.int64()))
        if decider.head is not None:
            answered = decider.answers(batch, rows[0].name)
            decoded = np.searchsorted(batch.decoded, places)
            logits = answered.logits[decoded]
            shares = probabilities(logits, decider.policy.manifest.temperature).astype(np.float32)
            unlike = [answered.ood_scores[place] for place in decoded.tolist()]
            own = {"logits": logits.tolist(), "probabilities": shares.tolist(), "ood_score": unlike}
            answers = _with_columns(answers, own)
        return cls(answers=answers, rows=rows)

    def wanted(self) -> list[Wanted]:
        """What is to be fetched."""
        columns = (self.answers[name].to_pylist() for name in LISTING.names)
        listed = map(Listed._make, zip(*columns, strict=True))
        return [
            Wanted(one, name_from(f"{row.part:05}-{row.place:06}", one.key), row.decision.image_id)
            for one, row in zip(listed, self.rows, strict=True)
        ]

    def as_fetched(self, target: LocalStorage, there: AbstractSet[str]) -> pa.Table:
        """The answers to the pictures that are `there`, as the files that they are in the folder."""
        names = [one.name for one in self.wanted()]
        here = [place for place, name in enumerate(names) if name in there]
        files = [Listed(*target.stat(names[place])) for place in here]
        columns = {name: [getattr(file, name) for file in files] for name in LISTING.names}
        return _with_columns(self.answers.take(pa.array(here, pa.int64())), columns)


def check_drawn(library: Path, decider: AnswerDecider) -> None:
    """Raise LibraryError in one line where it is of anything else than these answers, or cannot be; makes nothing."""
    pictures, source = pictures_of(library), decider.folder.storage.url
    if is_library(library):
        with read_catalog(library) as catalog:
            _check(catalog, library, source)
        return
    for folder in (library, pictures):
        if folder.exists() and (not folder.is_dir() or {*folder.iterdir()} - {state_folder(library)}):
            raise LibraryError("{folder}: is not empty; give a folder of its own", folder=folder)


def _begin(library: Path, decider: AnswerDecider, progress: Progress) -> None:
    """Have a library that is of these answers, also where it was begun and stopped before that was recorded."""
    check_drawn(library, decider)
    with open_library(library, progress) as catalog:
        _check(catalog, library, decider.folder.storage.url)
        record_source(catalog, decider.folder.storage.url)


def _check(catalog: Catalog, library: Path, source: str) -> None:
    if not may_be_chosen_from(catalog, source):
        raise LibraryError(
            "{library}: is not of pictures that were drawn from {source}; give a folder of its own",
            library=library,
            source=source,
        )


def _as_decided(settings: Settings) -> Settings:
    """The settings of a sort that files whatever it is answered, and leaves the fetched pictures where they are."""
    mode = Mode.LINK if settings.sort.mode is Mode.MOVE else settings.sort.mode
    filing = {"duplicates": Duplicates.KEEP, "neighbors": False, "mode": mode}
    return settings.model_copy(
        update={
            "sort": settings.sort.model_copy(update=filing),
            "images": settings.images.model_copy(update={"exclude": ()}),
        }
    )


def _fetch(
    decider: AnswerDecider, drawn: Sequence[_Drawn], target: LocalStorage, max_megapixels: float, progress: Progress
) -> dict[str, Message]:
    """Fetch the pictures; by key, why some cannot be had."""
    wanted = [one for some in drawn for one in some.wanted()]
    source, there = open_storage(decider.folder.meta.source), frozenset(target.names())
    fetcher = PictureFetcher(source=source, target=target, there=there, max_megapixels=max_megapixels)
    failures = dict[str, Message]()
    with progress.stage(Message("fetching"), total=len(wanted), unit="picture") as stage:
        for one, failure in fetcher.fetch_all(wanted):
            if failure is not None:
                failures[one.row.key] = failure
            stage.advance()
    return failures


def _refuse_none(failures: Mapping[str, Message], drawn: int) -> None:
    """Raise StorageError where not one of the drawn pictures can be had: that is no fault of theirs."""
    if failures and len(failures) == drawn:
        key, why = next(iter(failures.items()))
        raise StorageError(
            "none of the pictures that were drawn can be had; the first, {path}: {why}", path=key, why=why
        )


def _write_answers(
    decider: AnswerDecider, drawn: Sequence[_Drawn], target: LocalStorage, answers: LocalStorage
) -> None:
    """Write the answers to the pictures that are there as the deciding model's own."""
    manifest, there = decider.policy.manifest, frozenset(target.names())
    schema = answers_schema(with_embeddings=all("embedding" in some.answers.column_names for some in drawn))
    tables = [some.as_fetched(target, there).select(schema.names).cast(schema) for some in drawn]
    meta = AnswersMeta(
        categories=manifest.categories,
        model=manifest.key,
        backbone=manifest.backbone_key,
        temperature=manifest.temperature,
        source=target.url,
        part=0,
    )
    content = answers_file(pa.concat_tables(tables) if tables else schema.empty_table(), meta)
    answers.write_atomically(answers_name(0, manifest.key), content)


def _with_columns(table: pa.Table, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """The table with other values in some columns."""
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    return table
