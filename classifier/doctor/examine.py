"""All that `illsort doctor` looks at, in order: what is known at once first, what is measured last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.doctor.crawl import Crawl, look_through
from classifier.doctor.disks import examine_disks, examine_room
from classifier.doctor.estimate import Estimate
from classifier.doctor.finding import Finding, problem
from classifier.doctor.hub import examine_hub
from classifier.doctor.long_paths import examine_paths
from classifier.doctor.packages import examine_packages
from classifier.errors import Message, message_of
from classifier.exclude import Exclude
from classifier.sort.scan import checked_crawl, readable_crawl

if TYPE_CHECKING:
    from types import ModuleType

    from classifier.progress import Progress
    from classifier.settings import Settings

_SAMPLE: Final = 64 + 16
"""Pictures to measure with, and one for each reading process to start with."""
_COPYING: Final = frozenset({"disk.no_links", "disk.apart"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is looked at: a crawl, if any, where its library is to be, and with `offline` no host is asked."""

    settings: Settings
    crawl: Path | None
    out: Path
    offline: bool


def requested(settings: Settings, *, crawl: Path | None, out: Path | None, offline: bool) -> Request:
    """The request of a user, who may name no library. Raises CrawlError or LibraryError as a sort does."""
    if crawl is not None:
        crawl = readable_crawl(crawl) if out is None else checked_crawl(crawl, out)
    return Request(settings=settings, crawl=crawl, out=out or Path(), offline=offline)


def examine(request: Request, progress: Progress) -> Iterator[Finding | Estimate]:
    """Findings as they come, and an estimate for each backbone that was measured on the crawl.

    Raises OSError when the crawl cannot be listed.
    """
    yield from examine_packages()
    loaded = _load_torch(progress)
    if isinstance(loaded, Finding):
        yield loaded
    else:
        yield from loaded.machine.examine_machine(request.settings)
    disks = list(examine_disks(request.out, crawl=request.crawl))
    yield from disks
    if not request.offline:
        with progress.stage(Message("asking the hub and its mirrors"), total=None, unit=""):
            answers = list(examine_hub(request.settings.model.backbone, request.settings.hub))
        yield from answers
    depth = request.settings.labels.depth
    if request.crawl is None:
        yield from examine_paths(request.out, longest_path=0, longest_name=0, depth=depth)
        yield examine_room(request.out, needed=0, copies=None)
        return
    crawl = _counted(request, request.crawl, progress)
    yield crawl.finding()
    longest = {"longest_path": crawl.longest_path, "longest_name": crawl.longest_name}
    yield from examine_paths(request.out, **longest, depth=depth)
    estimates = []
    if crawl.count and not isinstance(loaded, Finding):
        for found in loaded.measuring.measure_all(crawl, request.settings, progress):
            estimates += [found.disk] if isinstance(found, Estimate) else []
            yield found
    copies = any(finding.code in _COPYING for finding in disks)
    yield examine_room(request.out, needed=next(iter(estimates), 0), copies=crawl.size_bytes if copies else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The modules that need torch."""

    machine: ModuleType
    measuring: ModuleType


def _load_torch(progress: Progress) -> _Loaded | Finding:
    try:
        with progress.stage(Message("starting the network"), total=None, unit=""):
            from classifier.doctor import machine, measuring  # noqa: PLC0415 - that it does not load is a finding
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        return problem(
            "torch",
            Message("torch, torchvision or timm cannot be loaded: {why}", why=message_of(error)),
            Message(
                "python -m pip install --force-reinstall torch torchvision, in one command so that they fit each "
                "other; on Windows also Microsoft's current Visual C++ Redistributable"
            ),
        )
    return _Loaded(machine=machine, measuring=measuring)


def _counted(request: Request, folder: Path, progress: Progress) -> Crawl:
    out = request.out.resolve()
    skip = [] if folder.resolve().is_relative_to(out) else [out]
    exclude = Exclude(request.settings.images.exclude)
    return look_through(folder, skip=skip, exclude=exclude, wanted=_SAMPLE, progress=progress)
