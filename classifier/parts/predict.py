"""Answers a listing: finds the parts without a file, has them answered here or by several workers, says what failed."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.errors import IllsortError, Message, SettingsError, StorageError
from classifier.inference.settled import settled_runtime
from classifier.model.bundle import open_bundle
from classifier.parts.answer_settings import AnswerSettings
from classifier.parts.answers_meta import answers_name
from classifier.parts.dispatch import MOST_TRIES, Outcome, PartFailure, dispatch
from classifier.parts.listing_files import read_listing
from classifier.parts.predictor import Job, Predictor, check_embeddings
from classifier.parts.process_workers import ProcessWorkers
from classifier.parts.ray_workers import RayWorkers
from classifier.parts.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from classifier.parts.listing_files import Listing
    from classifier.parts.storage import Storage
    from classifier.progress import Progress, Stage
    from classifier.settings import Settings

_UNFINISHED: Final = re.compile(r"\.(?:part-[0-9]{5,}\.[0-9a-f]{12}\.parquet|answers\.json)\.[0-9a-f]{16}\.part")
_YOUNG_NS: Final = 3600 * 10**9
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
    job, listing = _job(parts, model=model, answers=answers, settings=settings, embeddings=embeddings)
    wanted = _wanted(listing, only)
    key = open_bundle(model).manifest.key
    there = set(job.answers.names())
    _remove_unfinished(job.answers, there)
    missing = [number for number in wanted if answers_name(number, key) not in there]
    outcome = Outcome()
    if missing:
        job.agreed.agree(job.answers)
        pictures = sum(_pictures(listing, number) for number in missing)
        with progress.stage(Message("predicting"), total=pictures, unit="picture") as stage:
            outcome = _run(job, missing, where, progress, stage)
    return Predicted(answers=job.answers.url, before=len(wanted) - len(missing), outcome=outcome)


def _remove_unfinished(answers: Storage, names: AbstractSet[str]) -> None:
    """Remove from a folder what a killed run was writing: what is younger than an hour, another may be writing now."""
    for name in names if answers.folder is not None else ():
        if _UNFINISHED.fullmatch(name) is None:
            continue
        with suppress(OSError):  # another has removed it
            if time.time_ns() - int(answers.stat(name).version) > _YOUNG_NS:
                answers.remove(name)


def _job(parts: str, *, model: Path, answers: str, settings: Settings, embeddings: bool) -> tuple[Job, Listing]:
    listed = open_storage(parts)
    listing = read_listing(listed)
    bundle = open_bundle(model)
    if embeddings:
        check_embeddings(bundle)
    runtime = settled_runtime(settings.runtime)
    agreed = AnswerSettings(
        source=listing.source,
        parts=listing.parts,
        pictures=listing.pictures,
        engine="onnx" if settings.runtime.engine == "onnx" else "torch",
        device=runtime.device.type,
        dtype=str(runtime.dtype).removeprefix("torch."),
        batch_size=runtime.batch_size,
        embeddings=embeddings,
        max_megapixels=float(settings.images.max_megapixels),
        deadline_seconds=float(settings.images.deadline_seconds),
        max_worker_gigabytes=float(settings.images.max_worker_gigabytes),
    )
    source, put = open_storage(listing.source), open_storage(answers)
    return Job(parts=listed, source=source, answers=put, model=model, settings=settings, agreed=agreed), listing


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


def _pictures(listing: Listing, number: int) -> int:
    return min(listing.part_size, listing.pictures - number * listing.part_size)


def _run(job: Job, parts: Sequence[int], where: Where, progress: Progress, stage: Stage) -> Outcome:
    if where.ray is not None:
        with RayWorkers(job, address=where.ray) as actors:
            return dispatch(parts, actors, stage, say=progress.say)
    if where.processes:
        with ProcessWorkers(job, most=where.processes) as processes:
            return dispatch(parts, processes, stage, say=progress.say)
    return _here(job, parts, progress, stage)


def _here(job: Job, parts: Sequence[int], progress: Progress, stage: Stage) -> Outcome:
    """One after the other; what a store refuses to three parts in a row, it refuses to all."""
    outcome, failed_in_a_row = Outcome(), 0
    runtime = settled_runtime(job.settings.runtime)
    runtime.report(progress)
    with Predictor(job, runtime, progress) as predictor:
        for at, number in enumerate(parts):
            stage.note(Message("part {number} of {count}", number=at + 1, count=len(parts)))
            try:
                outcome.done.append(predictor.answer(number, stage.advance))
                failed_in_a_row = 0
            except IllsortError as error:
                failed_in_a_row += 1
                left = parts[at:] if failed_in_a_row == MOST_TRIES else [number]
                outcome.failed += [PartFailure(part, error.message) for part in left]
                if failed_in_a_row == MOST_TRIES:
                    break
    return outcome
