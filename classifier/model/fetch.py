"""Fetches what a network is built from: from the cache without a network, else from the hub, a mirror or ModelScope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from filelock import Timeout
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock

from classifier.errors import Message, ModelError, message_of
from classifier.model.bundle_files import CONFIG, WEIGHTS
from classifier.model.download import Remote, download
from classifier.model.hub_answers import Missing, Offline, Unavailable, tried
from classifier.model.hub_hosts import hub_endpoint, modelscope_host, ways_out
from classifier.model.huggingface import HuggingFace
from classifier.model.modelscope import ModelScope
from classifier.model.origin import HUB, MODELSCOPE, refused
from classifier.model.weights import ALLOW_PICKLE
from classifier.progress import SilentProgress
from classifier.setting_sections import HubSettings

if TYPE_CHECKING:
    from classifier.progress import Progress

_PICKLE: Final = "pytorch_model.bin"
_SAFE_NAMES: Final = {_PICKLE: WEIGHTS, "open_clip_pytorch_model.bin": "open_clip_model.safetensors"}


class Source(Protocol):
    """A repository: what of it is here, and where what is not here comes from. `find` raises Unavailable."""

    host: str

    @property
    def folder(self) -> Path: ...  # noqa: D102 - the classes say it
    def cached(self, file: str) -> Path | None: ...  # noqa: D102
    def find(self, file: str) -> Remote: ...  # noqa: D102
    def part_of(self, remote: Remote) -> Path: ...  # noqa: D102
    def lock_of(self, remote: Remote) -> Path: ...  # noqa: D102
    def path_of(self, remote: Remote) -> Path: ...  # noqa: D102
    def place(self, remote: Remote) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Where from, whether pickles too, and where to it is reported. Raises ModelError in one line, with three ways out.

    What is in the cache is used without a network.
    """

    hub: HubSettings = field(default_factory=HubSettings)
    allow_pickle: bool = False
    progress: Progress = field(default_factory=SilentProgress)

    def folder(self, backbone: str) -> Path:
        """A folder with `config.json` and the weights of an `hf-hub:` or `modelscope:` backbone."""
        weights = (WEIGHTS, _PICKLE) if self.allow_pickle else (WEIGHTS,)
        return self._files(backbone, backbone, ((CONFIG,), weights))[-1].parent

    def beside(self, backbone: str, name: str) -> Path | None:
        """Another file of an `hf-hub:` or `modelscope:` backbone; None where it cannot be had."""
        try:
            return self._files(backbone, backbone, ((name,),))[0]
        except ModelError:
            return None

    def weights(self, backbone: str, own: str, *, at: str) -> Path:
        """The weights of a timm model, which the repository `at` has under the name `own`, or as safetensors."""
        names = (_SAFE_NAMES.get(own, own), *((own, _PICKLE) if self.allow_pickle else ()))
        return self._files(backbone, at, (names,))[0]

    def _files(self, backbone: str, at: str, wanted: Sequence[tuple[str, ...]]) -> list[Path]:
        """For each of `wanted`, the first of these files that the repository `at` has."""
        try:
            source = _source(at, self.hub)
            paths = [_cached(source, names) for names in wanted]
            if None in paths:
                _check_online(source, wanted[paths.index(None)][0])
                paths = [_fetched(source, names, self.progress) for names in wanted]
        except Offline as error:
            raise refused(backbone, error.why) from None
        except Unavailable as error:
            raise refused(backbone, Message("{why}; {advice}", why=error.why, advice=ways_out(at, self.hub))) from None
        return [path for path in paths if path is not None]


FETCHER: Final = Fetcher()
"""From the hub, safetensors only, without a word."""


def _source(backbone: str, hub: HubSettings) -> Source:
    if backbone.startswith(MODELSCOPE):
        return ModelScope(backbone.removeprefix(MODELSCOPE), host=modelscope_host())
    return HuggingFace(backbone.removeprefix(HUB), endpoint=hub_endpoint(hub))


def _cached(source: Source, names: Sequence[str]) -> Path | None:
    return next((path for name in names if (path := source.cached(name)) is not None), None)


def _check_online(source: Source, name: str) -> None:
    """Raise Offline where no network may be used."""
    if constants.HF_HUB_OFFLINE:
        raise Offline(
            Message(
                "HF_HUB_OFFLINE is set, and {name} is not in {folder}; unset it, or download the folder by hand "
                "(model.backbone=local-dir:/folder)",
                name=name,
                folder=source.folder,
            )
        )


def _fetched(source: Source, names: Sequence[str], progress: Progress) -> Path:
    """Raises Missing where the repository has none of `names`."""
    remote = _found(source, names, progress)
    if not source.path_of(remote).is_file():
        try:
            _download(source, remote, progress)
        except OSError as error:
            why = Message("{path} cannot be written: {why}", path=source.folder, why=message_of(error))
            raise Unavailable(why) from None
    return source.path_of(remote)


def _found(source: Source, names: Sequence[str], progress: Progress) -> Remote:
    with progress.stage(Message("asking {host} for {name}", host=source.host, name=names[0]), total=None, unit=""):
        for name in names:
            try:
                return tried(partial(source.find, name), progress)
            except Missing as error:
                missing = error
    if names == (WEIGHTS,):
        raise Unavailable(Message("{why}; {advice}", why=missing.why, advice=ALLOW_PICKLE))
    raise missing


def _download(source: Source, remote: Remote, progress: Progress) -> None:
    """One process at a time; who waited finds the file there."""
    lock = source.lock_of(remote)
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with WeakFileLock(lock, timeout=0.1):
            _download_and_place(source, remote, progress)
    except Timeout:
        progress.say(Message("{name} is being downloaded by another program; waiting for it", name=remote.name))
        with progress.stage(Message("waiting for {name}", name=remote.name), total=None, unit=""), WeakFileLock(lock):
            _download_and_place(source, remote, progress)


def _download_and_place(source: Source, remote: Remote, progress: Progress) -> None:
    if source.path_of(remote).is_file():
        return
    if remote.name != CONFIG:
        megabytes = (
            Message("{megabytes:.0f} MB", megabytes=remote.size / 1e6) if remote.size else Message("size unknown")
        )
        progress.say(
            Message("downloading {name} ({size}) from {host}", name=remote.name, size=megabytes, host=source.host)
        )
    download(remote, source.part_of(remote), progress)
    source.place(remote)
