"""Reads the settings: defaults < the project's file < `--config` < `--set section.key=value` < options of a command.

`as_toml` writes them.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from classifier.errors import Message, SettingsError, message_of
from classifier.paths import displayable, to_text
from classifier.recipes import recipe_names, recipe_or_file
from classifier.setting_sections import (
    HubSettings,
    ImageSettings,
    LabelSettings,
    LibrarySettings,
    ModelSettings,
    ReviewSettings,
    RuntimeSettings,
    Section,
    SortSettings,
    TrainSettings,
)
from classifier.validation import problem_with


class Settings(Section):
    """All of it."""

    labels: LabelSettings = LabelSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    sort: SortSettings = SortSettings()
    library: LibrarySettings = LibrarySettings()
    review: ReviewSettings = ReviewSettings()
    hub: HubSettings = HubSettings()
    images: ImageSettings = ImageSettings()
    runtime: RuntimeSettings = RuntimeSettings()


_REMOVED = {("labels", "near_duplicate_bits")}
"""What files of an earlier version may still set, to no effect."""
_ESCAPES = ("\\u{:04x}", "\\U{:08x}")
_TWO_BYTES = 0xFFFF
_NO_TOML = (ValueError, RecursionError)  # the parser's own error is a ValueError, as is a number of thousands of digits
_WINDOWS_PATH = re.compile(r"""\s*[\w.-]+\s*=\s*(?:\[\s*)?"(?:[A-Za-z]:|\\\\[\w.$-]+)\\[^\\"]""")
_BACKSLASH = re.compile(r"""[^"]*"[^"]*\\""")
_AT_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Values by section and key, and where they come from: a file's path, or an option as it was given."""

    origin: str
    values: Mapping[str, Any]


def load(
    config: Path | None,
    overrides: Sequence[str] = (),
    *,
    project: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """Read `project` and `config` (TOML) over the defaults, then `overrides` ("section.key=value"), then `options`.

    `options` are a command's own, by the names of their settings; None means not given. Raises SettingsError naming
    the file or option, the key and the value.
    """
    settings = Settings()
    for layer in layers(config, overrides, project=project, options=options):
        settings = _over(settings, layer)
    return settings


def layers(
    config: Path | None,
    overrides: Sequence[str] = (),
    *,
    project: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Layer]:
    """What is given beside the defaults, the weakest first. Raises SettingsError for what cannot be read."""
    for file in (project, None if config is None else recipe_or_file(config)):
        if file is not None:
            yield Layer(origin=str(file), values=_read_toml(file))
    for override in overrides:
        section, key, value = _parse_override(override)
        yield Layer(origin=f"--set {_short(override)}", values={section: {key: value}})
    for name, value in (options or {}).items():
        if value is not None:
            section, _, key = name.partition(".")
            yield Layer(origin=f"--{key.replace('_', '-')}", values={section: {key: value}})


def _over(settings: Settings, layer: Layer) -> Settings:
    """The settings with those of `layer` in place of their own."""
    merged = settings.model_dump(exclude_unset=True)  # so that `model_fields_set` says what was asked for
    for section, values in layer.values.items():
        is_section = isinstance(values, dict) and section in Settings.model_fields
        merged[section] = merged.get(section, {}) | values if is_section else values
    return _validate(merged, layer.origin)


def excluding(settings: Settings, patterns: Sequence[str]) -> Settings:
    """The same with `patterns` excluded too; raises SettingsError for one that matches nothing."""
    merged = settings.model_dump(exclude_unset=True)
    merged.setdefault("images", {})["exclude"] = [*settings.images.exclude, *patterns]
    return _validate(merged, "--exclude") if patterns else settings


def check(text: str, file: Path) -> None:
    """Raise SettingsError where `text` is not what `file` may hold."""
    _over(Settings(), Layer(origin=str(file), values=_parsed(text, file)))


def _read_toml(config: Path) -> dict[str, Any]:
    return _parsed(_text_of(config), config)


def _parsed(text: str, config: Path) -> dict[str, Any]:
    try:
        values, problem = tomllib.loads(text), None
    except _NO_TOML as error:
        values, problem = {}, error
    if (line := _line_with_backslashes(text, problem)) is not None:
        raise SettingsError(
            "{config}, line {line}: in double quotes a backslash is an escape; put it in single quotes, {example}",
            config=config,
            line=line,
            example=r"'C:\pictures'",
        )
    if problem is not None:
        raise SettingsError("{config}: is no TOML: {why}", config=config, why=message_of(problem))
    for section, key in _REMOVED:
        if isinstance(found := values.get(section), dict):
            found.pop(key, None)
    return values


def _text_of(config: Path) -> str:
    try:
        return config.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(
            "{config}: there is no such file; `--config` takes a TOML file, or one of {recipes}",
            config=config,
            recipes=", ".join(recipe_names()),
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("{config}: cannot be read ({why})", config=config, why=message_of(error)) from None


def _line_with_backslashes(text: str, problem: Exception | None) -> int | None:
    r"""The first line with a Windows path in double quotes; None if there is none.

    With "C:\Users" a file is no TOML, and with "C:\new" it is TOML of another path, in which a line ends.
    """
    lines = text.splitlines()
    found = next((number for number, line in enumerate(lines, start=1) if _WINDOWS_PATH.match(line)), None)
    if found is None and (at := _AT_LINE.search(str(problem or ""))) is not None:
        number = int(at[1])
        return number if number <= len(lines) and _BACKSLASH.match(lines[number - 1]) else None
    return found


def _parse_override(override: str) -> tuple[str, str, Any]:
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise SettingsError(
            "--set {override}: expected section.key=value, for example --set train.epochs=8", override=_short(override)
        )
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
        raise SettingsError("{origin}: {why}", origin=origin, why=_explain(error.errors()[0])) from None


def _explain(error: ErrorDetails) -> Message:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return _unknown(name)
    return Message("{name} = {value}: {why}", name=name, value=_shown(error["input"]), why=problem_with(error))


def _unknown(name: str) -> Message:
    if tuple(name.split(".")) in _REMOVED:
        return Message("there is no setting '{name}' any more", name=name)
    close = difflib.get_close_matches(name, _names(), n=1, cutoff=0.5)
    if not close:
        return Message("unknown setting '{name}'", name=_short(name))
    return Message("unknown setting '{name}'; did you mean '{close}'?", name=_short(name), close=close[0])


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
            lines += [f"# {field.description}", toml_line(key, value)]
        lines.append("")
    return "\n".join(lines)


def toml_line(key: str, value: object) -> str:
    """A setting as a line of TOML, commented out where it has no value."""
    return f"# {key} = " if value is None else f"{key} = {_toml_value(value)}"


def _toml_value(value: object) -> str:
    """What is not seen is escaped as TOML has it; a path that is no Unicode is written as `to_text` does."""
    text = json.dumps(to_text(str(value)) if isinstance(value, Path) else value, ensure_ascii=False)
    return "".join(one if displayable(one) == one else _ESCAPES[ord(one) > _TWO_BYTES].format(ord(one)) for one in text)
