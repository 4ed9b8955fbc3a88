from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from classifier.errors import CrawlError, StorageError
from classifier.exclude import Exclude
from classifier.parts import packages, read_ahead, retries
from classifier.parts.list_pictures import LeftOut, Result, list_pictures
from classifier.parts.listing_files import LISTING_FILE, Part, read_listing, read_part, write_part
from classifier.parts.storage import open_storage, read_listed
from classifier.progress import SilentProgress
from fault_injection.audit_kill import killed_after
from kit.commands import illsort
from kit.pictures import jpeg_bytes
from kit.progress import SavingProgress
from kit.tars import tar_bytes
from kit.tree import Tree, all_files, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from classifier.parts.schema import Listed
    from classifier.parts.storage_types import Storage
    from kit.bucket import Bucket

JPEG = jpeg_bytes((200, 0, 0))
SHARD = tar_bytes({"0.jpg": JPEG, "0.json": b"{}", "0.txt": b"caption", "dir/1.png": JPEG + b"1", "._2.jpg": b"mac"})
TREE: Tree = {
    "b.jpg": JPEG,
    "a.txt": b"no picture",
    "shard-0.tar": SHARD,
    "sub": {"c.jpg": JPEG + b"c", "deep": {"d.png": JPEG + b"d", "shard-1.TAR": SHARD}},
    ".illsort": {"thumb.jpg": JPEG},
    "library": {"!cat": {"x.jpg": JPEG}, ".illsort": {"catalog.sqlite": b""}, "cats": {"y.jpg": JPEG}},
    "@eaDir": {"t.jpg": JPEG},
}
MEMBERS = ["0.jpg", "dir/1.png"]
IN_FOLDER = [
    "b.jpg",
    *(f"shard-0.tar/{name}" for name in MEMBERS),
    "sub/c.jpg",
    "sub/deep/d.png",
    *(f"sub/deep/shard-1.TAR/{name}" for name in MEMBERS),
]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "WAITS_S", (0.01,) * len(retries.WAITS_S))


@pytest.fixture(params=["folder", "memory", "bucket"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Tree], Storage]:
    """Has a place with these files."""

    def fill(tree: Tree) -> Storage:
        folder = make_tree(tmp_path / "crawl", tree)
        if request.param == "folder":
            return open_storage(folder)
        url = f"memory://{tmp_path.name}" if request.param == "memory" else request.getfixturevalue("bucket").url
        storage = open_storage(f"{url}/crawl")
        for path in folder.rglob("*"):
            if path.is_file():
                storage.write_atomically(path.relative_to(folder).as_posix(), path.read_bytes())
        return storage

    return fill


def run(source: Storage, parts: Storage, **options: object) -> Result:
    return list_pictures(source, parts, SilentProgress(), **options)  # type: ignore[arg-type]


def rows_of(parts: Storage) -> list[Listed]:
    return [row for number in range(read_listing(parts).parts) for row in read_part(parts, number).rows]


def test_pictures_and_members_of_archives_are_listed(filled: Callable[[Tree], Storage], tmp_path: Path) -> None:
    source, parts = filled(TREE), open_storage(tmp_path / "parts")

    result = run(source, parts)

    rows = rows_of(parts)
    assert sorted(row.key for row in rows) == sorted(IN_FOLDER)
    expected = {one: JPEG + one[-5:-4].encode() if one[-5] in "cd1" else JPEG for one in IN_FOLDER}
    assert {row.key: read_listed(source, row) for row in rows} == expected
    assert [row.tar for row in rows if ".tar" in row.key.lower()] == ["shard-0.tar"] * 2 + ["sub/deep/shard-1.TAR"] * 2
    assert result.listing == read_listing(parts)
    assert (result.listing.source, result.listing.pictures, result.listing.parts) == (source.url, 7, 1)
    assert (result.found.others, result.found.system, len(result.found.left_out)) == (1, 1, 1)
    assert result.damaged == []


def test_a_folder_is_listed_in_the_order_of_the_walk(tmp_path: Path) -> None:
    source, parts = open_storage(make_tree(tmp_path / "crawl", TREE)), open_storage(tmp_path / "parts")

    run(source, parts)

    assert [row.key for row in rows_of(parts)] == IN_FOLDER


def test_a_bucket_is_listed_in_the_order_of_the_keys(bucket: Bucket, tmp_path: Path) -> None:
    for key in ("z.jpg", "a.jpg", "a/x.jpg", "a!.tar", "é.jpg", "a0.tar", "b.tar"):
        bucket.put(key, SHARD if key.endswith("tar") else JPEG)
    parts = open_storage(tmp_path / "parts")

    run(open_storage(bucket.url), parts)

    keys = [row.tar or row.key for row in rows_of(parts)]
    assert list(dict.fromkeys(keys)) == ["a!.tar", "a.jpg", "a/x.jpg", "a0.tar", "b.tar", "z.jpg", "é.jpg"]


def test_listing_twice_gives_the_same_bytes(filled: Callable[[Tree], Storage], tmp_path: Path) -> None:
    source = filled(TREE)

    for name in ("one", "two"):
        run(source, open_storage(tmp_path / name), part_size=3)

    one, two = all_files(tmp_path / "one"), all_files(tmp_path / "two")
    assert one == two
    assert list(one) == ["listing.json", "part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]


@pytest.mark.parametrize(("part_size", "lengths"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (8, [7])])
def test_parts_have_the_length_that_was_asked_for(tmp_path: Path, part_size: int, lengths: list[int]) -> None:
    parts, progress = open_storage(tmp_path / "parts"), SavingProgress()

    list_pictures(open_storage(make_tree(tmp_path / "crawl", TREE)), parts, progress, part_size=part_size)

    assert [len(read_part(parts, number).rows) for number in range(len(lengths))] == lengths
    assert len(parts.names()) == len(lengths) + 1
    assert [stage.done for stage in progress.stages] == [7]


def test_parts_may_go_to_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    bucket.server.faulty, bucket.server.faults = "PUT", ["503", "", "reset"]

    run(open_storage(make_tree(tmp_path / "crawl", TREE)), open_storage(f"{bucket.url}/parts"), part_size=4)

    assert bucket.keys() == ["parts/listing.json", "parts/part-00000.parquet", "parts/part-00001.parquet"]
    assert [row.key for row in rows_of(open_storage(f"{bucket.url}/parts"))] == IN_FOLDER


@pytest.mark.parametrize("fault", ["503", "truncated", "reset"])
def test_faults_of_a_bucket_change_nothing_in_its_listing(bucket: Bucket, tmp_path: Path, fault: str) -> None:
    for number in range(4):
        bucket.put(f"{number}.tar", SHARD)
    source = open_storage(bucket.url)
    run(source, open_storage(tmp_path / "calm"))
    bucket.server.faults[:] = [fault] * 3 + [""] * 2 + [fault]

    run(source, open_storage(tmp_path / "stormy"))

    assert all_files(tmp_path / "stormy") == all_files(tmp_path / "calm")
    assert bucket.server.faults == []


def test_an_outage_is_one_line_and_leaves_no_whole_listing(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("a.jpg", JPEG)
    for number in range(20):
        bucket.put(f"{number}.tar", SHARD)
    bucket.server.faulty, bucket.server.forever = f"GET /{bucket.name}/1", "503"

    with pytest.raises(StorageError, match=rf"^{bucket.url}/1\d?\.tar: "):
        run(open_storage(bucket.url), open_storage(tmp_path / "parts"), part_size=1)

    with pytest.raises(StorageError, match="no complete listing"):
        read_listing(open_storage(tmp_path / "parts"))


def test_nothing_reads_on_after_the_place_for_parts_refused(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "_CHUNK", 1)
    for number in range(20):
        bucket.put(f"{number}.tar", tar_bytes({f"{one}.jpg": b"" for one in range(50)}))

    with pytest.raises(FileNotFoundError) as raised:
        run(open_storage(bucket.url), open_storage(f"{bucket.url}-not/parts"), part_size=1)

    assert "ThreadPool" not in " ".join(thread.name for thread in threading.enumerate()), raised


def test_many_archives_of_a_bucket_come_in_their_order(bucket: Bucket, tmp_path: Path) -> None:
    for number in range(30):
        bucket.put(f"{number:02d}.tar", tar_bytes({f"{one}.jpg": b"x" * one for one in range(1 + 40 * (number % 3))}))

    run(open_storage(bucket.url), open_storage(tmp_path / "parts"))

    keys = [row.key for row in rows_of(open_storage(tmp_path / "parts"))]
    assert keys == [f"{number:02d}.tar/{one}.jpg" for number in range(30) for one in range(1 + 40 * (number % 3))]


def test_what_can_be_read_of_a_damaged_archive_is_listed(filled: Callable[[Tree], Storage], tmp_path: Path) -> None:
    source = filled({"a.tar": SHARD[:3000], "b.tar": b"no archive at all", "c.jpg": JPEG, "d.tar": SHARD})
    parts = open_storage(tmp_path / "parts")

    result = run(source, parts)

    assert [row.key for row in rows_of(parts)] in (
        ["a.tar/0.jpg", "c.jpg", "d.tar/0.jpg", "d.tar/dir/1.png"],  # by key
        ["a.tar/0.jpg", "c.jpg", "d.tar/0.jpg", "d.tar/dir/1.png"],
    )
    assert result.damaged == [
        "a.tar: ends in the middle, after 3,000 bytes",
        "b.tar: ends in the middle, after 17 bytes",
    ]


def test_what_is_excluded_is_not_listed(filled: Callable[[Tree], Storage], tmp_path: Path) -> None:
    parts = open_storage(tmp_path / "parts")

    run(filled(TREE), parts, left_out=LeftOut(exclude=Exclude(["deep/", "*.png", "/b.jpg"])))

    assert [row.key for row in rows_of(parts)] == ["shard-0.tar/0.jpg", "sub/c.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="only there do names hold any bytes")
def test_names_of_any_bytes_are_listed_and_read(tmp_path: Path) -> None:
    crawl = tmp_path / os.fsdecode(b"crawl\x83")
    make_tree(crawl, {os.fsdecode(b"\x83\x65.jpg"): JPEG, "back\\x5cslash.jpg": JPEG, "line\nend.jpg": JPEG})
    (crawl / "t.tar").write_bytes(tar_bytes({"\udc83.jpg": JPEG}))
    source, parts = open_storage(crawl), open_storage(tmp_path / "parts")

    run(source, parts)

    rows = rows_of(parts)
    assert [row.key for row in rows] == [r"back\x5cx5cslash.jpg", "line\nend.jpg", r"t.tar/\x83.jpg", r"\x83e.jpg"]
    assert {read_listed(open_storage(read_listing(parts).source), row) for row in rows} == {JPEG}


def test_a_source_without_pictures_is_one_line(filled: Callable[[Tree], Storage], tmp_path: Path) -> None:
    source = filled({"a.txt": b"x"})

    with pytest.raises(CrawlError, match="there is no picture in it"):
        run(source, open_storage(tmp_path / "parts"))

    assert not (tmp_path / "parts").exists()


def test_a_whole_listing_is_not_replaced(tmp_path: Path) -> None:
    source, parts = open_storage(make_tree(tmp_path / "crawl", TREE)), open_storage(tmp_path / "parts")
    run(source, parts)
    before = all_files(tmp_path / "parts")

    with pytest.raises(StorageError, match="holds a listing already"):
        run(source, parts)

    assert all_files(tmp_path / "parts") == before


@pytest.mark.parametrize("name", ["notes.txt", "part-00000.parquet"])
def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path, name: str) -> None:
    source = open_storage(make_tree(tmp_path / "crawl", TREE))
    make_tree(tmp_path / "parts", {name: b"of somebody"})

    with pytest.raises(StorageError, match=rf"is not empty \({name}\)"):
        run(source, open_storage(tmp_path / "parts"))

    assert all_files(tmp_path / "parts") == {name: b"of somebody"}


def test_a_source_is_no_place_for_its_own_listing(filled: Callable[[Tree], Storage]) -> None:
    source = filled({"sub": {"a.jpg": JPEG}})

    with pytest.raises(StorageError, match="is what is to be listed"):
        run(source, open_storage(source.url))


def test_a_place_that_does_not_answer_is_not_said_to_be_full(bucket: Bucket, tmp_path: Path) -> None:
    source, parts = open_storage(make_tree(tmp_path / "crawl", TREE)), open_storage(bucket.url)
    write_part(parts, Part(source=source.url, number=0, part_size=2, rows=[]))
    bucket.server.faulty, bucket.server.forever = f"GET /{bucket.name}/part-", "503"

    with pytest.raises(StorageError, match=r"part-00000\.parquet: Please reduce your request rate"):
        run(source, parts)


def test_members_whose_names_lead_out_of_their_archive_are_passed_over(
    filled: Callable[[Tree], Storage], tmp_path: Path
) -> None:
    odd = {"../y.jpg": JPEG, "/etc/z.jpg": JPEG, "a/../b.jpg": JPEG, "../c.txt": JPEG, "a..b.jpg": JPEG}
    source, parts = filled({"t.tar": tar_bytes(odd), "u.tar": tar_bytes({"../x.jpg": JPEG})}), open_storage(tmp_path)

    found = run(source, parts).found

    assert [row.key for row in rows_of(parts)] == ["t.tar/a..b.jpg"]
    assert [(one.path.name, str(one.what)) for one in found.left_out] == [
        ("t.tar", "3 pictures whose names lead out of the archive"),
        ("u.tar", "1 picture whose name leads out of the archive"),
    ]
    assert found.numbers()["left_out"]


def test_parts_of_another_source_are_left_alone(tmp_path: Path) -> None:
    write_part(open_storage(tmp_path / "parts"), Part(source="/elsewhere", number=0, part_size=2, rows=[]))

    with pytest.raises(StorageError, match="is not empty"):
        run(open_storage(make_tree(tmp_path / "crawl", TREE)), open_storage(tmp_path / "parts"))


def test_a_listing_killed_anywhere_is_not_whole_and_is_made_anew(tmp_path: Path) -> None:
    source = open_storage(make_tree(tmp_path / "crawl", TREE))
    run(source, open_storage(tmp_path / "expected"), part_size=2)
    expected, changes = all_files(tmp_path / "expected"), 0

    while True:
        parts = open_storage(tmp_path / f"killed-{changes}")
        with killed_after(changes) as state:
            run(source, parts, part_size=2)
        if state.done < changes:
            break
        assert not parts.exists(LISTING_FILE) or all_files(tmp_path / f"killed-{changes}") == expected
        if not parts.exists(LISTING_FILE):
            run(source, parts, part_size=2)
        assert {path.name for path in (tmp_path / f"killed-{changes}").iterdir()} == set(expected)
        assert all_files(tmp_path / f"killed-{changes}") == expected
        changes += 1
    assert changes > 2 * len(expected)


def test_surplus_parts_of_an_interrupted_listing_are_removed(tmp_path: Path) -> None:
    source, parts = open_storage(make_tree(tmp_path / "crawl", TREE)), open_storage(tmp_path / "parts")
    for number in range(9):
        write_part(parts, Part(source=source.url, number=number, part_size=4, rows=[]))
    (tmp_path / "parts" / ".part-00009.parquet.0123456789abcdef.part").write_bytes(b"half")

    run(source, parts, part_size=4)

    assert [path.name for path in sorted((tmp_path / "parts").iterdir())] == [
        "listing.json",
        "part-00000.parquet",
        "part-00001.parquet",
    ]


def test_the_command_lists_and_says_what_it_did(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", TREE | {"cut.tar": SHARD[:3000]})

    ended = illsort("list", tmp_path / "crawl", "--to", tmp_path / "parts", "--part-size", 3, "--exclude", "*.png")

    assert ended.returncode == 1
    assert ended.stdout == (
        f"5 pictures listed in 2 parts: {(tmp_path / 'parts').as_posix()}; "
        "1 archive is damaged, and only what could be read of it is listed\n"
    )
    assert "cut.tar: ends in the middle" in ended.stderr
    assert "1 file is not a picture" in ended.stderr


def test_the_command_leaves_out_what_the_settings_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(
        tmp_path / "crawl", {"a.jpg": JPEG, "b.gif": JPEG, "labels": {"c": {"d.jpg": JPEG}}, "out": {"e.jpg": JPEG}}
    )
    lines = ['[labels]\nfolder = "crawl/labels"', '[sort]\nlibrary = "crawl/out"', '[images]\nexclude = ["*.gif"]']
    (tmp_path / "illsort.toml").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)

    assert illsort("list", "crawl", "--to", "parts").returncode == 0

    assert [row.key for row in rows_of(open_storage(tmp_path / "parts"))] == ["a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_ends_a_listing_in_one_line(bucket: Bucket, tmp_path: Path) -> None:
    for number in range(40):
        bucket.put(f"{number:02d}.tar", SHARD)
    bucket.server.faulty, bucket.server.forever = f"GET /{bucket.name}/", "slow"
    parts = open_storage(tmp_path / "parts")
    words = ["list", bucket.url, "--to", str(tmp_path / "parts"), "--part-size", "1"]
    started = subprocess.Popen([sys.executable, "-m", "classifier", *words], stderr=subprocess.PIPE, text=True)
    while started.poll() is None and not parts.names():
        time.sleep(0.01)
    started.send_signal(signal.SIGINT)
    _, stderr = started.communicate(timeout=30)

    assert started.returncode == 130
    assert [line for line in stderr.splitlines() if line.startswith(("illsort", "Traceback"))] == ["illsort: stopped"]
    assert parts.names()
    assert not parts.exists(LISTING_FILE)
    bucket.server.behave()
    assert illsort(*words).returncode == 0
    assert read_listing(parts).pictures == 80


def test_the_command_prints_json(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.jpg": JPEG})

    ended = illsort("list", tmp_path / "crawl", "--to", tmp_path / "parts", "--json")

    assert ended.returncode == 0
    expected = {"source": (tmp_path / "crawl").as_posix(), "parts": 1, "pictures": 1, "damaged": []}
    assert {name: ended.json[name] for name in expected} == expected
    assert json.loads((tmp_path / "parts" / LISTING_FILE).read_text())["part_size"] == 10_000


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("list",), "SOURCE is missing"),
        (("list", "crawl"), "--to is missing"),
        (("list", "nowhere", "--to", "parts"), "nowhere"),
        (("list", "s3://key:hunter2@bucket", "--to", "parts"), "leave key, secret and password out"),
        (("list", "crawl", "--to", "s3://key:hunter2@bucket"), "leave key, secret and password out"),
        (("list", "crawl", "--to", "parts", "--part-size", "0"), "--part-size"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)

    ended = illsort(*words)

    assert ended.returncode == 2
    [line] = [one for one in ended.stderr.splitlines() if one.startswith("illsort:")]
    assert expected in line
    assert "hunter2" not in ended.stderr


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _name: None)

    ended = illsort("list", "crawl", "--to", "parts")

    assert (ended.returncode, ended.stderr) == (
        2,
        'illsort: pyarrow is not installed: pip install "illsort[parts]"\n',
    )
