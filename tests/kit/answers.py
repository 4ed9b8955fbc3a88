"""Answers to a crawl as `illsort predict` writes them, made by the same loop as a sort's, without its scheduling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from classifier.catalog.connection import read_catalog
from classifier.catalog.halves import to_halves
from classifier.inference.device import runtime_from_settings
from classifier.inference.forward import TorchEngine
from classifier.inference.pipeline import Inferred, infer_with, open_pool
from classifier.inference.placing import place
from classifier.inference.reader import Reader, limits_from
from classifier.model.calibration import probabilities
from classifier.model.trained import load_network
from classifier.model.transforms import transform_of
from classifier.parts.answers_meta import AnswersMeta, answers_name
from classifier.parts.schema import Listed, answers_schema
from classifier.paths import to_text
from classifier.progress import SilentProgress
from classifier.records import time_of
from classifier.settings import RuntimeSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.inference.pipeline import InferenceFailure
    from classifier.model.bundle import Bundle

Row = dict[str, Any]
"""The columns of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a crawl was answered: the rows of each part, and what to write them with."""

    parts: list[list[Row]]
    bundle: Bundle
    embeddings: bool
    source: str = "file:///crawl"

    def files(self) -> dict[str, bytes]:
        """The files of answers, by name."""
        model = self.bundle.manifest.key
        return {answers_name(part, model): self._file(part, rows) for part, rows in enumerate(self.parts)}

    def write(self, folder: Path) -> Path:
        """Write the files into `folder`, made when missing, and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
        return folder

    def _file(self, part: int, rows: list[Row]) -> bytes:
        manifest = self.bundle.manifest
        meta = AnswersMeta(
            categories=manifest.categories,
            model=manifest.key,
            backbone=manifest.backbone_key,
            temperature=manifest.temperature,
            source=self.source,
            part=part,
        )
        schema = answers_schema(with_embeddings=self.embeddings).with_metadata(meta.as_metadata())
        sink = pa.BufferOutputStream()
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), sink, write_page_checksum=True)
        content: bytes = sink.getvalue().to_pybytes()
        return content


def answered(crawl: Path, bundle: Bundle, *, embeddings: bool = False, part_size: int = 4) -> Answered:
    """The answers of `bundle` to the files of `crawl` by path, hidden ones and those of another kind left out."""
    paths = sorted(path for path in crawl.rglob("*") if path.is_file() and path.suffix != ".txt")
    settings = Settings(runtime=RuntimeSettings(workers=0, device="cpu"))
    runtime, limits = runtime_from_settings(settings.runtime, training=False), limits_from(settings.images)
    head, detector = bundle.load_combined_head(), bundle.load_ood()
    needs_stats = head is not None or detector is not None
    engine = TorchEngine(place(load_network(bundle), runtime), runtime, stats=needs_stats)
    reader = Reader(
        transform=transform_of(bundle.manifest), max_megapixels=settings.images.max_megapixels, looks=embeddings
    )
    with open_pool(runtime, limits, SilentProgress()) as pool:
        results = list(infer_with(engine, paths, reader, runtime, pool=pool))
    rows = [_row(crawl, path, result, bundle) for path, result in zip(paths, results, strict=True)]
    parts = [rows[start : start + part_size] for start in range(0, len(rows), part_size)]
    return Answered(parts=parts, bundle=bundle, embeddings=embeddings)


def _row(crawl: Path, path: Path, result: Inferred | InferenceFailure, bundle: Bundle) -> Row:
    status = path.stat()
    listed = Listed(to_text(path.relative_to(crawl)), status.st_size, str(time_of(status)))
    if isinstance(result, Inferred):
        return listed._asdict() | _decoded(result, bundle)
    failure = result.failure
    return listed._asdict() | {
        "image_id": result.id,
        "failure": failure.kind.value,
        "failure_code": failure.detail.code.value,
        "failure_params": failure.detail.json,
    }


def _decoded(result: Inferred, bundle: Bundle) -> Row:
    head, detector = bundle.load_combined_head(), bundle.load_ood()
    image, embedding = result.image, result.embedding[None]
    stats = np.empty((1, 0), np.float32) if result.stats is None else result.stats[None]
    logits = result.logits[None] if head is None else head(embedding, stats)
    halves, scales = zip(to_halves(embedding), to_halves(stats), strict=True)
    return {
        "image_id": image.id,
        "width": image.width,
        "height": image.height,
        "truncated": image.truncated,
        "probabilities": probabilities(logits, bundle.manifest.temperature)[0].astype(np.float32),
        "logits": logits[0],
        "ood_score": None if detector is None else float(detector.score(stats, embedding)[0]),
        "embedding": halves[0][0],
        "stats": halves[1][0],
        "scales": [float(scale[0]) for scale in scales],
        "look": image.look,
    }


def decided(library: Path) -> list[tuple[Any, ...]]:
    """What a library's catalog says of each image, the confidence in four digits."""
    with read_catalog(library) as catalog:
        return sorted(
            (*row[:3], round(row[3], 4), row[4])
            for row in catalog.connection.execute(
                "SELECT picture, action, category, confidence, reason_code FROM decisions"
            ).fetchall()
        )


def rows_of(answers: Sequence[list[Row]]) -> list[Row]:
    """The rows of all parts."""
    return [row for part in answers for row in part]
