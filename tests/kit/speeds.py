"""What doctor might measure, for tests of what it makes of it."""

from __future__ import annotations

from classifier.doctor.speed import Speed

SPEED = Speed(
    backbone="embedded",
    engine="torch",
    reading=80,
    network=70,
    sorting=50,
    training=20,
    row_bytes=3_000,
    tried=80,
    unread=0,
)
