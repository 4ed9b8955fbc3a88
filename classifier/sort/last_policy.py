"""How a crawl is sorted again without a person: as it was asked for last, but for what is asked for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier import settings as all_settings
from classifier.catalog import runs
from classifier.catalog.strictness import Strictness
from classifier.errors import LibraryError
from classifier.filing.path_scope import named_root
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.given_options import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.connection import Catalog

_AS_SETTING = {"--embeddings": "sort.embeddings=true", "--no-embeddings": "sort.embeddings=false"}


def last_policy(
    catalog: Catalog, library: Path, crawl: Path, now: Settings, strictness: Strictness
) -> tuple[Settings, Strictness]:
    """The settings and strictness of the last sort of `crawl`, or else of the library's; what is set in `now` wins.

    A crawl that was never sorted is not moved because another was. Raises LibraryError in one line where only the
    library's record, which may be a stranger's, says that the crawl is to be moved.
    """
    sorts = [run for run in runs.all_runs(catalog) if run.kind == runs.SORT]
    of_crawl = [run for run in sorts if run.crawl == crawl]
    last = next(iter([*reversed(of_crawl), *reversed(sorts)]), None)
    if last is None:
        return now, strictness
    given = runs.settings_of(catalog, last.id).get(GIVEN)
    words, patterns, asked = _overrides(given if isinstance(given, dict) else {})
    if of_crawl or last.mode != Mode.MOVE:
        words.append(f"sort.mode={last.mode}")
    before = all_settings.excluding(all_settings.load(None, words), patterns)
    merged = Settings.model_validate(_over(before, now))
    if merged.sort.mode is Mode.MOVE and "mode" not in now.sort.model_fields_set:
        _refuse_unnamed(catalog, library, crawl)
    is_asked_now = now.sort.model_fields_set & {"threshold", "max_error"}
    return merged, strictness if is_asked_now else asked


def _overrides(given: Mapping[str, Any]) -> tuple[list[str], list[str], Strictness]:
    """What a run was asked for, as settings, patterns to exclude, and strictness."""
    words, patterns = list[str](), list[str]()
    options = iter([str(one) for one in _listed(given, "options")])
    for option in options:
        if option in _AS_SETTING:
            words.append(_AS_SETTING[option])
        elif option == "--set":
            words.append(next(options, ""))
        elif option == "--exclude":
            patterns.append(next(options, ""))
    asked = dict(zip(*[iter(str(one) for one in _listed(given, "strictness"))] * 2, strict=False))
    return words, patterns, Strictness(threshold=_share(asked, "--threshold"), max_error=_share(asked, "--max-error"))


def _listed(given: Mapping[str, Any], name: str) -> list[object]:
    value = given.get(name)
    return value if isinstance(value, list) else []


def _share(asked: Mapping[str, str], option: str) -> float | None:
    """A damaged record asks for nothing."""
    try:
        return float(asked[option])
    except (KeyError, ValueError):
        return None


def _over(before: Settings, now: Settings) -> dict[str, Any]:
    """The values set in `before`, and over them those set in `now`, by section."""
    both = before.model_dump(exclude_unset=True)
    for section, values in now.model_dump(exclude_unset=True).items():
        both[section] = both.get(section, {}) | values
    return both


def _refuse_unnamed(catalog: Catalog, library: Path, crawl: Path) -> None:
    if named_root(catalog, library, crawl) is None:
        raise LibraryError(
            "{crawl}: only this library's record says that it is sorted by --mode move: give --mode", crawl=crawl
        )


def last_crawls(catalog: Catalog) -> Iterator[Path]:
    """The crawls that were sorted."""
    return (run.crawl for run in runs.all_runs(catalog) if run.kind == runs.SORT)
