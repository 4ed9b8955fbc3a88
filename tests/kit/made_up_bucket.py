"""As much of s3fs as listing a bucket asks for, without a network."""

from __future__ import annotations

import bisect
from typing import Any


class MadeUpBucket:
    """Lists keys as S3 does; `asked` are the options of each request."""

    protocol = ("s3", "s3a")

    def __init__(self, keys: list[str]) -> None:
        self.retries = 5
        self.asked: list[dict[str, Any]] = []
        self._keys = sorted(set(keys), key=str.encode)
        self._bytes = [key.encode() for key in self._keys]

    @staticmethod
    def _strip_protocol(url: str) -> str:
        return url.removeprefix("s3://").rstrip("/")

    def call_s3(self, method: str, **options: Any) -> dict[str, Any]:
        """A page of the listing."""
        assert method == "list_objects_v2"
        self.asked.append(options)
        after = options.get("ContinuationToken", options.get("StartAfter", ""))
        at, entries = bisect.bisect_right(self._bytes, after.encode()), list[tuple[str, bool]]()
        while at < len(self._keys) and len(entries) < options["MaxKeys"]:
            key, prefix, delimiter = self._keys[at], options["Prefix"], options.get("Delimiter")
            at += 1
            if not key.startswith(prefix):
                continue
            folder, slash, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if slash:
                name = prefix + folder + slash
                while at < len(self._keys) and self._keys[at].startswith(name):
                    at += 1
                entries.append((name, True))
            else:
                entries.append((key, False))
        is_more = any(key.startswith(options["Prefix"]) for key in self._keys[at:])
        return {
            "Contents": [{"Key": key, "Size": 1, "ETag": '"e"'} for key, is_folder in entries if not is_folder],
            "CommonPrefixes": [{"Prefix": name} for name, is_folder in entries if is_folder],
            "IsTruncated": is_more,
            "NextContinuationToken": self._keys[at - 1] if is_more else "",
        }
