"""Which post each picture is a page of, by its name or by the metadata that gallery-dl writes beside it.

Names alone are pure; metadata is read from files that anybody may have written, of bounded size, and never trusted
beyond a name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from classifier.images.safe_open import open_regular

MOST_BYTES: Final = 2**20
"""Of a file of metadata; gallery-dl's are a few kB."""
_ENDING: Final = ".json"
_LONGEST: Final = 200
"""Of a post's name, in characters."""

_BOORU: Final = "_drawn_by_"
"""In Danbooru's names, `__2b_p1_drawn_by_x__<md5>`, where each picture is a post of its own."""
_PAGES: Final = (
    re.compile(r"(?P<post>.*\d)_p\d+(?:[._-].*)?", re.ASCII | re.DOTALL),  # pixiv: 123_p0, artist_123_p1_master1200
    re.compile(r"(?P<post>(?:.*\D)?\d{15,20})_\d{1,2}", re.ASCII | re.DOTALL),  # twitter: 1234567890123456789_1
    re.compile(r"(?P<post>(?:.*\D)?\d{15,20}(?:\D.*)?)-img\d{1,2}", re.ASCII | re.DOTALL),  # twMediaDownloader
)
_POST_FIELDS: Final = ("tweet_id", "post_id", "gallery_id", "gid", "chapter_id", "id")
"""The post's number, by gallery-dl's names, the first that is there; where a picture has an `id` of its own, its post
has another field."""
_PAGE_FIELDS: Final = ("num", "page", "part")
"""Without any of them, the metadata does not speak of pages."""
_OWNER_FIELDS: Final = ("category", "service", "user_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts:
    """The names of the posts that each picture is a page of, in the order asked; `unreadable` files told nothing."""

    of: tuple[tuple[str, ...], ...]
    unreadable: int


def post_of_name(name: PurePath) -> str | None:
    """The post that a file of this name is a page of, as sites and their downloaders name them; None for any other."""
    stem = name.stem
    if _BOORU in stem:
        return None
    return next((page["post"] for pattern in _PAGES if (page := pattern.fullmatch(stem))), None)


def post_of_metadata(values: object) -> str | None:
    """The post that gallery-dl's metadata of a picture names; None where it names none, or is none of gallery-dl's."""
    if not isinstance(values, Mapping) or not isinstance(values.get("category"), str):
        return None
    album = values.get("album")
    fields: Mapping[str, Any] = {**values, "gallery_id": values.get("gallery_id") or _number(album)}
    post = next((text for field in _POST_FIELDS if (text := _text(fields.get(field)))), None)
    if post is None or not any(_text(fields.get(field)) for field in _PAGE_FIELDS):
        return None
    return "/".join([*(_text(fields.get(field)) for field in _OWNER_FIELDS), post])


def read_posts(paths: Iterable[Path]) -> Posts:
    """By name and by metadata: `x.jpg.json` or `x.json` beside `x.jpg`. What cannot be read is only counted."""
    folders: dict[Path, frozenset[str]] = {}
    found, unreadable = [], 0
    for path in paths:
        if path.parent not in folders:
            folders[path.parent] = _metadata_in(path.parent)
        names = [post_of_name(path)]
        for beside in (path.name + _ENDING, path.stem + _ENDING):
            if beside in folders[path.parent]:
                try:
                    names.append(post_of_metadata(_read(path.with_name(beside))))
                except (OSError, ValueError, RecursionError):
                    unreadable += 1
                break
        found.append(tuple(dict.fromkeys(name for name in names if name)))
    return Posts(of=tuple(found), unreadable=unreadable)


def _metadata_in(folder: Path) -> frozenset[str]:
    """The names of its files of metadata: most folders have none, and are not asked for each picture."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.name.endswith(_ENDING))
    except OSError:
        return frozenset()


def _read(path: Path) -> object:
    with open_regular(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError("longer than any metadata")
    return json.loads(content)


def _number(album: object) -> object:
    return album.get("id") if isinstance(album, Mapping) else None


def _text(value: object) -> str:
    """A number or a short text; empty for anything else, as for what is missing."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value)
    return text if len(text) <= _LONGEST else ""
