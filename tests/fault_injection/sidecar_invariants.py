"""Scenarios with sidecars, and what must hold at the end of a sort and of its undo."""

from __future__ import annotations

import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.catalog.connection import read_catalog
from classifier.records import Method
from fault_injection.invariants import Scenario, check_nothing_lost, write_old
from kit.filing import hashes, image_id_of

if TYPE_CHECKING:
    from pathlib import Path

NOBODYS = b"a note that belongs to no picture"
_MARK = re.compile(r"_[0-9a-f]{8,64}(?=\.)")
Seen = dict[str, tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class SidecarScenario(Scenario):
    """A scenario with sidecars: `x.jpg.txt` for each image, `x.xmp` for every third; contents repeat.

    One of the person's own files in the library has the name of a sidecar.
    """

    beside: dict[bytes, dict[str, bytes]] = field(default_factory=dict)
    """Sidecars by the image's content: what follows the stem, and the content."""
    crawl_before: Seen = field(default_factory=dict)


def add_sidecars(scenario: Scenario) -> SidecarScenario:
    """Write sidecars into a new scenario."""
    beside: dict[bytes, dict[str, bytes]] = {}
    for number, path in enumerate(sorted(scenario.crawl.rglob("*.jpg"))):
        own = {".jpg.txt": b"words %d" % (number % 4)}
        own |= {".xmp": b"<x>%d</x>" % number} if number % 3 == 0 else {}
        for ending, content in own.items():
            write_old(path.with_name(path.stem + ending), content)
        beside[path.read_bytes()] = own
    write_old(scenario.crawl / "0" / "note.txt", NOBODYS)
    mine = scenario.library / "kind_a" / "1.jpg.txt"
    write_old(mine, b"mine")
    scenario.own[mine] = (mine.stat().st_ino, b"mine")
    return SidecarScenario(
        **{name: getattr(scenario, name) for name in ("crawl", "library", "method", "batch", "pictures", "own")},
        sidecars=True,
        before=hashes(scenario.crawl),
        beside=beside,
        crawl_before=seen(scenario.crawl),
    )


def seen(folder: Path) -> Seen:
    """Every name under `folder`: content, time and permissions; of folders their names only."""
    return {
        path.relative_to(folder).as_posix(): ("folder",)
        if path.is_dir()
        else (path.read_bytes(), path.lstat().st_mtime_ns, stat.S_IMODE(path.lstat().st_mode))
        for path in sorted(folder.rglob("*"))
    }


def check_no_sidecar_lost(scenario: SidecarScenario) -> None:
    """As check_nothing_lost; of equal sidecars, as many are left as there were."""
    check_nothing_lost(scenario)
    if scenario.method is Method.MOVE:
        assert Counter(scenario.before) <= Counter(hashes(scenario.crawl, scenario.library)), (
            "LOST one of several equal"
        )


def check_sidecars_filed(scenario: SidecarScenario) -> None:
    """All is filed exactly once, each sidecar next to its image and named like it; other files have not moved."""
    check_no_sidecar_lost(scenario)
    filed = _filed(scenario)
    wanted = Counter(scenario.before) - Counter([image_id_of(NOBODYS)])
    assert wanted == Counter(image_id_of(content) for content in filed.values()), "not filed exactly once"
    for path, content in filed.items():
        if path.suffix == ".jpg":
            stem = path.with_suffix("").as_posix()
            lying = {name.as_posix().removeprefix(stem): filed[name] for name in filed if _is_beside(name, path)}
            plain = {_MARK.sub("", ending): words for ending, words in lying.items()}
            assert scenario.beside[content] == plain, f"{path}: beside it lie {sorted(lying)}"
    if scenario.method is Method.MOVE:
        left = [path.read_bytes() for path in scenario.crawl.rglob("*") if path.is_file()]
        assert [NOBODYS] == left, "sources stay"
    _check_tidy(scenario, places=scenario.pictures, sidecars=len(filed) - scenario.pictures)


def check_undone(scenario: SidecarScenario) -> None:
    """The crawl is as before; the library holds only the person's own files and folders."""
    check_no_sidecar_lost(scenario)
    assert scenario.crawl_before == seen(scenario.crawl), "the crawl is not as before"
    assert {} == _filed(scenario), "still filed"
    folders = {path.name for path in scenario.library.iterdir() if path.is_dir()} - {".illsort"}
    assert {"kind_a"} == folders, "other folders than before"
    _check_tidy(scenario, places=0, sidecars=0)


def _filed(scenario: SidecarScenario) -> dict[Path, bytes]:
    """The files that illsort put into the library, by relative path."""
    found = (path for path in scenario.library.rglob("*") if path.is_file() and ".illsort" not in path.parts)
    return {path.relative_to(scenario.library): path.read_bytes() for path in found if path not in scenario.own}


def _is_beside(sidecar: Path, picture: Path) -> bool:
    rest = sidecar.name.removeprefix(picture.stem)
    return sidecar.parent == picture.parent and sidecar.suffix != ".jpg" and rest[:1] in {".", ""}


def _check_tidy(scenario: SidecarScenario, *, places: int, sidecars: int) -> None:
    """The catalog records these and no open move, and no temporary copy is left."""
    assert [] == list(scenario.library.rglob(".illsort-*.part")), "left over"
    with read_catalog(scenario.library) as catalog:
        ask = catalog.connection.execute
        assert [] == ask("SELECT * FROM moves WHERE state IN ('intent', 'claimed')").fetchall(), "left open"
        assert (places,) == ask("SELECT count(*) FROM places").fetchone(), "other places recorded"
        assert (sidecars,) == ask("SELECT count(*) FROM sidecars").fetchone(), "other sidecars recorded"
