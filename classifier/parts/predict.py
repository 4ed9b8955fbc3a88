"""Answers a listing: finds the parts without a file, has them answered here or by several workers, says what failed."""

from __future__ import annotations

import re
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Message, SettingsError, StorageError
from classifier.inference.device import cores
from classifier.inference.settled import machine_of, settled_runtime
from classifier.model.bundle import open_bundle
from classifier.parts.answer_settings import AnsweringModel, AnswerSettings
from classifier.parts.answers_meta import answers_name
from classifier.parts.dispatch import Outcome, dispatch
from classifier.parts.listing_files import read_listing, rows_of_part
from classifier.parts.one_by_one import one_by_one
from classifier.parts.predictor import Job, Predictor, check_embeddings
from classifier.parts.process_workers import ProcessWorkers
from classifier.parts.ray_workers import RayWorkers, connected, machine_there
from classifier.parts.storage import open_storage
from classifier.paths import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from classifier.inference.settled import Machine
    from classifier.parts.listing_files import Listing
    from classifier.parts.storage import Storage
    from classifier.progress import Progress, Stage
    from classifier.settings import Settings

_UNFINISHED: Final = re.compile(
    r"\.(?:part-[0-9]{5,}\.[0-9a-f]{12}\.parquet|answers(?:\.[0-9a-f]{12})?\.json)\.[0-9a-f]{16}\.part"
)
_YOUNG_NS: Final = 3600 * 10**9
_MANY_CORES: Final = 4
_PROCESSES: Final = re.compile(r"processes:([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What runs the predictors: this process, several of this machine, or Ray at an address ("" is of its own)."""

    processes: int = 0
    ray: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What became of a listing: how many parts had their files before, and what became of the others."""

    answers: str
    before: int
    outcome: Outcome


def where_from(text: str) -> Where:
    """What `--on` says. Raises SettingsError in one line for anything else."""
    if text == "here":
        return Where()
    if (found := _PROCESSES.fullmatch(text)) is not None:
        return Where(processes=int(found[1]))
    if text == "ray" or text.startswith("ray:"):
        return Where(ray=text[4:])
    raise SettingsError("--on {given}: give here, processes:N, ray, or ray:ADDRESS", given=text)


def predict_parts(
    parts: str,
    *,
    model: Path,
    answers: str,
    settings: Settings,
    embeddings: bool = False,
    where: Where = Where(),
    only: int | None = None,
    progress: Progress,
) -> Predicted:
    """Have the answers of a model to each part of a listing, or to one, in their files.

    Raises StorageError, ModelError and SettingsError in one line where nothing can be done; a part that cannot be done
    is listed.
    """
    with nullcontext() if where.ray is None else connected(where.ray) as ray:
        runtime = settings.runtime
        machine = machine_of(settled_runtime(runtime)) if ray is None else machine_there(ray, runtime)
        job, listing = _job(parts, model, answers, settings, embeddings=embeddings, machine=machine)
        wanted = _wanted(listing, only)
        missing = _missing(job, wanted)
        outcome = Outcome()
        if missing:
            source = open_storage(listing.source)
            if ray is None and source.folder is not None:  # a cluster's machines may have what this one has not
                source.check_there()
            pictures = sum(rows_of_part(listing, number) for number in missing)
            with progress.stage(Message("predicting"), total=pictures, unit="picture") as stage:
                outcome = _run(job, missing, where, ray, progress=progress, stage=stage)
    return Predicted(answers=job.answers.url, before=len(wanted) - len(missing), outcome=outcome)


def _missing(job: Job, wanted: Sequence[int]) -> list[int]:
    """The parts without a file, once it is clear that the files that are there are of the same kind."""
    manifest = open_bundle(job.model).manifest
    job.agreed.agree(job.answers)
    AnsweringModel.of(manifest).agree(job.answers)
    there = set(job.answers.names())
    _remove_unfinished(job.answers, there)
    return [number for number in wanted if answers_name(number, manifest.key) not in there]


def _remove_unfinished(answers: Storage, names: AbstractSet[str]) -> None:
    """Remove from a folder what a killed run was writing: what is younger than an hour, another may be writing now."""
    for name in names if answers.folder is not None else ():
        if _UNFINISHED.fullmatch(name) is None:
            continue
        with suppress(OSError):  # another has removed it
            if time.time_ns() - int(answers.stat(name).version) > _YOUNG_NS:
                answers.remove(name)


def _job(
    parts: str, model: Path, answers: str, settings: Settings, *, embeddings: bool, machine: Machine
) -> tuple[Job, Listing]:
    listed = open_storage(parts)
    listing = read_listing(listed)
    bundle = open_bundle(model)
    if embeddings:
        check_embeddings(bundle)
    agreed = AnswerSettings(
        source=to_text(listing.source),
        parts=listing.parts,
        pictures=listing.pictures,
        engine="onnx" if settings.runtime.engine == "onnx" else "torch",
        **machine._asdict(),
        embeddings=embeddings,
        max_megapixels=float(settings.images.max_megapixels),
        deadline_seconds=float(settings.images.deadline_seconds),
        max_worker_gigabytes=float(settings.images.max_worker_gigabytes),
    )
    source, put = open_storage(listing.source), open_storage(answers)
    there = model.absolute()  # an actor of Ray runs in a folder of its own
    return Job(parts=listed, source=source, answers=put, model=there, settings=settings, agreed=agreed), listing


def _wanted(listing: Listing, only: int | None) -> list[int]:
    if only is None:
        return list(range(listing.parts))
    if not 0 <= only < listing.parts:
        raise StorageError(
            "--part {number}: the listing has {count} parts, from 0 to {last}",
            number=only,
            count=listing.parts,
            last=listing.parts - 1,
        )
    return [only]


def _run(job: Job, parts: Sequence[int], where: Where, ray: Any, *, progress: Progress, stage: Stage) -> Outcome:
    if ray is not None:
        with RayWorkers(job, ray) as actors:
            return dispatch(parts, actors, stage, say=progress.say)
    if where.processes:
        with ProcessWorkers(job, most=where.processes) as processes:
            return dispatch(parts, processes, stage, say=progress.say)
    return _here(job, parts, progress, stage)


def _here(job: Job, parts: Sequence[int], progress: Progress, stage: Stage) -> Outcome:
    runtime = settled_runtime(job.settings.runtime)
    runtime.report(progress)
    if runtime.device.type == "cpu" and cores() >= _MANY_CORES:
        count = cores() // 2
        progress.say(Message("One thread computes; all cores are used by: --on processes:{count}", count=count))
    with Predictor(job, runtime, progress) as predictor:
        return one_by_one(parts, predictor.answer, stage, say=progress.say)
