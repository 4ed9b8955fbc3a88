from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.parts import s3_storage
from classifier.parts.s3_storage import S3Storage
from kit.made_up_bucket import MadeUpBucket

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.text(alphabet="ab/.!\u00e9\uff5e\U0001d482", min_size=1, max_size=5).filter(lambda name: name[0] != "/")


def listed(keys: list[str], *, page: int, apart: int, prefix: str = "in") -> tuple[list[str], MadeUpBucket]:
    """What a bucket with these keys below a prefix, and others beside it, is listed as."""
    bucket = MadeUpBucket([f"{prefix}/{key}" for key in keys] + ["i/x", "in.jpg", "inner/y"])
    with patch.object(s3_storage, "_PAGE", page), patch.object(s3_storage, "_PAGES_OF_RANGE", apart):
        found = [file.key for file in S3Storage(f"s3://bucket/{prefix}", bucket).objects()]
    return found, bucket


@given(st.lists(NAMES, max_size=40, unique=True), st.integers(1, 7), st.integers(1, 2))
def test_ranges_list_every_key_once_and_in_order(keys: list[str], page: int, apart: int) -> None:
    found, _ = listed(keys, page=page, apart=apart)

    assert found == sorted((key for key in keys if not key.endswith("/")), key=str.encode)


@pytest.mark.parametrize(("folders", "files"), [(2000, 1), (200, 10), (20, 100), (2, 1000), (1, 2000)])
def test_ranges_ask_for_few_pages_more(folders: int, files: int) -> None:
    keys = [f"{folder:04d}/{file:04d}" for folder in range(folders) for file in range(files)]

    found, bucket = listed(keys, page=20, apart=4)

    assert found == keys
    assert len(bucket.asked) <= 100 * 1.3 + folders / 20 + 10


def test_files_without_folders_are_one_range() -> None:
    keys = [f"{file:04d}" for file in range(400)]

    found, bucket = listed(keys, page=20, apart=4)

    assert found == keys
    assert len(bucket.asked) == 22


def test_a_page_without_keys_is_no_end() -> None:
    with patch.object(MadeUpBucket, "call_s3", _empty_first(MadeUpBucket.call_s3)):
        found, _ = listed(["a/x", "b"], page=20, apart=1)

    assert found == ["a/x", "b"]


def _empty_first(call: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A bucket that answers what asks for a beginning with a page that has no keys, as S3 may."""

    def call_s3(bucket: MadeUpBucket, method: str, **options: Any) -> dict[str, Any]:
        if "ContinuationToken" not in options and "Delimiter" not in options:
            return {"IsTruncated": True, "NextContinuationToken": ""}
        if options.get("ContinuationToken") == "":
            del options["ContinuationToken"]
        return call(bucket, method, **options)

    return call_s3
