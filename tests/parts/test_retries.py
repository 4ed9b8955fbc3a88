from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import aiohttp
import pytest
from botocore import exceptions as botocore
from s3fs import S3FileSystem

from classifier.errors import CrawlError, StorageError
from classifier.parts import retries
from classifier.parts.retries import IncompleteError, retry
from classifier.parts.storage import open_storage
from classifier.parts.storage_types import ChangedSinceListed

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "s3://bucket/x"
PASSING = [
    OSError(errno.EBUSY, "Please reduce your request rate."),
    OSError(errno.EIO, "We encountered an internal error."),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    TimeoutError("too late"),
    IncompleteError(errno.EIO, "3 bytes of 5 arrived"),
    aiohttp.ClientPayloadError("Response payload is not completed"),
    aiohttp.ServerDisconnectedError(),
    botocore.EndpointConnectionError(endpoint_url="http://127.0.0.1"),
    botocore.ConnectTimeoutError(endpoint_url="http://127.0.0.1"),
    botocore.ReadTimeoutError(endpoint_url="http://127.0.0.1"),
    botocore.ConnectionClosedError(endpoint_url="http://127.0.0.1"),
    botocore.IncompleteReadError(actual_bytes=3, expected_bytes=5),
    botocore.ResponseStreamingError(error="broken"),
]
DEFINITE = [
    PermissionError("Access Denied"),
    OSError(errno.EINVAL, "The authorization header is malformed"),
    botocore.NoCredentialsError(),
    botocore.ProfileNotFound(profile="nope"),
    botocore.ParamValidationError(report="Invalid bucket name"),
]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it was waited, without waiting."""
    waited = list[float]()
    monkeypatch.setattr(retries.time, "sleep", waited.append)
    return waited


def failing(error: Exception, times: int) -> Callable[[], str]:
    left = [error] * times

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    return work


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_passes_is_tried_again_so_many_times(error: Exception, waits: list[float]) -> None:
    assert retry(failing(error, 5), url=URL) == "done"
    assert len(waits) == 5

    with pytest.raises(StorageError, match=f"^{URL}: ") as raised:
        retry(failing(error, 6), url=URL)
    assert "\n" not in str(raised.value)
    assert 2 * 7.5 <= sum(waits) <= 2 * 15.5


@pytest.mark.parametrize("error", DEFINITE, ids=lambda error: type(error).__name__)
def test_what_does_not_pass_is_one_line_at_once(error: Exception, waits: list[float]) -> None:
    with pytest.raises(StorageError, match=f"^{URL}: ") as raised:
        retry(failing(error, 1), url=URL)

    assert "\n" not in str(raised.value)
    assert waits == []


@pytest.mark.parametrize("error", [ValueError("a bug"), CrawlError("ours"), ChangedSinceListed("x")])
def test_what_says_nothing_of_the_store_comes_through(error: Exception, waits: list[float]) -> None:
    with pytest.raises(type(error)) as raised:
        retry(failing(error, 1), url=URL)

    assert raised.value is error
    assert waits == []


def test_what_is_not_there_says_where_it_is_not(waits: list[float]) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        retry(failing(FileNotFoundError("NoSuchKey"), 1), url=URL)

    assert raised.value.filename == URL
    assert waits == []


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("http://KEY:SECRET@127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://KEY:SEC/RET@h", "http://h"),
        ("http://SECRET@h", "http://h"),
    ],
)
def test_the_address_of_an_endpoint_is_shown_without_credentials(endpoint: str, shown: str, waits: list[float]) -> None:
    with pytest.raises(StorageError) as raised:
        retry(failing(botocore.EndpointConnectionError(endpoint_url=endpoint), 6), url=URL)

    assert len(waits) == 5
    assert str(raised.value) == f'{URL}: Could not connect to the endpoint URL: "{shown}"'


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError()])
def test_an_error_without_words_says_its_name(error: Exception, waits: list[float]) -> None:
    with pytest.raises(StorageError, match=f"^{URL}: {type(error).__name__}$"):
        retry(failing(error, 6), url=URL)

    assert len(waits) == 5


@pytest.mark.parametrize("endpoint", ["KEY:SECRET@host", "http://KEY:SECRET@/x y"])
def test_an_endpoint_that_is_no_url_is_one_line(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    S3FileSystem.clear_instance_cache()

    with pytest.raises(StorageError) as raised:
        open_storage("s3://bucket/x").read_bytes("k")

    assert "Invalid endpoint" in str(raised.value)
    assert not [word for word in ("KEY", "SECRET", "\n") if word in str(raised.value)]
    S3FileSystem.clear_instance_cache()
