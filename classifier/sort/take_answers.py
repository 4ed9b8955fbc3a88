"""Records the answers of a model that were made elsewhere, part by part, as if the crawl's files had been read.

A file has an answer where it lies as it was listed, of that size and time; any other is read as always. So is one that
could not be read for a reason that may not hold here, and one that is too large for this sort. No picture is opened.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog.answered_files import (
    CrawlFile,
    record_answers,
    record_files,
    unread_as,
    without_answer,
    without_embedding,
)
from classifier.catalog.shards import EmbeddingBatch
from classifier.catalog.values import to_bytes
from classifier.errors import Counted, Message
from classifier.images.safe_open import is_too_long
from classifier.parts.answer_files import find_answers
from classifier.paths import unescaped
from classifier.sort.reuse_embeddings import open_embedding_writer
from classifier.sort.spread_answers import restore_own_answers

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.parts.answered_rows import AnsweredRows
    from classifier.parts.schema import Listed
    from classifier.progress import Progress
    from classifier.records import Failure, ImageInfo
    from classifier.sort.prepare import Prepared
    from classifier.sort.reuse_embeddings import EmbeddingWriter, Locations

_VERSION: Final = re.compile(r"-?[0-9]{1,19}")
"""Of a file: its time of change in nanoseconds. Objects of a bucket have other ones, such as an ETag."""
_INT64: Final = range(-(1 << 63), 1 << 63)


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
    taker = _Taker(
        catalog=catalog,
        run=ready.run,
        crawl=ready.crawl,
        model=model.manifest.key,
        backbone=model.manifest.backbone_key,
        max_megapixels=ready.settings.images.max_megapixels,
        writer=writer,
    )
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
    backbone: str
    max_megapixels: float
    writer: EmbeddingWriter | None

    def take(self, rows: AnsweredRows) -> tuple[int, int]:
        """Record what is new of these rows in one transaction; returns how many files had no answer, and are there."""
        images = dict(zip(rows.decoded.tolist(), rows.images, strict=True))
        failures = {place: one for place, one in rows.failures.items() if one.kind.is_of_content}
        files = self._files(rows, images, failures)
        places = list(files)
        wanted = [(files[place], images[place].id if place in images else None) for place in places]
        unread, there = unread_as(
            self.catalog,
            wanted,
            run=self.run,
            crawl=self.crawl,
            model=self.model,
            backbone=self.backbone if self._keeps(rows) else None,
        )
        found = [places[number] for number in unread]
        if found:
            self._record(
                rows,
                {place: files[place] for place in found if place in images},
                {files[place]: failures[place] for place in found if place in failures},
            )
        return sum(not is_answered for is_answered in unread.values()), there

    def _keeps(self, rows: AnsweredRows) -> bool:
        return self.writer is not None and rows.has_embeddings

    def _files(
        self, rows: AnsweredRows, images: dict[int, ImageInfo], failures: dict[int, Failure]
    ) -> dict[int, CrawlFile]:
        """By place, the files of the crawl whose answer also a sort that reads them would come to here."""
        root = to_bytes(self.crawl).rstrip(b"/")
        return {
            place: file
            for place, one in enumerate(rows.listed())
            if (place in images or place in failures)
            and (file := _file_of(one, root)) is not None
            and not self._is_too_large(file, images.get(place))
        }

    def _is_too_large(self, file: CrawlFile, image: ImageInfo | None) -> bool:
        """Whether it is refused here: the limits there may have been other ones."""
        if image is not None and image.width * image.height / 1e6 > self.max_megapixels:
            return True
        return is_too_long(file.size_bytes, max_megapixels=self.max_megapixels)

    def _record(self, rows: AnsweredRows, files: dict[int, CrawlFile], failures: dict[CrawlFile, Failure]) -> None:
        numbers = np.searchsorted(rows.decoded, list(files)).tolist()  # among the decoded rows
        ids = [rows.image_ids[number] for number in numbers]
        new = without_answer(self.catalog, ids, model=self.model)
        chosen = [numbers[place] for place in new]
        locations: Locations = {}
        if self.writer is not None and self._keeps(rows):  # on the disk before a row refers to it
            lacking = without_embedding(self.catalog, ids, backbone=self.backbone)
            kept = [numbers[place] for place in sorted({*new, *lacking})]
            locations = self.writer.write([rows.images[number] for number in kept], _chosen(rows.embeddings, kept))
        with self.catalog.transaction():
            images = [rows.images[number] for number in chosen]
            scores = [rows.ood_scores[number] for number in chosen]
            record_answers(self.catalog, images, rows.logits[chosen], scores, model=self.model)
            record_files(self.catalog, dict(zip(files.values(), ids, strict=True)), failures)
            if self.writer is not None:
                self.writer.record(locations)


def _file_of(one: Listed, root: bytes) -> CrawlFile | None:
    """The file of a crawl that a row of a listing is; None for what is no file of a folder, or by no possible name."""
    version = _VERSION.fullmatch(one.version)
    if one.tar is not None or version is None or int(version[0]) not in _INT64:
        return None
    try:
        path = root + b"/" + os.fsencode(unescaped(one.key))
    except UnicodeEncodeError:
        return None
    return CrawlFile(path, one.size_bytes, int(version[0]))


def _chosen(batch: EmbeddingBatch, rows: list[int]) -> EmbeddingBatch:
    return EmbeddingBatch(
        image_ids=[batch.image_ids[row] for row in rows], embeddings=batch.embeddings[rows], stats=batch.stats[rows]
    )
