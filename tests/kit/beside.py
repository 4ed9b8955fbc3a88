"""Sidecars on a stage, and what must hold of them at the end of a sort and of its undo."""

from __future__ import annotations

import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.catalog.connection import read_catalog
from classifier.records import Method
from kit.filing import hashes, picture_of
from kit.proofs import Stage, check_nothing_lost, write_old

if TYPE_CHECKING:
    from pathlib import Path

NOBODYS = b"a note that belongs to no picture"
_MARK = re.compile(r"_[0-9a-f]{8,64}(?=\.)")
Seen = dict[str, tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class SidecarStage(Stage):
    """A stage whose pictures have sidecars, `x.jpg.txt` all of them, `x.xmp` every third; words are few and come again.

    One of a person's own files in the library has the name of one of them.
    """

    beside: dict[bytes, dict[str, bytes]] = field(default_factory=dict)
    """By a picture's content: what lies beside it, by what follows its stem."""
    crawl_before: Seen = field(default_factory=dict)


def with_sidecars(staged: Stage) -> SidecarStage:
    """Write sidecars on a stage that was just made."""
    beside: dict[bytes, dict[str, bytes]] = {}
    for number, path in enumerate(sorted(staged.crawl.rglob("*.jpg"))):
        own = {".jpg.txt": b"words %d" % (number % 4)}
        own |= {".xmp": b"<x>%d</x>" % number} if number % 3 == 0 else {}
        for ending, content in own.items():
            write_old(path.with_name(path.stem + ending), content)
        beside[path.read_bytes()] = own
    write_old(staged.crawl / "0" / "note.txt", NOBODYS)
    mine = staged.library / "kind_a" / "1.jpg.txt"
    write_old(mine, b"mine")
    staged.own[mine] = (mine.stat().st_ino, b"mine")
    return SidecarStage(
        **{name: getattr(staged, name) for name in ("crawl", "library", "method", "batch", "pictures", "own")},
        sidecars=True,
        before=hashes(staged.crawl),
        beside=beside,
        crawl_before=seen(staged.crawl),
    )


def seen(folder: Path) -> Seen:
    """Every name under `folder`: content, time and permissions; of folders their names only."""
    return {
        path.relative_to(folder).as_posix(): ("folder",)
        if path.is_dir()
        else (path.read_bytes(), path.lstat().st_mtime_ns, stat.S_IMODE(path.lstat().st_mode))
        for path in sorted(folder.rglob("*"))
    }


def check_none_lost(staged: SidecarStage) -> None:
    """As check_nothing_lost, and of equal sidecars none is fewer."""
    check_nothing_lost(staged)
    if staged.method is Method.MOVE:
        assert Counter(staged.before) <= Counter(hashes(staged.crawl, staged.library)), "LOST one of several equal"


def check_beside(staged: SidecarStage) -> None:
    """All is filed exactly once, each sidecar beside its picture and named like it; the rest stays where it was."""
    check_none_lost(staged)
    filed = _filed(staged)
    wanted = Counter(staged.before) - Counter([picture_of(NOBODYS)])
    assert wanted == Counter(picture_of(content) for content in filed.values()), "not filed exactly once"
    for path, content in filed.items():
        if path.suffix == ".jpg":
            stem = path.with_suffix("").as_posix()
            lying = {name.as_posix().removeprefix(stem): filed[name] for name in filed if _is_beside(name, path)}
            plain = {_MARK.sub("", ending): words for ending, words in lying.items()}
            assert staged.beside[content] == plain, f"{path}: beside it lie {sorted(lying)}"
    if staged.method is Method.MOVE:
        left = [path.read_bytes() for path in staged.crawl.rglob("*") if path.is_file()]
        assert [NOBODYS] == left, "sources stay"
    _check_tidy(staged, places=staged.pictures, sidecars=len(filed) - staged.pictures)


def check_undone(staged: SidecarStage) -> None:
    """The crawl is as before, and the library holds a person's own files and folders alone."""
    check_none_lost(staged)
    assert staged.crawl_before == seen(staged.crawl), "the crawl is not as before"
    assert {} == _filed(staged), "still filed"
    folders = {path.name for path in staged.library.iterdir() if path.is_dir()} - {".illsort"}
    assert {"kind_a"} == folders, "other folders than before"
    _check_tidy(staged, places=0, sidecars=0)


def _filed(staged: SidecarStage) -> dict[Path, bytes]:
    """What is ours in the library, by its path there."""
    found = (path for path in staged.library.rglob("*") if path.is_file() and ".illsort" not in path.parts)
    return {path.relative_to(staged.library): path.read_bytes() for path in found if path not in staged.own}


def _is_beside(sidecar: Path, picture: Path) -> bool:
    rest = sidecar.name.removeprefix(picture.stem)
    return sidecar.parent == picture.parent and sidecar.suffix != ".jpg" and rest[:1] in {".", ""}


def _check_tidy(staged: SidecarStage, *, places: int, sidecars: int) -> None:
    """The catalog knows of these, of nothing that is still open, and no half copy lies about."""
    assert [] == list(staged.library.rglob(".illsort-*.part")), "left over"
    with read_catalog(staged.library) as catalog:
        ask = catalog.connection.execute
        assert [] == ask("SELECT * FROM moves WHERE state IN ('intent', 'claimed')").fetchall(), "left open"
        assert (places,) == ask("SELECT count(*) FROM places").fetchone(), "other places recorded"
        assert (sidecars,) == ask("SELECT count(*) FROM sidecars").fetchone(), "other sidecars recorded"
