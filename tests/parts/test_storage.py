from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from classifier.errors import StorageError
from classifier.parts import object_storage, retries, s3_storage
from classifier.parts.object_storage import open_filesystem
from classifier.parts.schema import Listed
from classifier.parts.storage import open_storage, read_listed
from classifier.parts.storage_types import ChangedSinceListed, Storage
from classifier.parts.urls import split_url

if TYPE_CHECKING:
    from kit.bucket import Bucket


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "WAITS_S", (0.01,) * len(retries.WAITS_S))


@pytest.fixture(params=["folder", "memory", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return open_storage(tmp_path / "parts")
    if request.param == "memory":
        return open_storage(f"memory://{tmp_path.name}/parts")
    return open_storage(f"{request.getfixturevalue('bucket').url}/parts")


def test_what_is_written_is_read(storage: Storage) -> None:
    assert not storage.exists("a/x.bin")
    assert storage.names() == []

    storage.write_atomically("a/x.bin", b"0123456789")
    storage.write_atomically("y.bin", b"before")
    storage.write_atomically("y.bin", b"after")

    assert storage.exists("a/x.bin")
    assert not storage.exists("a")
    assert storage.has_below("a")
    assert not storage.has_below("a/x.bin")
    assert not storage.has_below("b")
    assert storage.names() == ["y.bin"]
    assert storage.read_bytes("y.bin") == b"after"
    assert storage.read_range("a/x.bin", 3, 4) == b"3456"
    assert storage.read_range("a/x.bin", 3, 0) == b""
    storage.remove("y.bin")
    assert storage.names() == []
    with pytest.raises(FileNotFoundError):
        storage.read_bytes("y.bin")
    with pytest.raises(FileNotFoundError):
        storage.read_range("y.bin", 0, 4)


def test_odd_names_are_read_back(storage: Storage) -> None:
    key = r"100% [a]?#&+ \x5cxff/é 絵.bin"

    storage.write_atomically(key, b"odd")

    assert storage.read_bytes(key) == b"odd"
    if storage.folder is None:
        assert [one.key for one in storage.objects()] == [key]


def test_a_picture_that_changed_since_it_was_listed_is_not_read(storage: Storage) -> None:
    storage.write_atomically("x.jpg", b"first")
    row = Listed(*storage.stat("x.jpg"))
    member = Listed("x.jpg/a", 2, row.version, "x.jpg", 1)
    assert (read_listed(storage, row), read_listed(storage, member)) == (b"first", b"ir")
    storage.write_atomically("x.jpg", b"other")
    if storage.folder is not None:
        os.utime(storage.folder / "x.jpg", ns=(0, 0))

    for listed in (row, member):
        with pytest.raises(ChangedSinceListed):
            read_listed(storage, listed)
    storage.remove("x.jpg")
    with pytest.raises(FileNotFoundError):
        read_listed(storage, row)


def test_a_range_beyond_the_end_is_a_change(storage: Storage) -> None:
    storage.write_atomically("x.tar", b"0123")

    for offset in (2, 4, 100):
        with pytest.raises(ChangedSinceListed):
            storage.read_range("x.tar", offset, 3)


def test_a_storage_goes_to_another_process(storage: Storage) -> None:
    storage.write_atomically("x", b"here")

    assert pickle.loads(pickle.dumps(storage)).read_bytes("x") == b"here"  # noqa: S301 - our own


def test_threads_share_a_storage(storage: Storage) -> None:
    for number in range(20):
        storage.write_atomically(f"{number}", b"%d" % number)

    with ThreadPoolExecutor(8) as pool:
        assert [b"%d" % number for number in range(20)] == list(
            pool.map(storage.read_bytes, (f"{number}" for number in range(20)))
        )


@pytest.mark.parametrize("fault", ["503", "truncated", "reset"])
def test_a_passing_fault_of_a_bucket_is_overcome(bucket: Bucket, fault: str) -> None:
    storage = open_storage(bucket.url)
    content = bytes(range(256)) * 1000
    bucket.put("x.bin", content)
    version = storage.stat("x.bin").version

    for read in (
        lambda: storage.read_bytes("x.bin", version=version),
        lambda: storage.read_range("x.bin", 0, 256_000, version=version),
    ):
        bucket.server.faults[:] = [fault, fault, "", fault]
        assert read() == content
    assert bucket.server.faults == [fault]
    bucket.server.faults[:] = [fault]
    assert [one.key for one in storage.objects()] == ["x.bin"]
    assert bucket.server.faults == []


@pytest.mark.parametrize("fault", ["503", "reset"])
def test_a_write_to_a_bucket_overcomes_a_passing_fault(bucket: Bucket, fault: str) -> None:
    bucket.server.faulty, bucket.server.faults = "PUT", [fault, fault]

    open_storage(bucket.url).write_atomically("x.bin", b"whole")

    assert bucket.get("x.bin") == b"whole"


def test_a_lasting_fault_is_one_line_after_a_bounded_number_of_tries(bucket: Bucket) -> None:
    bucket.put("x.bin", b"0123")
    bucket.server.forever, before = "503", len(bucket.server.asked)

    with pytest.raises(StorageError, match=rf"^{bucket.url}/x\.bin: ") as raised:
        open_storage(bucket.url).read_bytes("x.bin")

    assert "\n" not in str(raised.value)
    assert len(bucket.server.asked) - before <= 2 * (len(retries.WAITS_S) + 1)


def test_a_fault_does_not_read_as_a_file_that_is_not_there(bucket: Bucket) -> None:
    bucket.put("x.bin", b"0123")
    bucket.server.faulty, bucket.server.forever = "HEAD", "503"

    with pytest.raises(StorageError):
        open_storage(bucket.url).exists("x.bin")


def test_a_bucket_is_listed_by_key_and_page_by_page(bucket: Bucket) -> None:
    keys = [
        "a",
        "a!b/x",
        "a/b",
        "a0",
        "b//c",
        "ä/x",
        "\uff5e",
        "\U0001d482",
    ]  # the last two in the other order in UTF-16
    for key in keys:
        bucket.put(f"in/{key}", b"x")
    bucket.put("in/a/", b"")
    bucket.put("in2/no", b"x")

    assert keys == sorted(keys, key=str.encode)
    assert [one.key for one in open_storage(f"{bucket.url}/in/").objects()] == keys


@pytest.mark.parametrize("folders", ["", "abcde"])
def test_more_objects_than_a_page_holds_are_all_listed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, folders: str
) -> None:
    monkeypatch.setattr(s3_storage, "_PAGE", 3)
    monkeypatch.setattr(s3_storage, "_PAGES_OF_RANGE", 1)
    keys = sorted([*(f"{number}" for number in range(10)), *(f"{one}/{number}" for one in folders for number in "012")])
    for key in [*keys, *(f"{one}/" for one in folders)]:
        bucket.put(key, b"")
    bucket.server.asked.clear()

    assert [one.key for one in open_storage(bucket.url).objects()] == keys
    assert len(bucket.server.asked) >= len(keys) / 3


def test_what_fsspec_has_is_listed_in_the_order_of_keys_too() -> None:
    keys = ["a!b/x", "a/b", "a/c/d", "a0", "b.c", "b/c"]
    memory = fsspec.filesystem("memory")
    for key in reversed(keys):
        memory.pipe(f"/ordered/{key}", b"x")

    assert keys == sorted(keys)
    assert [one.key for one in open_storage("memory://ordered").objects()] == keys


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAKEY:hun/ter2@pail/pictures",
        "s3://AKIAKEY@pail",
        "gs://AKIAKEY:hunter2@pail",
        "sftp://AKIAKEY:hunter2@host/pictures",
        "sftp://AKIAKEY:hun/ter2@host/pictures",
        "simplecache::s3://AKIAKEY:hunter2@pail",
        "https://pail.example/x?X-Amz-Signature=hunter2",
        "s3://pail/x?X-Amz-Signature=hunter2",
        "abfs://pail@account/x?sv=1&sig=hunter2",
        "gs://pail?access_token=hunter2",
        "ftp://AKIAKEY:12/hunter2@host/x",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StorageError) as raised:
        open_storage(url)

    assert not [word for word in ("AKIAKEY", "hun", "ter2", "pail", "host/") if word in str(raised.value)]


@pytest.mark.parametrize(
    "url",
    ["sftp://user@host:22/a:b", "s3://bucket/a?b", "s3://bucket/a:b@c", "abfs://pail@account/x", "s3://bucket/a=b"],
)
def test_keys_of_odd_characters_are_no_credentials(url: str) -> None:
    assert str(split_url(url)) == url


def test_a_package_that_wants_a_host_is_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[tuple[str, dict[str, Any]]]()
    monkeypatch.setattr(
        object_storage.fsspec, "filesystem", lambda protocol, **options: made.append((protocol, options))
    )

    for url in ("ftp://user@host:21/x", "webhdfs://host:50/x"):
        open_filesystem(split_url(url))

    assert made == [
        ("ftp", {"use_listings_cache": False, "host": "host", "port": 21, "username": "user"}),
        ("webhdfs", {"use_listings_cache": False, "host": "host", "port": 50}),
    ]


def test_paths_and_urls_of_files_are_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    uri = (tmp_path / "x").as_uri()
    for given in ("x", str(tmp_path / "x"), uri, tmp_path / "y" / ".." / "x", uri.replace("://", "://localhost")):
        assert open_storage(given).folder == tmp_path / "x"
    drive = open_storage("C://Users/x").folder
    assert drive is not None
    assert drive.as_posix().endswith("C:/Users/x")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket/x", 'illsort[s3]"'),
        ("gs://bucket/x", "gcsfs"),
        ("nonsense://x", "nonsense"),
        ("s3://", "names no bucket"),
        ("github://org/repo", "github://org/repo: "),
        ("ftp://127.0.0.1:1/x", "ftp://127.0.0.1:1/x: "),
        ("file://x/y", "write a whole path"),
        ("", "path is empty"),
    ],
)
def test_what_cannot_be_opened_is_one_line(url: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_storage, "find_spec", lambda _name: None)

    with pytest.raises(StorageError) as raised:
        open_storage(url)

    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_bucket_that_is_not_there_is_no_such_file(bucket: Bucket) -> None:
    storage = open_storage(f"{bucket.url}-not")

    with pytest.raises(FileNotFoundError):
        list(storage.objects())
    with pytest.raises(FileNotFoundError):
        storage.write_atomically("x", b"x")
