from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from classifier.errors import StorageError
from classifier.parts.answer_settings import ANSWERS_FILE, AnsweringModel, AnswerSettings
from classifier.parts.local_storage import LocalStorage
from classifier.parts.storage import open_storage
from classifier.parts.storage_types import Storage

if TYPE_CHECKING:
    from pathlib import Path

    from kit.bucket import Bucket

OURS = AnswerSettings(
    source="x",
    parts=1,
    pictures=1,
    engine="torch",
    device="cpu",
    dtype="float32",
    batch_size=32,
    embeddings=False,
    max_megapixels=64.0,
    deadline_seconds=20.0,
    max_worker_gigabytes=3.0,
)
THEIRS = replace(OURS, embeddings=True)


def begun_between(place: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another command agree whole, just after the first look at the place."""
    real, looks = type(place).read_bytes, list[str]()

    def read(self: Storage, key: str, **options: Any) -> bytes:
        looks.append(key)
        if len(looks) == 1:
            OURS.agree(place)
            raise FileNotFoundError(key)
        return real(self, key, **options)

    monkeypatch.setattr(type(place), "read_bytes", read)


def test_of_two_commands_that_begin_at_once_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = LocalStorage(tmp_path / "to")
    begun_between(place, monkeypatch)

    with pytest.raises(StorageError, match="embeddings = false, this command true"):
        THEIRS.agree(place)
    assert [ANSWERS_FILE] == [path.name for path in (tmp_path / "to").iterdir()]


def test_of_two_commands_at_a_bucket_one_is_refused(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_storage(f"{bucket.url}/to")
    begun_between(place, monkeypatch)

    with pytest.raises(StorageError, match="embeddings = false, this command true"):
        THEIRS.agree(place)
    OURS.agree(place)


def test_a_drive_without_second_names_keeps_the_first_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "not here")

    monkeypatch.setattr(os, "link", refuse)
    place = LocalStorage(tmp_path / "to")
    place.write_new("a", b"first")
    place.write_new("a", b"second")

    assert (b"first", ["a"]) == (place.read_bytes("a"), place.names())


def test_a_folder_of_answers_keeps_one_temperature_and_one_order_of_categories_a_model(tmp_path: Path) -> None:
    place = LocalStorage(tmp_path / "to")
    model = AnsweringModel(model="a" * 32, backbone="b" * 32, categories=["cat", "dog"], temperature=1.5)
    model.agree(place)

    model.agree(place)
    replace(model, model="c" * 32, temperature=1.0).agree(place)
    with pytest.raises(StorageError, match=r"temperature = 1\.5, this command 3\.0"):
        replace(model, temperature=3.0).agree(place)
    with pytest.raises(StorageError, match="categories"):
        replace(model, categories=["dog", "cat"]).agree(place)
