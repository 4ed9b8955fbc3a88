"""The sections of the settings: each with its default, unit, range and type.

`configs/default.toml` is written from these classes and kept true by a test.
"""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from classifier.category_names import MOST_LEVELS
from classifier.errors import Message
from classifier.exclude import Exclude
from classifier.paths import given_path, to_text
from classifier.records import Duplicates, Mode

_FOLDER = "local-dir:"


def _as_text(value: object) -> object:
    """A whole number or a date of TOML as text: 2024 and 2024-05-01 are names of folders too."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, date | time) else value


def _as_path(value: object) -> object:
    """A path as a person means it; what is none is left for its type to refuse."""
    text = _as_text(value)
    return given_path(text) if isinstance(text, str | Path) else text


def _as_backbone(name: object) -> object:
    """`local-dir:~/x` with its path as a person means it."""
    text = _as_text(name)
    is_folder = isinstance(text, str) and text.startswith(_FOLDER)
    return f"{_FOLDER}{given_path(str(text).removeprefix(_FOLDER))}" if is_folder else text


def at_least_or_0(least: float) -> AfterValidator:
    """Zero, which means something of its own, or at least so much."""

    def check(value: float) -> float:
        if 0 < value < least:
            raise ValueError(Message("it is 0 or at least {least}", least=least))
        return value

    return AfterValidator(check)


Folder = Annotated[
    Path | None,
    BeforeValidator(_as_path),
    PlainSerializer(to_text, when_used="json-unless-none"),
]
Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=4000)]
Backbone = Annotated[str, BeforeValidator(_as_backbone), Field(min_length=1, max_length=4000)]
Share = Annotated[float, Field(gt=0, lt=1)]
ErrorRate = Annotated[float, Field(ge=1e-6, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _checked_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    Exclude(patterns)
    return patterns


Patterns = Annotated[tuple[str, ...], AfterValidator(_checked_patterns)]


def _checked_address(address: str) -> str:
    if address and not address.startswith(("https://", "http://")):
        raise ValueError(Message("it is no address that begins with https:// or http://"))
    return address


class Section(BaseModel):
    """What all sections have in common: frozen, no unknown keys, help from the docstring below each field."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class LabelSettings(Section):
    """Where the hand-labeled pictures are: a folder of category folders, or a CSV file."""

    folder: Folder = None
    """<category>/<picture> at any depth below the category; folders beginning with "." or "_" are left out."""
    depth: Annotated[int, Field(ge=1, le=MOST_LEVELS)] = 1
    """Levels of folders that make a category: with 2, a/b/<picture> is of the category a/b, and a/<picture> of a."""
    csv: Folder = None
    """A file with the columns file_name,label; paths are relative to labels.folder, or else to its own folder."""
    library: Folder = None
    """A sorted library: what was said of its pictures in review and audit is learned from, over any older label."""
    by_chance: bool = False
    """Whether labels.folder or labels.csv holds all of a random draw of the crawl (none of them in folder/_unknown)."""
    validation_share: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    """Share of the labels held out to judge by where train.folds is 1."""


class ModelSettings(Section):
    """What is trained, from which weights, and where the result goes."""

    folder: Folder = None
    """The bundle: the folder that training writes and sorting reads."""
    backbone: Backbone = "embedded"
    """embedded (or embedded-lite1, -lite2), a timm name, hf-hub:org/name, modelscope:org/name or local-dir:/folder."""
    allow_pickle: bool = False
    """Also read weights that are no safetensors (.bin, .pth); even then nothing but tensors is loaded from them."""
    image_size: Annotated[int, Field(ge=0, le=2048), at_least_or_0(32)] = 0
    """Side of the square it sees (fine-tuned on less than 384, it may then see 384); 0: its own (256, 288, 320)."""
    max_squeeze: Annotated[float, Field(ge=0, le=1000), at_least_or_0(1)] = 0
    """How far a long picture may be squeezed into the square, the rest being white: 1 not at all; 0 as the backbone."""
    channels: Literal["auto", "rgb", "bgr"] = "auto"
    """Order of the colors that the backbone learned from; auto: what illsort knows of it, else rgb."""


class TrainSettings(Section):
    """How the network learns."""

    recipe: Literal["auto", "finetune", "head"] = "auto"
    """head: a head on frozen features; finetune: then the whole network; auto: finetune on a GPU, else head."""
    epochs: Annotated[int, Field(ge=0, le=1000)] = 16
    """Passes over the labeled pictures while fine-tuning."""
    finetune_labels: Annotated[int, Field(ge=0)] = 20_000
    """Most labels that fine-tuning learns from, small categories whole; the head learns from all. 0: all."""
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    """Pictures a step of the optimizer."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Peak learning rate of the head; deeper layers get less by layer_decay."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Each layer learns at this share of the rate of the one above it."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.05
    """AdamW's weight decay."""
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps over which the learning rate rises; it falls along a cosine after that."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of each label spread over all categories."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.98
    """Decay a step of the moving average of the weights, which is what is kept."""
    crop_min: Annotated[float, Field(ge=0.01, le=1)] = 0.35
    """Smallest share of a picture's area that a training crop shows."""
    folds: Annotated[int, Field(ge=0, le=20)] = 0
    """Parts of the labels, each held out once to judge by; 1 holds out labels.validation_share, 0 takes 3 (head: 5)."""
    unlabelled: Folder = None
    """A crawl to learn from as well, without labels: a sample of it, and of that what is guessed surest."""
    minutes: Annotated[float, Field(ge=0)] = 0
    """About how long training may take; the learning rates then fall in that time. 0 sets no limit."""
    seed: Seed = 0
    """Same seed, same labels, same machine: same result on the CPU."""


class SortSettings(Section):
    """What is sorted into what, and how pictures are filed."""

    crawl: Folder = None
    """The folder of unsorted pictures, for commands that are given none."""
    library: Folder = None
    """The folder that is sorted into, for commands that are given none."""
    mode: Mode = Mode.LINK
    """link (hard link; a copy where the file system cannot), copy, symlink, or move: only move changes the crawl."""
    sidecars: bool = False
    """Whether x.jpg.txt, x.txt and the same with .xmp and .json go along with x.jpg."""
    threshold: Share = 0.9
    """Least calibrated probability at which a picture is filed without asking."""
    max_error: ErrorRate | None = None
    """Largest share of wrong pictures among the filed, to be kept in place of threshold; for example 0.02."""
    unknown: bool = True
    """Whether a picture unlike every labeled one goes to _unknown; false: it is judged as if it were of a category."""
    unknown_share: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """At most this share of pictures like your labels counts as unknown; more catches more of what is none of them."""
    duplicates: Duplicates = Duplicates.KEEP
    """Copies of one picture: keep files each; folder files the best, others in _duplicates; best leaves others out."""
    embeddings: bool = True
    """Whether what the network sees in a picture is kept (a few kB each), so that a new head reads none again."""
    neighbors: bool = True
    """Whether answers are spread over pictures near each other, all read before one is filed; takes embeddings."""


class LibrarySettings(Section):
    """What illsort makes of what you do in a library yourself, with a file manager."""

    moved: Literal["ask", "learn", "leave"] = "ask"
    """ask, learn or leave: whether pictures that you moved or put into category folders are taken as labels."""


class ReviewSettings(Section):
    """What the page of label and review asks."""

    by_chance: Annotated[float, Field(ge=0, le=0.9)] = 0.3
    """Share of the answers that it asks for about pictures drawn by chance, which max_error rests on; 0: none."""


class HubSettings(Section):
    """Where the weights of a backbone that is not on this machine come from."""

    endpoint: Annotated[str, Field(max_length=4000), AfterValidator(_checked_address)] = ""
    """Address of the model hub or a mirror, such as https://hf-mirror.com; empty: HF_ENDPOINT, else the hub itself."""


class ImageSettings(Section):
    """What is accepted as a picture."""

    max_megapixels: Annotated[float, Field(ge=0.01, le=1000)] = 64
    """Larger pictures are listed as too large and not decoded."""
    deadline_seconds: Annotated[float, Field(ge=0.5, le=3600)] = 20
    """A picture that takes longer to decode is listed as such."""
    max_worker_gigabytes: Annotated[float, Field(ge=0, le=1024), at_least_or_0(0.5)] = 3
    """A picture whose decoding takes more memory is listed as such (on Linux); 0 sets no limit."""
    exclude: Patterns = ()
    """What of a crawl is no picture for you, as patterns of .gitignore whatever the case: ["*.gif", "/drafts/"]."""


class RuntimeSettings(Section):
    """The machine; "auto" or 0 lets illsort choose, and it says what it chose and why."""

    device: Text = "auto"
    """auto, cpu, cuda (every card equal to the first), cuda:1 (that one alone), mps."""
    amp_dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Number type of the forward pass on a GPU; float32 turns mixed precision off."""
    engine: Literal["auto", "torch", "onnx"] = "auto"
    """What runs the network when sorting on a CPU; onnx (ONNX Runtime) needs pip install "illsort[onnx]"."""
    workers: Annotated[int, Field(ge=-1, le=256)] = -1
    """Processes that read and decode; 0 decodes in the main process, -1 lets illsort choose."""
    batch_size: Annotated[int, Field(ge=0, le=4096)] = 0
    """Pictures read together when sorting, and on a GPU computed together; 0 lets illsort choose."""
