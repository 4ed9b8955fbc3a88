"""Records the answers of a model that were made elsewhere, part by part, as if the crawl's files had been read.

A file has an answer where it lies as it was listed, of that size and time; any other is read as always. So is one that
could not be read for a reason that may have passed. No picture is opened.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog.answered_files import CrawlFile, record_answers, record_files, unread_as, without_answer
from classifier.catalog.shards import EmbeddingBatch
from classifier.catalog.values import to_bytes
from classifier.errors import Counted, Message
from classifier.parts.answer_files import find_answers
from classifier.parts.packages import require_packages
from classifier.paths import unescaped
from classifier.sort.reuse_embeddings import open_embedding_writer
from classifier.sort.spread_answers import restore_own_answers

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.model.bundle import Bundle
    from classifier.parts.answered_rows import AnsweredRows
    from classifier.parts.schema import Listed
    from classifier.progress import Progress
    from classifier.records import Failure
    from classifier.sort.prepare import Prepared
    from classifier.sort.reuse_embeddings import EmbeddingWriter, Locations


def checked_answers(given: str, model: Bundle | None) -> str:
    """The absolute path or URL of answers. Raises StorageError in one line where `model` has none there."""
    require_packages()
    from classifier.parts.storage import open_storage  # noqa: PLC0415 - needs the packages

    return open_storage(given).url if model is None else find_answers(given, model).storage.url


def take_answers(catalog: Catalog, given: str, ready: Prepared, progress: Progress) -> int:
    """Record all that is answered at `given` of the files that a run found; returns of how many.

    A commit covers some thousands of files at most. Embeddings are kept as a sort keeps them, where there are any.
    Raises StorageError in one line where there are no answers of the run's model, or they are damaged.
    """
    library, model = ready.library, ready.model
    folder = find_answers(given, model)
    if not ready.is_spread:
        restore_own_answers(catalog, library, model)
    writer = open_embedding_writer(catalog, library, model, ready.settings, progress=progress)
    taker = _Taker(catalog=catalog, run=ready.run, crawl=ready.crawl, model=model.manifest.key, writer=writer)
    taken, found = 0, 0
    with progress.stage(Message("taking answers"), total=len(folder.names), unit="part") as stage:
        for name in folder.names:
            for rows in folder.rows(name, images=True, embeddings=writer is not None):
                of_rows = taker.take(rows)
                taken, found = taken + of_rows[0], found + of_rows[1]
            stage.advance()
    if taken:
        progress.say(
            Counted(
                "{count:,} picture is decided by the answers given, not read",
                "{count:,} pictures are decided by the answers given, not read",
                count=taken,
            )
        )
    elif not found:
        source = folder.meta.source
        progress.say(
            Message("none of the answers is of a file of this crawl as it is: they are of {source}", source=source)
        )
    return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taker:
    catalog: Catalog
    run: int
    crawl: Path
    model: str
    writer: EmbeddingWriter | None

    def take(self, rows: AnsweredRows) -> tuple[int, int]:
        """Record what is new of these rows in one transaction; returns of how many files, and how many are there."""
        root = to_bytes(self.crawl).rstrip(b"/")
        image_of = dict(zip(rows.decoded.tolist(), rows.image_ids, strict=True))
        failures = {place: one for place, one in rows.failures.items() if not one.kind.is_passing}
        files = {
            place: file
            for place, one in enumerate(rows.listed())
            if (place in image_of or place in failures) and (file := _file_of(one, root)) is not None
        }
        places = list(files)
        wanted = [(files[place], image_of.get(place)) for place in places]
        unread, there = unread_as(self.catalog, wanted, run=self.run, crawl=self.crawl, model=self.model)
        found = [places[number] for number in unread]
        if found:
            self._record(
                rows,
                {place: files[place] for place in found if place in image_of},
                {files[place]: failures[place] for place in found if place in failures},
            )
        return len(found), there

    def _record(self, rows: AnsweredRows, files: dict[int, CrawlFile], failures: dict[CrawlFile, Failure]) -> None:
        numbers = np.searchsorted(rows.decoded, list(files)).tolist()  # among the decoded rows
        new = without_answer(self.catalog, [rows.image_ids[number] for number in numbers], model=self.model)
        chosen = [numbers[place] for place in new]
        images = [rows.images[number] for number in chosen]
        locations: Locations = {}
        if self.writer is not None and rows.has_embeddings:  # on the disk before a row refers to it
            locations = self.writer.write(images, _chosen(rows.embeddings, chosen))
        with self.catalog.transaction():
            scores = [rows.ood_scores[number] for number in chosen]
            record_answers(self.catalog, images, rows.logits[chosen], scores, model=self.model)
            ids = [rows.image_ids[number] for number in numbers]
            record_files(self.catalog, dict(zip(files.values(), ids, strict=True)), failures)
            if self.writer is not None:
                self.writer.record(locations)


def _file_of(one: Listed, root: bytes) -> CrawlFile | None:
    """The file of a crawl that a row of a listing is; None for what is no file of a folder, or by no possible name."""
    if one.tar is not None or not one.version.lstrip("-").isdecimal():
        return None
    try:
        path = root + b"/" + os.fsencode(unescaped(one.key))
    except UnicodeEncodeError:
        return None
    return CrawlFile(path, one.size_bytes, int(one.version))


def _chosen(batch: EmbeddingBatch, rows: list[int]) -> EmbeddingBatch:
    return EmbeddingBatch(
        image_ids=[batch.image_ids[row] for row in rows], embeddings=batch.embeddings[rows], stats=batch.stats[rows]
    )
