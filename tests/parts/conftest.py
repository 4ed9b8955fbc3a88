"""What the tests of parts share: a bucket on this machine."""

from __future__ import annotations

from kit.bucket import bucket, s3_server

__all__ = ["bucket", "s3_server"]
