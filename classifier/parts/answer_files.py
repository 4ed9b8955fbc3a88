"""Finds the answers of a model in a folder or bucket, and reads them part by part.

A file in a folder is read some thousands of rows at a time, one in a bucket at once.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import parquet

from classifier.errors import Message, StorageError
from classifier.images.safe_open import open_regular
from classifier.parts.answer_settings import ANSWERS_FILE
from classifier.parts.answered_rows import AnsweredRows
from classifier.parts.answers_meta import AnswersMeta, part_and_model, part_of, short_key
from classifier.parts.schema import answers_schema
from classifier.parts.storage import open_storage
from classifier.paths import command, from_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.model.bundle import Bundle
    from classifier.parts.storage_types import Storage

_ROWS: Final = 4096
_KEPT: Final = ("embedding", "stats", "scales", "look")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFolder:
    """The answers of one model: `names` are its files by part; `meta` is what the first of them says of itself."""

    storage: Storage
    names: tuple[str, ...]
    meta: AnswersMeta
    has_embeddings: bool

    def identity(self, name: str) -> str:
        """What tells the content of a file from any other that was at its name.

        Raises StorageError, and OSError where the file is gone or cannot be read.
        """
        if self.storage.folder is None:
            stored = self.storage.stat(name)
            return f"{stored.size_bytes} {stored.version}"
        with open_regular(self.storage.folder / from_text(name)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def missing(self) -> int:
        """How many parts have no answers: of all that were listed, or else of those before the last that has."""
        last = part_of(self.names[-1])
        return max(last + 1, _parts_listed(self.storage)) - len(self.names)

    def rows(self, name: str, *, images: bool = False, embeddings: bool = False) -> Iterator[AnsweredRows]:
        """The rows of a file in order, some thousands at a time.

        With `images` their sizes are checked too, and with `embeddings` what is kept for other heads is read, where
        there is any. Raises StorageError in one line where the file is damaged, or of anything else than the first one.
        """
        with _opened(self.storage, name) as file:
            meta = _meta(file)
            if _answered_by(meta) != _answered_by(self.meta):
                raise ValueError("of another model")
            if meta.source != self.meta.source:
                raise StorageError(
                    "{url}: holds answers to {source} and to {other}; keep those of each listing in a folder of its "
                    "own",
                    url=self.storage.url,
                    source=self.meta.source,
                    other=meta.source,
                )
            if meta.part != part_of(name):
                raise ValueError("of another part")
            kept = embeddings and "embedding" in file.schema_arrow.names
            columns = [one for one in file.schema_arrow.names if kept or one not in _KEPT]
            for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
                rows = AnsweredRows(batch, categories=len(meta.categories))
                rows.check(images=images)
                yield rows


def find_answers(given: str, model: Bundle, *, other_heads: bool = False) -> AnswerFolder:
    """The answers of `model` at a path or URL; with `other_heads`, else of a model of the same backbone.

    The latter keep the embeddings, by which `model` can answer. Raises StorageError in one line where there are none.
    """
    storage, manifest = open_storage(given), model.manifest
    by_model: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in storage.names():
        if (found := part_and_model(name)) is not None:
            by_model[found[1]].append((found[0], name))
    if not by_model:
        again = command("predict", "PARTS", "--model", model.folder, "--to", storage.url)
        raise StorageError("{url}: holds no answers; make them with: {command}", url=storage.url, command=again)
    if own := by_model.get(short_key(manifest.key)):
        folder = _folder(storage, own)
        if (folder.meta.model, folder.meta.categories) == (manifest.key, manifest.categories):
            return folder
    others = sorted(by_model.values(), key=len, reverse=True)
    for one in others if other_heads and manifest.backbone_key else ():
        folder = _folder(storage, one)
        if folder.meta.backbone == manifest.backbone_key and folder.has_embeddings:
            return folder
    raise StorageError(_refusal(storage.url, model, list(by_model), other_heads=other_heads))


def _refusal(url: str, model: Bundle, found: Sequence[str], *, other_heads: bool) -> Message:
    given = {"url": url, "found": ", ".join(sorted(found)), "model": model.folder, "key": short_key(model.manifest.key)}
    if other_heads:
        return Message(
            "{url}: its answers are of another model ({found}) than {model} ({key}), and keep no embeddings of its "
            "backbone; run illsort predict with this one",
            **given,
        )
    return Message(
        "{url}: its answers are of another model ({found}) than {model} ({key}): run illsort predict with this one, or "
        "give the one that answered",
        **given,
    )


def _folder(storage: Storage, found: list[tuple[int, str]]) -> AnswerFolder:
    names = tuple(name for _, name in sorted(found))
    with _opened(storage, names[0]) as file:
        return AnswerFolder(
            storage=storage, names=names, meta=_meta(file), has_embeddings="embedding" in file.schema_arrow.names
        )


@contextmanager
def _opened(storage: Storage, name: str) -> Iterator[Any]:
    """A file of answers, its columns and checksums checked; of a folder in place, of a bucket read at once."""
    try:
        if storage.folder is None:
            yield parquet.ParquetFile(pa.BufferReader(storage.read_bytes(name)), page_checksum_verification=True)
            return
        with open_regular(storage.folder / from_text(name)) as opened:
            yield parquet.ParquetFile(opened, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StorageError(
            "{url}/{name}: is damaged, or no answers of illsort; remove it and run illsort predict again",
            url=storage.url,
            name=name,
        ) from error


def _meta(file: Any) -> AnswersMeta:
    """Raises ValueError where the file is of another kind."""
    schema = file.schema_arrow
    meta = AnswersMeta.from_metadata(schema.metadata)
    if not any(schema.equals(answers_schema(with_embeddings=kept)) for kept in (False, True)):
        raise ValueError("of other columns")
    return meta


def _parts_listed(storage: Storage) -> int:
    """How many parts the answers are to be of; 0 where nothing says it."""
    try:
        return int(json.loads(storage.read_bytes(ANSWERS_FILE))["parts"])
    except (FileNotFoundError, LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return 0


def _answered_by(meta: AnswersMeta) -> tuple[str, str, tuple[str, ...]]:
    return meta.model, meta.backbone, meta.categories
