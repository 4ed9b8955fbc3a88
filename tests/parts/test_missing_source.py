from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import fsspec
import pytest

from classifier.errors import StorageError
from classifier.parts import predictor
from classifier.parts.fetched import Fetched
from classifier.parts.local_storage import LocalStorage
from classifier.parts.object_storage import ObjectStorage
from classifier.parts.predict import Predicted, predict_parts
from classifier.parts.schema import Listed
from classifier.parts.storage import open_storage
from classifier.progress import SilentProgress
from classifier.reasons import Reason
from classifier.records import Failure, FailureKind
from classifier.settings import Settings
from kit.bundles import color_bundle
from kit.listings import drawn, in_folder, listed, members_of, rows_in, tar_of
from kit.readers import Fragile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from kit.bucket import Bucket


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "m").folder


def predict(parts: str, model: Path, answers: Path, settings: Settings | None = None) -> Predicted:
    return predict_parts(
        parts, model=model, answers=str(answers), settings=settings or Settings(), progress=SilentProgress()
    )


def failed(done: Predicted) -> list[str]:
    return [str(one.why) for one in done.outcome.failed]


def test_a_crawl_that_is_not_mounted_leaves_no_answers_and_is_answered_once_it_is(tmp_path: Path, model: Path) -> None:
    crawl = tmp_path / "crawl"
    parts = listed(tmp_path / "parts", crawl, in_folder(crawl, drawn(6)), part_size=3)

    crawl.rename(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="nothing is there"):
        predict(parts, model, tmp_path / "to")
    crawl.mkdir()
    with pytest.raises(StorageError, match="nothing is there"):
        predict(parts, model, tmp_path / "to")
    left = sorted(tmp_path.glob("to/part-*"))
    crawl.rmdir()
    (tmp_path / "elsewhere").rename(crawl)
    done = predict(parts, model, tmp_path / "to")

    assert [] == left
    assert [] == done.outcome.failed
    assert {None} == {row["failure"] for row in rows_in(tmp_path / "to")}


def test_a_part_of_which_every_picture_is_gone_is_no_answer(tmp_path: Path, model: Path) -> None:
    crawl = tmp_path / "crawl"
    parts = listed(tmp_path / "parts", crawl, in_folder(crawl, drawn(6)), part_size=3)
    for name in list(drawn(6))[:3]:
        (crawl / name).unlink()
    (crawl / "005.png").unlink()

    done = predict(parts, model, tmp_path / "to")

    assert [0] == [one.number for one in done.outcome.failed]
    assert "none of its pictures can be read" in failed(done)[0]
    assert [None, None, "gone"] == [row["failure_code"] for row in rows_in(tmp_path / "to")]


def test_a_bucket_that_is_not_there_is_one_line(tmp_path: Path, model: Path, bucket: Bucket) -> None:
    rows = [Listed(name, 10, "version") for name in drawn(3)]
    missing = listed(tmp_path / "parts", f"{bucket.url}-missing", rows)

    assert ["No such file or directory" in one for one in failed(predict(missing, model, tmp_path / "to"))] == [True]
    assert [] == sorted(tmp_path.glob("to/part-*"))
    bucket.put("crawl/deep/a.png", b"1")
    open_storage(bucket.url).check_there()
    open_storage(f"{bucket.url}/crawl").check_there()
    with pytest.raises(StorageError, match="nothing is there"):
        open_storage(f"{bucket.url}/craw").check_there()


@pytest.fixture
def memory() -> Iterator[ObjectStorage]:
    """Five objects that are in memory."""
    filesystem = fsspec.filesystem("memory")
    for number in range(5):
        filesystem.pipe_file(f"/refusing/{number}.jpg", b"x" * 10)
    yield ObjectStorage("memory://refusing", filesystem)
    filesystem.rm("/refusing", recursive=True)


@pytest.mark.parametrize("refused", [["2.jpg"], ["0.jpg", "1.jpg", "3.jpg", "4.jpg"]])
def test_an_object_that_may_not_be_read_is_a_row_while_others_may(
    memory: ObjectStorage, monkeypatch: pytest.MonkeyPatch, refused: list[str]
) -> None:
    rows = [Listed(*one) for one in memory.objects()]
    _refuse(memory, monkeypatch, refused)

    found = []
    with Fetched(rows, memory, max_megapixels=64) as paths:
        for index in range(5):
            is_there = paths[index].exists()
            failure = paths.failure(index, None)
            if failure is not None:
                paths.judge(index, failure)
            found.append((is_there, failure and (failure.kind, failure.detail.params["errno"])))
        paths.check()

    row = (False, (FailureKind.UNREADABLE, "EACCES"))
    assert [row if f"{index}.jpg" in refused else (True, None) for index in range(5)] == found


def test_credentials_that_do_not_hold_are_no_row(memory: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Listed(*one) for one in memory.objects()]
    with Fetched(rows, memory, max_megapixels=64) as paths:
        _refuse(memory, monkeypatch, [f"{number}.jpg" for number in range(5)])
        assert not any(paths[index].is_file() for index in range(5))
        with pytest.raises(StorageError, match="not valid"):
            paths.check()


def _refuse(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    filesystem: Any = storage._filesystem
    real = filesystem.cat_file

    def read(path: str, **options: Any) -> Any:
        if path.endswith(tuple(names)):
            raise PermissionError("The operation is not valid for the object's storage class")
        return real(path, **options)

    monkeypatch.setattr(filesystem, "cat_file", read)


@pytest.mark.parametrize(("number", "is_of_machine"), [(errno.EIO, True), (errno.EMFILE, True), (errno.EACCES, False)])
def test_what_speaks_of_the_machine_is_no_row_of_a_picture(tmp_path: Path, number: int, is_of_machine: bool) -> None:
    rows = in_folder(tmp_path / "crawl", drawn(2))
    failure = Failure(kind=FailureKind.UNREADABLE, detail=Reason.of_system(OSError(number, os.strerror(number))))

    with Fetched(rows, LocalStorage(tmp_path / "crawl"), max_megapixels=64) as paths:
        paths.judge(0, failure)
        assert is_of_machine == (not paths[1].is_file())
        if is_of_machine:
            with pytest.raises(StorageError, match=r"000\.png"):
                paths.check()
        else:
            paths.check()


def test_our_own_copy_that_goes_is_no_row_of_a_picture(tmp_path: Path) -> None:
    content = tar_of(drawn(2))
    in_folder(tmp_path / "tars", {"a.tar": content})
    rows = members_of(tmp_path / "tars", "a.tar", content)

    with Fetched(rows, LocalStorage(tmp_path / "tars"), max_megapixels=64) as paths:
        paths[0].unlink()
        paths.judge(0, Failure(kind=FailureKind.VANISHED, detail=Reason.of_system(FileNotFoundError())))
        with pytest.raises(StorageError):
            paths.check()


def test_large_pictures_are_fetched_as_far_ahead_as_their_bytes_allow(
    memory: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Listed(*memory.stat("0.jpg"))] * 60
    monkeypatch.setattr("classifier.parts.fetched._MOST_BYTES", 55)
    asked = 0
    real = memory.read_bytes

    def read(*args: Any, **options: Any) -> bytes:
        nonlocal asked
        asked += 1
        return real(*args, **options)

    monkeypatch.setattr(memory, "read_bytes", read)
    for last in (0, 9, 30):
        asked = 0
        with Fetched(rows, memory, max_megapixels=64) as paths:
            for index in range(last + 1):
                assert paths[index].exists()
                paths.done(index)
            assert len(paths._pending) <= 5
        assert asked <= last + 6


def test_a_picture_that_takes_its_decoder_down_is_a_row_also_without_workers(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "Reader", Fragile)
    whole = drawn(1)["000.png"]
    rows = in_folder(tmp_path / "crawl", {"a.png": whole, "kill-1.png": whole})
    alone = Settings.model_validate({"runtime": {"workers": 0}})

    done = predict(listed(tmp_path / "parts", tmp_path / "crawl", rows), model, tmp_path / "to", alone)

    assert [] == done.outcome.failed
    assert [None, "decoder_died"] == [row["failure_code"] for row in rows_in(tmp_path / "to")]
