"""What a walk finds and skips: folders as dictionaries, each name with its count, and no file in two counts."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.exclude import Exclude
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from kit.pictures import COLORS, png_bytes
from kit.tree import Tree, make_tree


def zipped(*names: str) -> bytes:
    """A ZIP without compression, as Pixiv's are."""
    with zipfile.ZipFile(written := io.BytesIO(), "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return written.getvalue()


PNG = png_bytes(COLORS["red"])
TEXT = b"just text"
APPLE_DOUBLE = b"\0\5\26\7\0\2\0\0Mac OS X        "
COUNTS = (
    "pictures",
    "others",
    "videos",
    "ugoira",
    "archives",
    "unfinished",
    "system",
    "excluded",
    "labels",
    "links",
    "specials",
    "unreadable",
)

FILES: dict[str, tuple[bytes, str]] = {
    # Pictures, by name or by content, hidden ones and ones whose name only resembles others.
    **dict.fromkeys(
        ["a.png", "b.JPG", "no extension", ".hidden.png", "c.part.png", "._d.png", "tmp"], (PNG, "pictures")
    ),
    **dict.fromkeys(["empty.png", "broken.heic"], (b"", "pictures")),
    "notes.txt": (TEXT, "others"),
    # Moving pictures, and what may hold pictures.
    **dict.fromkeys(["a.mp4", "b.WEBM", "c.mov"], (b"", "videos")),
    **dict.fromkeys(["video"], (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "videos")),
    **dict.fromkeys(["matroska"], (b"\x1a\x45\xdf\xa3\x01\0\0\0", "videos")),
    **dict.fromkeys(["1_ugoira1920x1080.zip", "1_p0.ZIP"], (zipped("000000.jpg", "000001.jpg"), "ugoira")),
    "2.ugoira": (b"", "ugoira"),
    **dict.fromkeys(["set.zip", "comic.cbz"], (zipped("cover.jpg"), "archives")),
    **dict.fromkeys(["empty.zip", "set.rar", "set.7z"], (b"", "archives")),
    "letter.docx": (zipped("word/document.xml"), "others"),
    # Downloads that go on.
    **dict.fromkeys(
        [
            *("a.jpg.part", "b.png.crdownload", "c.jpg.download", "Unconfirmed 1.CRDOWNLOAD", "d.png.opdownload"),
            *("e.jpg.!qB", "f.jpg.!ut", "g.jpg.bc!", "h.webp.ytdl", "i.jpg.part-Frag12", "j.png.tmp", "k.png.temp"),
            *(
                "l.jpg.partial",
                "m.jpg.filepart",
                "n.png.td",
                "o.png.xltd",
                "p.jpg.aria2",
                ".q.png.~1a2b",
                "r.fdmdownload",
            ),
        ],
        (PNG, "unfinished"),
    ),
    # Notes of systems on their folders.
    **dict.fromkeys(["Thumbs.db", "THUMBS.DB", "desktop.ini", ".DS_Store", "ehthumbs.db"], (TEXT, "system")),
    **dict.fromkeys(["._a.png", "._notes.txt", "._x"], (APPLE_DOUBLE, "system")),
    # What the test excludes.
    **dict.fromkeys(["moving.gif", "MOVING.GIF", "draft 1.png"], (PNG, "excluded")),
}
FOLDERS: dict[str, str] = {
    **dict.fromkeys(["@eaDir", ".thumbnails", ".Trash-1000", ".Trashes", "$RECYCLE.BIN", "#recycle"], "system"),
    **dict.fromkeys(["System Volume Information", "lost+found", "@Recycle", ".@__thumb", "__MACOSX"], "system"),
    **dict.fromkeys(["thumbnails", "Trash", ".hidden", "photo.download", ".Trash-me", "eaDir"], ""),
    "private": "excluded",
}
EXCLUDED = Exclude(["*.gif", "draft ?.png", "PRIVATE/", "!kept.gif"])


def count(folder: Path, **options: Any) -> tuple[list[str], WalkResult]:
    found = WalkResult()
    names = [file.path.relative_to(folder).as_posix() for file in find_images(folder, found=found, **options)]
    return names, found


def counts(found: WalkResult) -> dict[str, int]:
    return {name: getattr(found, name) for name in COUNTS if getattr(found, name)}


@pytest.mark.parametrize("name", FILES)
def test_each_name_counts_as_one_thing(tmp_path: Path, name: str) -> None:
    content, counted = FILES[name]
    make_tree(tmp_path, {name: content})
    names, found = count(tmp_path, exclude=EXCLUDED)

    assert {counted: 1} == counts(found)
    assert ([name] if counted == "pictures" else []) == names


@pytest.mark.parametrize("name", FOLDERS)
def test_a_skipped_folder_is_not_entered(tmp_path: Path, name: str) -> None:
    make_tree(tmp_path, {"a": {name: {"1.png": PNG, "2.png": PNG, "3.part": PNG}}})
    _, found = count(tmp_path, exclude=EXCLUDED)

    assert ({FOLDERS[name]: 1} if FOLDERS[name] else {"pictures": 2, "unfinished": 1}) == counts(found)


def trees() -> st.SearchStrategy[dict[str, Any]]:
    leaves = st.dictionaries(st.sampled_from(sorted(FILES)), st.none(), max_size=4)
    return st.recursive(
        leaves, lambda inner: st.dictionaries(st.sampled_from(sorted([*FOLDERS, "x"])), inner, max_size=3), max_leaves=6
    )


def written(tree: dict[str, Any]) -> Tree:
    return {name: FILES[name][0] if inner is None else written(inner) for name, inner in tree.items()}


def expected(tree: dict[str, Any]) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, inner in tree.items():
        if inner is None:
            total[FILES[name][1]] += 1
        elif FOLDERS.get(name):
            total[FOLDERS[name]] += 1
        else:
            total += expected(inner)
    return total


def is_case_sensitive(folder: Path) -> bool:
    (folder / "probe").touch()
    return not (folder / "PROBE").exists()


@given(trees())
@settings(max_examples=60)
def test_whatever_the_tree_every_file_is_in_exactly_one_count(tree: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if not is_case_sensitive(Path(folder)):
            pytest.skip("two of the names are one here")
        names, found = count(make_tree(Path(folder) / "crawl", written(tree)), exclude=EXCLUDED)

    assert dict(expected(tree)) == counts(found)
    assert len(names) == found.pictures


@pytest.mark.parametrize(
    ("tree", "found_names", "counted"),
    [
        ({"a.jpg": PNG, "a.jpg.aria2": TEXT}, [], {"unfinished": 2}),
        ({"a.jpg": PNG, "a.jpg.st": TEXT}, [], {"unfinished": 1, "others": 1}),
        ({"a.jpg": b"", "a.jpg.part": PNG}, [], {"unfinished": 2}),
        ({"a.jpg": PNG, "a.jpg.part": PNG}, ["a.jpg"], {"pictures": 1, "unfinished": 1}),
        ({"a.jpg": PNG, "b.jpg.aria2": TEXT}, ["a.jpg"], {"pictures": 1, "unfinished": 1}),
        ({"a.jpg.download": {"a.jpg": PNG, "Info.plist": TEXT}}, [], {"unfinished": 1}),
        ({"set.download": {"a.jpg": PNG}}, ["set.download/a.jpg"], {"pictures": 1}),
    ],
)
def test_a_file_beside_it_marks_a_download_as_unfinished(
    tmp_path: Path, tree: Tree, found_names: list[str], counted: dict[str, int]
) -> None:
    names, found = count(make_tree(tmp_path, tree))

    assert (found_names, counted) == (names, counts(found))


@pytest.mark.parametrize("mark", [{".illsort": {"catalogue.sqlite": b""}}, {"illsort.json": b"{}"}])
def test_a_library_or_a_model_in_the_crawl_is_skipped_and_reported(tmp_path: Path, mark: Tree) -> None:
    crawl = make_tree(tmp_path, {"a.png": PNG, "deep": {"ours": {**mark, "cat": {"b.png": PNG}}}})
    names, found = count(crawl)

    assert (["a.png"], {"pictures": 1}) == (names, counts(found))
    assert [crawl / "deep" / "ours"] == [one.path for one in found.left_out]
    assert [line for line in found.sentences() if str(crawl / "deep" / "ours") in line]
    assert (crawl / "deep" / "ours").as_posix() == found.numbers()["left_out"][0]["path"]


def test_the_crawl_itself_may_be_a_library_that_is_only_read(tmp_path: Path) -> None:
    names, found = count(make_tree(tmp_path, {".illsort": {"x.png": PNG}, "cat": {"a.png": PNG}}))

    assert (["cat/a.png"], []) == (names, found.left_out)


def test_folders_to_leave_out_are_known_however_they_are_spelled(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path, {"a.png": PNG, "labels": {"cat": {"b.png": PNG}}, "other": {"c.png": PNG}})
    names, found = count(crawl, leave_out={crawl / "other" / ".." / "labels": "labels", crawl / "gone": "labels"})

    assert ["a.png", "other/c.png"] == names
    assert [("labels", crawl / "labels")] == [(one.what, one.path) for one in found.left_out]


def test_many_folders_left_out_are_a_few_lines(tmp_path: Path) -> None:
    _, found = count(make_tree(tmp_path, {f"{n}": {"illsort.json": b""} for n in range(30)}))
    lines = [line for line in found.sentences() if line.startswith("left out")]

    assert 11 == len(lines)
    assert lines[-1] == "left out: 20 more folders like these"


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["*.gif"], ["2019/drafts/c.png", "a.png", "drafts/b.png"]),
        (["drafts"], ["a.png", "x.gif"]),
        (["/drafts"], ["2019/drafts/c.png", "a.png", "x.gif"]),
        (["2019/drafts/"], ["a.png", "drafts/b.png", "x.gif"]),
        (["**/drafts/*.png"], ["a.png", "x.gif"]),
        (["A.*"], ["2019/drafts/c.png", "drafts/b.png", "x.gif"]),
        (["*", "!a.png"], ["a.png"]),
        (["a.png/"], ["2019/drafts/c.png", "a.png", "drafts/b.png", "x.gif"]),
        (["[ab].png", "*.GIF"], ["2019/drafts/c.png"]),
        ([], ["2019/drafts/c.png", "a.png", "drafts/b.png", "x.gif"]),
    ],
)
def test_patterns_exclude_as_in_a_gitignore(tmp_path: Path, patterns: list[str], left: list[str]) -> None:
    tree: Tree = {"a.png": PNG, "x.gif": PNG, "drafts": {"b.png": PNG}, "2019": {"drafts": {"c.png": PNG}}}
    names, found = count(make_tree(tmp_path, tree), exclude=Exclude(patterns))

    assert left == sorted(names)
    assert bool(found.excluded) == (len(left) < 4)


def test_a_hash_and_the_other_unicode_form_can_be_excluded(tmp_path: Path) -> None:
    make_tree(tmp_path, {"#old": {"a.png": PNG}, "カ\u3099": {"b.png": PNG}, "c.png": PNG})

    assert ["c.png"] == count(tmp_path, exclude=Exclude(["#OLD", "\u30ac/"]))[0]


@pytest.mark.parametrize("pattern", ["", " ", "/", "!", "\\", "a\nb", "a\\"])
def test_a_pattern_that_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="matches nothing"):
        Exclude(["*.gif", pattern])


def test_each_kind_of_skipped_file_is_reported_in_one_line() -> None:
    found = WalkResult(pictures=5, others=2, unfinished=3, system=4, excluded=1200, labels=6)

    assert found.sentences() == [
        "2 files are not pictures",
        "3 unfinished downloads were passed over; they are taken once they are complete",
        "6 labeled pictures stay where your labels name them",
        "passed over: 4 of the system (trash, thumbnails and the like) and 1,200 excluded by you",
    ]


def test_names_of_any_bytes_can_be_excluded_by_wildcards() -> None:
    assert Exclude(["old*/"])("old\udc83/")
    with pytest.raises(ValueError, match=r"is not UTF-8: write \? or \*"):
        Exclude(["old\udc83"])
