"""Every setting, its default, its unit and its range; defaults < TOML file < `--set section.key=value`.

Pure: reads one TOML file, touches nothing else, knows nothing of what the settings are used for.
`configs/default.toml` is written from these classes (`as_toml`) and kept true by a test.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.errors import SettingsError
from classifier.records import Mode
from classifier.setting_types import Backbone, ErrorRate, Folder, Patterns, Seed, Share, Text, at_least_or_0


class Section(BaseModel):
    """What all sections have in common: frozen, no unknown keys, help from the docstring below each field."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class LabelSettings(Section):
    """Where the hand-labelled pictures are: a folder of category folders, or a CSV file."""

    folder: Folder = None
    """<category>/<picture> at any depth below the category; folders beginning with "." or "_" are left out."""
    csv: Folder = None
    """A file with the columns file_name,label; paths are relative to labels.folder, or else to its own folder."""
    library: Folder = None
    """A sorted library: what was said of its pictures in review and audit is learned from, over any older label."""
    by_chance: bool = False
    """Whether labels.folder or labels.csv holds all of a random draw of the crawl (none of them in folder/_unknown)."""
    validation_share: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    """Share of the labels held out to judge by where train.folds is 1."""
    near_duplicate_bits: Annotated[int, Field(ge=0, le=16)] = 6
    """Pictures whose 64-bit perceptual hashes differ in at most so many bits stay on one side of the split."""


class ModelSettings(Section):
    """What is trained, from which weights, and where the result goes."""

    folder: Folder = None
    """The bundle: the folder that training writes and sorting reads."""
    backbone: Backbone = "embedded"
    """embedded (no download; larger: embedded-lite1, -lite2), a timm name, hf-hub:org/name or local-dir:/folder."""
    allow_pickle: bool = False
    """Also read weights that are no safetensors (.bin, .pth); even then nothing but tensors is loaded from them."""
    image_size: Annotated[int, Field(ge=0, le=2048), at_least_or_0(32)] = 0
    """Side of the square the network sees, in pixels; 0 takes the backbone's own (embedded: 256, 288, 320)."""


class TrainSettings(Section):
    """How the network learns."""

    recipe: Literal["finetune", "head"] = "finetune"
    """finetune: a head on frozen features, then the whole network from there; head: the first step alone."""
    epochs: Annotated[int, Field(ge=0, le=1000)] = 16
    """Passes over the labelled pictures while fine-tuning."""
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
    """How pictures are filed."""

    mode: Mode = Mode.LINK
    """link (hard link; a copy where the file system cannot), copy, symlink, or move: only move changes the crawl."""
    sidecars: bool = False
    """Whether x.jpg.txt, x.txt and the same with .xmp and .json go along with x.jpg."""
    threshold: Share = 0.9
    """Least calibrated probability at which a picture is filed without asking."""
    max_error: ErrorRate | None = None
    """Largest share of wrong pictures among the filed, to be kept in place of threshold; for example 0.02."""
    unknown: bool = True
    """Whether a picture unlike every labelled one goes to _unknown; false: it is judged as if it were of a category."""
    unknown_share: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """At most this share of pictures like your labels counts as unknown; more catches more of what is none of them."""
    embeddings: bool = True
    """Whether what the network sees in a picture is kept (a few kB each), so that a new head reads none again."""


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
    """auto, cpu, cuda, cuda:1, mps."""
    amp_dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Number type of the forward pass on a GPU; float32 turns mixed precision off."""
    workers: Annotated[int, Field(ge=-1, le=256)] = -1
    """Processes that read and decode; 0 decodes in the main process, -1 lets illsort choose."""
    batch_size: Annotated[int, Field(ge=0, le=4096)] = 0
    """Pictures a forward pass when sorting; 0 lets illsort choose."""


class Settings(Section):
    """All of it."""

    labels: LabelSettings = LabelSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    sort: SortSettings = SortSettings()
    images: ImageSettings = ImageSettings()
    runtime: RuntimeSettings = RuntimeSettings()


_NO_TOML = (ValueError, RecursionError)  # the parser's own error is a ValueError, as is a number of thousands of digits


def load(config: Path | None, overrides: Sequence[str] = ()) -> Settings:
    """Read `config` (TOML) over the defaults, and `overrides` ("section.key=value") over both.

    Raises SettingsError naming the file or override, the key and the value.
    """
    values = {} if config is None else _read_toml(config)
    origin = "the defaults" if config is None else str(config)
    settings = _validate(values, origin)
    for override in overrides:
        section, key, value = _parse_override(override)
        merged = settings.model_dump(exclude_unset=True)  # so that `model_fields_set` says what was asked for
        merged.setdefault(section, {})[key] = value
        settings = _validate(merged, f"--set {_short(override)}")
    return settings


def excluding(settings: Settings, patterns: Sequence[str]) -> Settings:
    """The same with `patterns` excluded too; raises SettingsError for one that matches nothing."""
    merged = settings.model_dump(exclude_unset=True)
    merged.setdefault("images", {})["exclude"] = [*settings.images.exclude, *patterns]
    return _validate(merged, "--exclude") if patterns else settings


def _read_toml(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{config}: there is no such file; `--config` takes a TOML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config}: cannot be read ({error})") from None
    except _NO_TOML as error:
        raise SettingsError(f"{config}: is no TOML: {error}") from None


def _parse_override(override: str) -> tuple[str, str, Any]:
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise SettingsError(f"--set {_short(override)}: expected section.key=value, for example --set train.epochs=8")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except _NO_TOML:
        value = text  # a bare word or path needs no quotes on the command line
    is_bare = not isinstance(value, str) and _takes_text(section, key)
    return section, key, text if is_bare else value


def _takes_text(section: str, key: str) -> bool:
    """Whether a setting is a path or a text, so that 2024, 1.10, 2024-05-01 and true are meant as they are written."""
    fields = type(Settings.model_fields[section].default).model_fields if section in Settings.model_fields else {}
    annotation = fields[key].annotation if key in fields else None
    return bool({Path, str} & set(get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)))


def _validate(values: dict[str, Any], origin: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"{origin}: {_explain(first['loc'], first['type'], first['msg'], first['input'])}"
        ) from None


def _explain(location: tuple[int | str, ...], kind: str, message: str, value: object) -> str:
    name = ".".join(str(part) for part in location)
    if kind != "extra_forbidden":
        reason = message.removeprefix("Value error, ")
        return f"{name} = {_shown(value)}: {reason[0].lower()}{reason[1:]}"
    close = difflib.get_close_matches(name, _names(), n=1, cutoff=0.5)
    return f"unknown setting '{_short(name)}'" + (f"; did you mean '{close[0]}'?" if close else "")


def _shown(value: object) -> str:
    try:
        return _short(repr(value))
    except (ValueError, RecursionError):  # thousands of digits, or nested deeply
        return "..."


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _names() -> list[str]:
    sections = Settings.model_fields
    return list(sections) + [
        f"{section}.{key}" for section, field in sections.items() for key in type(field.default).model_fields
    ]


def as_toml(settings: Settings) -> str:
    """The settings as a commented TOML file; one without a value stands commented out."""
    lines = ["# Every setting of illsort with its default. Unknown keys are errors.", ""]
    for section_name in Settings.model_fields:
        section: Section = getattr(settings, section_name)
        lines += [f"# {section.__doc__}", f"[{section_name}]"]
        for key, field in type(section).model_fields.items():
            value = getattr(section, key)
            lines += [f"# {field.description}", f"# {key} = " if value is None else f"{key} = {_toml_value(value)}"]
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
