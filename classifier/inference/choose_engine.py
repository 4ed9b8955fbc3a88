"""Chooses what runs a bundle's network: torch, or on a CPU ONNX Runtime, where it gives the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from classifier.errors import Message, ModelError, message_of
from classifier.inference.forward import TorchEngine
from classifier.inference.onnx_engine import OnnxEngine, compare, sample_pixels
from classifier.inference.onnx_export import export_onnx
from classifier.inference.placing import place
from classifier.model.bundle_files import EMBEDDINGS
from classifier.model.labeled_embeddings import load_labeled_paths
from classifier.model.onnx_cache import INSTALL, Comparison, KeptModel, cache_key, keep, load_kept, missing_packages
from classifier.paths import from_text

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.inference.forward import Engine
    from classifier.inference.reader import Limits, Reader
    from classifier.model.backbone import Network
    from classifier.model.bundle import Bundle
    from classifier.progress import Progress

REPAYS: Final = 1000
"""Images from which on the export, which is made once for a bundle, saves more than it costs: docs/BENCHMARKS.md."""

_LONGEST: Final = 200
_SHARES: Final = ("\\\\", "//")
"""How the path of a network share begins; one that a stranger's bundle names would be sent this user's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChooser:
    """What an engine is made of; `stats` says whether it gives statistics too."""

    bundle: Bundle
    runtime: Runtime
    reader: Reader
    limits: Limits
    stats: bool
    progress: Progress

    def choose(self, requested: str, *, count: int) -> Engine:
        """The engine for `count` images; `requested` is auto, torch or onnx. Says where it is a slower one than wanted.

        Raises ModelError in one line where onnx is requested and cannot be.
        """
        why = why_torch(requested, self.runtime)
        if why is not None and requested == "onnx":
            raise ModelError("--engine onnx: {why}", why=why)
        engine = self._onnx(requested, count) if why is None else why
        if not isinstance(engine, Message):
            return engine
        could_be_faster = requested == "auto" and self.runtime.device.type == "cpu" and count >= REPAYS
        report = self.progress.say if requested == "onnx" or could_be_faster else self.progress.detail
        report(Message("Engine torch: {why}.", why=engine))
        return self._torch(self._network())

    def onnx_alone(self) -> Engine:
        """ONNX Runtime, never torch in its place. Raises ModelError in one line where it cannot be."""
        why = why_torch("onnx", self.runtime)
        engine = self._onnx("onnx", 0) if why is None else why
        if isinstance(engine, Message):
            raise ModelError("--engine onnx: {why}", why=engine)
        return engine

    def _onnx(self, requested: str, count: int) -> Engine | Message:
        """ONNX Runtime, or why it does not run the network."""
        try:
            key = cache_key(self.bundle, stats=self.stats)
            kept = load_kept(key)
            if kept is None and not _repays(requested, count):
                return Message(
                    "below {count:,} pictures, preparing ONNX Runtime takes longer than it saves", count=REPAYS
                )
            kept = kept or self._made(key)
            if not kept.comparison.agrees:
                return _disagreement(kept.comparison)
            engine = _by_onnx(kept.model)
        except ImportError as error:  # a package that is there and cannot be loaded: nothing to be kept
            return _disagreement(_failure(error))
        self.progress.detail(
            Message(
                "Engine onnx: faster than torch, with the same answers for {images} pictures (the largest difference "
                "is {difference} of the largest number).",
                images=kept.comparison.images,
                difference=format(kept.comparison.difference, ".0e"),
            )
        )
        return engine

    def _network(self) -> Network:
        from classifier.model.trained import load_network  # noqa: PLC0415 - imports timm: a second for what runs it

        return load_network(self.bundle)

    def _torch(self, network: Network) -> Engine:
        return _by_torch(network, self.runtime, stats=self.stats, progress=self.progress)

    def _made(self, key: str) -> KeptModel:
        """The exported network, compared with torch and kept for later sorts."""
        with self.progress.stage(Message("preparing ONNX Runtime, once for this model"), total=None, unit=""):
            made = self._compared()
        try:
            keep(key, made)
        except (OSError, RuntimeError) as error:
            self.progress.say(Message("what was prepared is not kept for later sorts: {why}", why=message_of(error)))
        return made

    def _compared(self) -> KeptModel:
        network = self._network()
        try:
            model = export_onnx(network, stats=self.stats)
            comparison = compare(_by_onnx(model), self._torch(network), self._sample())
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - exporter and runtime raise anything for a network they do not know
            model, comparison = b"", _failure(error)
        return KeptModel(model=model if comparison.agrees else b"", comparison=comparison)

    def _sample(self) -> torch.Tensor:
        """Labeled images that are still there, else drawn ones."""
        size = self.bundle.manifest.image_size
        return sample_pixels(_labeled_files(self.bundle), self.reader, limits=self.limits, image_size=size)


def engine_for_trial(network: Network, runtime: Runtime, *, requested: str, count: int) -> tuple[str, Engine]:
    """The name of what a sort of `count` images would run `network` by, if answers agree, and the engine itself."""
    if why_torch(requested, runtime) is None and _repays(requested, count):
        try:
            return "ONNX Runtime", _by_onnx(export_onnx(network, stats=True))
        except Exception:  # noqa: BLE001, S110 - exporter and runtime raise anything for a network they do not know
            pass
    return "torch", _by_torch(network, runtime, stats=True)


def _by_onnx(model: bytes) -> Engine:
    return OnnxEngine(model, threads=torch.get_num_threads())


def _by_torch(network: Network, runtime: Runtime, *, stats: bool, progress: Progress | None = None) -> Engine:
    return TorchEngine(place(network, runtime), runtime, stats=stats, progress=progress)


def _repays(requested: str, count: int) -> bool:
    """Whether an export for `count` images is worth what it costs, or asked for."""
    return requested == "onnx" or count >= REPAYS


def why_torch(requested: str, runtime: Runtime) -> Message | None:
    """Why torch runs the network, whatever the network is; None where ONNX Runtime may."""
    if requested == "torch":
        return Message("as asked for")
    if runtime.device.type != "cpu":
        return Message("what is fast on {device}", device=runtime.device)
    if runtime.amp:
        return Message("ONNX Runtime computes in float32, and another number type is asked for")
    if missing_packages():
        return Message("ONNX Runtime is not installed, with which a CPU is faster: {command}", command=INSTALL)
    return None


def _failure(error: Exception) -> Comparison:
    words = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Comparison(failure=words[:_LONGEST])


def _disagreement(comparison: Comparison) -> Message:
    if comparison.failure:
        return Message("ONNX Runtime cannot run this network ({why})", why=comparison.failure)
    return Message(
        "ONNX Runtime gives other answers for {images} pictures (the largest difference is {difference} of the "
        "largest number)",
        images=comparison.images,
        difference=format(comparison.difference, ".0e"),
    )


def _labeled_files(bundle: Bundle) -> list[Path]:
    """The labeled images that are still where the bundle says, which is not trusted."""
    path = bundle.folder / EMBEDDINGS
    named = load_labeled_paths(path).values() if bundle.manifest.labelled_sha256 and path.is_file() else ()
    texts = [text for text in named if text and "\0" not in text and not text.startswith(_SHARES)]
    return [file for file in map(from_text, texts) if file.is_absolute() and file.is_file()]
