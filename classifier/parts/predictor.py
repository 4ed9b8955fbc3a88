"""Answers the parts of a listing one after the other, by the one decode-and-forward loop that a sort has.

A part's file depends on its pictures, the model and `answers.json` alone: what is shared between parts, such as the
workers that decode, leaves no trace in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from classifier.errors import ModelError, StorageError, message_of
from classifier.inference.choose_engine import EngineChooser
from classifier.inference.forward import TorchEngine
from classifier.inference.pipeline import InferenceFailure, Inferred, infer_with, open_pool
from classifier.inference.placing import place
from classifier.inference.process import tune_malloc
from classifier.inference.reader import Reader, limits_from
from classifier.inference.scorer import scorer_of
from classifier.inference.settled import Machine, machine_of, same_bits
from classifier.model.bundle import open_bundle
from classifier.model.trained import load_network
from classifier.model.transforms import transform_of
from classifier.parts.answer_rows import AnswerRows
from classifier.parts.answer_settings import AnsweringModel
from classifier.parts.answers_meta import AnswersMeta, answers_name
from classifier.parts.fetched import Fetched
from classifier.parts.listing_files import read_listing, read_part_of
from classifier.progress import SilentProgress
from classifier.reason_text import reason_message
from classifier.records import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from classifier.inference.device import Runtime
    from classifier.inference.forward import Engine
    from classifier.model.bundle import Bundle
    from classifier.parts.answer_settings import AnswerSettings
    from classifier.parts.listing_files import Part
    from classifier.parts.storage import Storage
    from classifier.progress import Progress
    from classifier.records import Failure
    from classifier.settings import Settings

_OF_SOURCE: Final = frozenset({FailureKind.VANISHED, FailureKind.UNREADABLE})
_TOGETHER: Final = 64
"""Results that are scored together. Other numbers give other last bits."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Which listing is answered by which model into where; it can be sent to other processes and machines.

    The `model` folder must be there under the same path, as `source`, `parts` and `answers` must.
    """

    parts: Storage
    source: Storage
    answers: Storage
    model: Path
    settings: Settings
    agreed: AnswerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """A part whose file is in place: how many pictures it has, and how many of them could not be read."""

    number: int
    pictures: int
    failures: int


class Predictor:
    """A network and workers that decode, for one part after another. Leave it, or call `close`, to end them.

    Raises ModelError in one line where the model cannot be read or run.
    """

    def __init__(self, job: Job, runtime: Runtime, progress: Progress | None = None) -> None:
        tune_malloc()
        self._job = job
        self._runtime = runtime
        self._progress = progress or SilentProgress()
        _check_machine(runtime, job.agreed)
        self._bundle = open_bundle(job.model)
        self._scorer = scorer_of(self._bundle)
        self._reader = Reader(
            transform=transform_of(self._bundle.manifest),
            max_megapixels=job.agreed.max_megapixels,
            looks=job.agreed.embeddings,
        )
        self._limits = limits_from(job.settings.images)
        self._open_engine = self._engines()
        self._pool = open_pool(runtime, self._limits, self._progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers."""
        self._pool.close()

    def answer(self, number: int, advance: Callable[[int], None] = lambda _: None) -> PartReport:
        """Have the answers to a part in place; `advance` hears how many more pictures are done.

        Raises StorageError in one line where the part cannot be read, a store does not answer, the source is not there,
        or every picture fails for a reason that may pass; no file is left then.
        """
        part = read_part_of(self._job.parts, number, read_listing(self._job.parts))
        meta = meta_of(self._bundle, part)
        rows = AnswerRows(part.rows, meta, with_embeddings=self._job.agreed.embeddings)
        self._fill(rows, part, advance)
        self._check_source(part, rows.failures)
        self._put(answers_name(number, meta.model), rows.as_file())
        return PartReport(number=number, pictures=len(part.rows), failures=len(rows.failures))

    def _check_source(self, part: Part, failures: list[Failure]) -> None:
        """Raise StorageError in one line where the failures may be those of the source: a file is never made anew."""
        if any(failure.kind in _OF_SOURCE for failure in failures):
            self._job.source.check_there()
        passing = [failure for failure in failures if failure.kind.is_passing]
        if passing and len(passing) == len(part.rows):
            raise StorageError(
                "part {number}: none of its pictures can be read, as at the first: {why}; try again, or list the "
                "source again",
                number=part.number,
                why=reason_message(passing[0].detail),
            )

    def _put(self, name: str, content: bytes) -> None:
        """Put a file in place, unless others have begun meanwhile to answer otherwise."""
        try:
            self._job.agreed.agree(self._job.answers)
            AnsweringModel.of(self._bundle.manifest).agree(self._job.answers)
            self._job.answers.write_atomically(name, content)
        except OSError as error:  # of a folder of this machine
            raise StorageError("{url}: {why}", url=self._job.answers.url, why=message_of(error)) from error

    def _fill(self, rows: AnswerRows, part: Part, advance: Callable[[int], None]) -> None:
        """Add an answer to each row of the part."""
        with Fetched(part.rows, self._job.source, max_megapixels=self._job.agreed.max_megapixels) as paths:
            engine = self._open_engine()
            with same_bits():
                results = infer_with(engine, paths, self._reader, self._runtime, pool=self._pool)
                for group in _groups(_checked(results, paths), _TOGETHER):
                    self._add(rows, group)
                    advance(len(group))
            paths.check()

    def _add(self, rows: AnswerRows, group: list[Inferred | InferenceFailure]) -> None:
        scores = self._scorer.scores([result for result in group if isinstance(result, Inferred)])
        for result in group:
            if isinstance(result, InferenceFailure):
                rows.add_failure(result.failure, result.id)
            else:
                rows.add(result.image, scores[result.key], embedding=result.embedding, stats=result.stats)

    def _engines(self) -> Callable[[], Engine]:
        """What gives the engine of a part: one of torch goes on in another number type once numbers overflow."""
        stats = self._scorer.needs_stats
        if self._job.agreed.engine == "onnx":
            chooser = EngineChooser(
                bundle=self._bundle,
                runtime=self._runtime,
                reader=self._reader,
                limits=self._limits,
                stats=stats,
                progress=self._progress,
            )
            with same_bits():  # it keeps the number of threads
                engine = chooser.onnx_alone()
            return lambda: engine
        network = place(load_network(self._bundle), self._runtime)
        return lambda: TorchEngine(network, self._runtime, stats=stats, progress=self._progress)


def meta_of(bundle: Bundle, part: Part) -> AnswersMeta:
    """What the file of the answers to a part says of itself."""
    manifest = bundle.manifest
    return AnswersMeta(
        categories=manifest.categories,
        model=manifest.key,
        backbone=manifest.backbone_key,
        temperature=manifest.temperature,
        source=part.source,
        part=part.number,
    )


def _check_machine(runtime: Runtime, agreed: AnswerSettings) -> None:
    """Raise ModelError in one line where this machine would give other bits than the answers have."""
    found, wanted = machine_of(runtime), Machine(agreed.device, agreed.dtype, agreed.batch_size)
    if found != wanted:
        raise ModelError(
            "this machine computes on {found}, the answers on {wanted}; set runtime.device, amp_dtype and batch_size",
            found=", ".join(map(str, found)),
            wanted=", ".join(map(str, wanted)),
        )


def check_embeddings(bundle: Bundle) -> None:
    """Raise ModelError in one line where nobody could tell later which network made the embeddings."""
    if not bundle.manifest.backbone_key:
        raise ModelError(
            "{folder}: it was trained by an older illsort, and its embeddings would serve no other model; train again, "
            "or leave out --embeddings",
            folder=bundle.folder,
        )


def _checked(results: Iterable[Inferred | InferenceFailure], paths: Fetched) -> Iterator[Inferred | InferenceFailure]:
    """The results; of a picture that could not be fetched, or is not the one that was listed, a failure."""
    for result in results:
        failure = paths.failure(result.key, result.file)
        if isinstance(result, InferenceFailure):
            paths.judge(result.key, failure or result.failure)
        paths.done(result.key)
        yield result if failure is None else InferenceFailure(key=result.key, file=None, id=None, failure=failure)


def _groups(items: Iterable[T], count: int) -> Iterator[list[T]]:
    group: list[T] = []
    for item in items:
        group.append(item)
        if len(group) == count:
            yield group
            group = []
    if group:
        yield group
