"""Training from settings to bundle: read the labels, split, train, save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from classifier.errors import Counted, CrawlError, Message, ModelError, message_of
from classifier.exclude import Exclude
from classifier.inference.device import Runtime, runtime_from_settings
from classifier.inference.pipeline import open_pool
from classifier.inference.placing import place
from classifier.inference.process import tune_malloc
from classifier.inference.reader import limits_from
from classifier.inference.worker_pool import WorkerPool
from classifier.labels.dataset import read_examples
from classifier.labels.load import categories_of
from classifier.labels.near_duplicates import group_near_duplicates
from classifier.labels.posts import read_posts
from classifier.labels.random_draw import Drawn, apply_draws
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.bundle_files import MANIFEST
from classifier.model.fitted_images import FittedImages
from classifier.model.install import check_target
from classifier.model.manifest import is_interim
from classifier.model.start import Start, load_start
from classifier.paths import given_path
from classifier.progress import Progress, SilentProgress, combined
from classifier.records import Example, Failure, Label
from classifier.settings import Settings
from classifier.training import checkpoint
from classifier.training.beforehand import say_duration
from classifier.training.context import Hyperparameters, TrainingContext
from classifier.training.dataset import read_in_workers
from classifier.training.kept_embeddings import KeptEmbeddings, read_kept
from classifier.training.labels import (
    Gathered,
    evidence_summary,
    fitted_before,
    gather,
    mark_fitted,
    split_examples,
    split_summary,
)
from classifier.training.micro_batches import MicroBatches
from classifier.training.near_duplicates import near_examples
from classifier.training.processes import ALONE, Processes
from classifier.training.pseudo_labels import sample, sample_size
from classifier.training.recipe import Plan, finetuning, most_learned, only_a_head, plan_for
from classifier.training.saving import FINETUNE_SECONDS, Saving, has_begun, note_begin, training_key
from classifier.training.stages import stage_costs
from classifier.training.train import Trained, train


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """A saved bundle, what the held-out labels say of it (as in its evaluation.json), and the labels left out."""

    bundle: Bundle
    evaluation: dict[str, Any]
    unreadable: tuple[tuple[Label, Failure], ...]


def train_model(
    settings: Settings,
    *,
    progress: Progress | None = None,
    ask: Callable[[Message], bool] | None = None,
    processes: Processes = ALONE,
) -> TrainingResult:
    """Train on the labels that `settings` name and write the bundle to `model.folder`.

    A killed run goes on when called again with the same settings and labels. `ask` asks a person whether what they did
    in `labels.library` is to be learned from. It is for the main one of several `processes`; `helping.help_main` is for
    the others. Raises IllsortError in one line.
    """
    progress, settings = progress or SilentProgress(), _located(settings)
    folder = _target(settings)
    _check_backbone(settings)
    gathered = gather(settings, progress, ask=ask)
    categories = categories_of(gathered.labels)
    progress.detail(tune_malloc())
    runtime = processes.runtime(runtime_from_settings(settings.runtime))
    runtime.report(progress)
    with open_pool(runtime, limits_from(settings.images), progress) as pool:
        start = load_start(settings, num_categories=len(categories), progress=progress)
        followed = _plan(settings, folder, runtime, has_begun=False).settings
        say_duration(gathered.labels, followed, start=start, runtime=runtime, pool=pool, progress=progress)
        labels = _read(gathered, settings, pool, progress)
        sample, groups = labels.sample, labels.groups
        state, backbone = _state_of(folder), start.network.backbone_sha256()
        identify = partial(training_key, backbone=backbone, examples=sample.examples)
        plan = _plan(settings, folder, runtime, has_begun=has_begun(state, identify(finetuning(settings))))
        settings, key = plan.settings, identify(plan.settings)
        splits = split_examples(settings, sample.examples, groups)
        progress.say(split_summary(sample.examples, splits))
        _say_sampled(settings, len(sample.examples), progress)
        recipe = _recipe(settings, start, tunings=_tunings(settings, sum(bool(split.validation) for split in splits)))
        run = TrainingContext(
            network=place(start.network, runtime).eval(),
            categories=categories,
            recipe=recipe,
            transform=start.transform,
            runtime=runtime,
            micro_batches=MicroBatches(runtime.device, most=recipe.batch_size, say=progress.say),
            max_megapixels=settings.images.max_megapixels,
            pool=pool,
            folder=state,
            progress=progress,
            processes=processes,
        )
        crawl = _unlabeled(run, settings, sample.examples + sample.without_category)
        run = replace(run, crawl=crawl, kept=_kept(settings, start.backbone_key(backbone), sample.examples))
        saving = Saving(
            folder=folder,
            settings=settings,
            license=start.license,
            sample=sample,
            groups=dict(zip(sample.examples, groups, strict=True)),
            before=labels.before,
            parts=len(splits),
            key=key,
            tags=start.tags,
            view_size=recipe.image_size,
        )
        if recipe.recipe == "finetune":
            note_begin(state, key)
        with combined(progress, Message("training"), stage_costs(run, splits)) as whole:
            run = replace(run, progress=whole)
            trained = train(run, splits, on_head=partial(saving.save_head, run) if plan.head_first else _ignore)
            bundle, evaluation = saving.save(run.sharper if trained.is_sharper else run, trained)
        checkpoint.remove(state)
        pool.watch.report(progress)
        if plan.left_out:
            progress.say(only_a_head(float(bundle.manifest.measured[FINETUNE_SECONDS] or 0)))
        unread = tuple((example.label, failure) for example, failure in trained.unread)
        return TrainingResult(bundle=bundle, evaluation=evaluation, unreadable=labels.failures + unread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labels:
    """Labels that were read: with the near-duplicate group of each, and what the backbone was fitted to before."""

    sample: Drawn
    groups: list[int]
    before: FittedImages
    failures: tuple[tuple[Label, Failure], ...]


def _read(gathered: Gathered, settings: Settings, pool: WorkerPool, progress: Progress) -> _Labels:
    read = partial(read_in_workers, pool=pool, max_megapixels=settings.images.max_megapixels)
    labeled, failures = read_examples(gathered.labels, read=read, progress=progress, feedback=gathered.feedback)
    before = fitted_before(settings)
    sample = mark_fitted(apply_draws(labeled, gathered.draws), before)
    progress.say(evidence_summary(sample, before))
    with progress.stage(Message("comparing labels"), total=None, unit=""):
        groups = _groups(sample.examples, progress)
    return _Labels(sample=sample, groups=groups, before=before, failures=failures)


def _groups(examples: Sequence[Example], progress: Progress) -> list[int]:
    """The near-duplicate group of each example, in which the pages of one post are together too."""
    posts = read_posts(example.label.path for example in examples)
    if posts.unreadable:
        progress.say(
            Counted(
                "{count:,} .json file beside labeled pictures cannot be read and is passed over",
                "{count:,} .json files beside labeled pictures cannot be read and are passed over",
                count=posts.unreadable,
            )
        )
    return group_near_duplicates(examples, near=near_examples(examples), posts=posts.of)


def _plan(settings: Settings, folder: Path, runtime: Runtime, *, has_begun: bool) -> Plan:
    has_model = (folder / MANIFEST).exists() and not is_interim(folder)
    has_gpu = runtime.device.type != "cpu"
    return plan_for(settings, has_gpu=has_gpu, has_begun=has_begun, has_model=has_model)


def _say_sampled(settings: Settings, labels: int, progress: Progress) -> None:
    """Say it where fine-tuning does not learn from all labels."""
    limit = settings.train.finetune_labels
    if settings.train.recipe == "finetune" and most_learned(limit, labels) < labels:
        progress.say(
            Message(
                "fine-tuning learns from {limit:,} of them, and the head from all: train.finetune_labels",
                limit=limit,
            )
        )


def _ignore(_: Trained) -> None:
    pass


def _located(settings: Settings) -> Settings:
    """The same with labels named from the root on: the record of them is read from other folders."""
    labels = settings.labels
    paths = {name: path.absolute() for name in ("folder", "csv", "library") if (path := getattr(labels, name))}
    return settings.model_copy(update={"labels": labels.model_copy(update=paths)})


def _check_backbone(settings: Settings) -> None:
    """A bundle as the start is refused before the work when it is damaged, as it is when it is sorted with."""
    name = settings.model.backbone.removeprefix("local-dir:")
    if name != settings.model.backbone and (given_path(name) / MANIFEST).is_file():
        open_bundle(given_path(name))


def _target(settings: Settings) -> Path:
    """Where the bundle goes; refused before the work, not after it."""
    if settings.model.folder is None:
        raise ModelError("model.folder is not set: say where the model goes, for example --model ~/models/mine")
    check_target(settings.model.folder)
    checkpoint.check(_state_of(settings.model.folder))
    return settings.model.folder


def has_state(settings: Settings) -> bool:
    """Whether the state of a training with these settings is kept, from which the next one goes on."""
    return settings.model.folder is not None and any(_state_of(settings.model.folder).glob("*.pt"))


def _state_of(folder: Path) -> Path:
    """Where a training for the bundle in `folder` keeps its state until it is over."""
    return folder.with_name(f"{folder.name}.training")


def _tunings(settings: Settings, folds: int) -> int:
    """How often a network is fine-tuned: for each fold and for good; with a crawl twice each."""
    return (folds + 1) * (1 if settings.train.unlabelled is None else 2)


def _recipe(settings: Settings, start: Start, *, tunings: int) -> Hyperparameters:
    return Hyperparameters.from_settings(
        settings.train, image_size=start.view_size, most_seconds=60 * settings.train.minutes / tunings
    )


def _kept(settings: Settings, key: str, examples: tuple[Example, ...]) -> KeptEmbeddings:
    """Those that labeling or sorting left where labels come from."""
    libraries = (settings.labels.folder, settings.labels.library)
    return read_kept(libraries, examples, backbone=key)


def _unlabeled(run: TrainingContext, settings: Settings, labeled: tuple[Example, ...]) -> tuple[Example, ...]:
    """The crawl to learn from, as far as it is looked at. Raises CrawlError when it cannot be."""
    crawl = settings.train.unlabelled
    if crawl is None or run.recipe.recipe == "head":
        return ()
    try:
        paths, found = sample(
            crawl,
            count=sample_size(len(labeled)),
            seed=settings.train.seed,
            labels=None if settings.labels.csv else settings.labels.folder,
            exclude=Exclude(settings.images.exclude),
        )
    except OSError as error:
        why = message_of(error)
        raise CrawlError("train.unlabelled = {crawl}: cannot be listed ({why})", crawl=crawl, why=why) from None
    for sentence in (*found.sentences(), *found.complaints):
        run.progress.say(sentence)
    run.progress.say(
        Counted(
            "Learning from the crawl too: {looked_at:,} of its {count:,} picture are looked at.",
            "Learning from the crawl too: {looked_at:,} of its {count:,} pictures are looked at.",
            count=found.pictures,
            looked_at=len(paths),
        )
    )
    return run.look(paths, without=frozenset(example.image_id for example in labeled))
