from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from classifier.parts import retries
from classifier.parts.storage import open_storage
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.listings import drawn, in_folder
from kit.tars import tar_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from kit.bucket import Bucket


def decided(source: object, place: str, model: Path, *, part_size: int) -> dict[str, tuple[Any, ...]]:
    """The decision on each picture by its content, after all three commands."""
    parts, answers, decisions = (f"{place}/{name}" for name in ("parts", "answers", "decisions"))
    ended = [
        illsort("list", source, "--to", parts, "--part-size", part_size),
        illsort("predict", parts, "--model", model, "--to", answers),
        illsort("decide", answers, "--model", model, "--to", decisions),
    ]
    assert [one.returncode for one in ended] == [0, 0, 0], ended
    storage, found = open_storage(decisions), dict[str, tuple[Any, ...]]()
    for name in storage.names():
        rows = parquet.read_table(pa.BufferReader(storage.read_bytes(name))).to_pylist()
        found |= {row["image_id"]: tuple(row[one] for one in ("action", "category", "confidence")) for row in rows}
    return found


def test_a_bucket_that_misbehaves_is_decided_as_a_folder_is(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "WAITS_S", (0.01,) * len(retries.WAITS_S))
    model, pictures = color_bundle(tmp_path / "model", novelty=True).folder, drawn(18)
    in_folder(tmp_path / "crawl", pictures)
    names = list(pictures)
    bucket.put("crawl/shard-0.tar", tar_bytes({name: pictures[name] for name in names[:6]} | {"000.json": b"{}"}))
    bucket.put("crawl/b/shard-1.tar", tar_bytes({f"x/{name}": pictures[name] for name in names[6:12]}))
    for name in names[12:]:
        bucket.put(f"crawl/a b/{name}", pictures[name])
    bucket.server.faulty = ""
    bucket.server.faults += ["503", "", "reset", "", "", "truncated", ""] * 3

    found = decided(f"{bucket.url}/crawl", bucket.url, model, part_size=5)

    assert len(found) == 18
    expected = decided(tmp_path / "crawl", str(tmp_path), model, part_size=7)
    assert {key: one[:2] for key, one in found.items()} == {key: one[:2] for key, one in expected.items()}
    # Which pictures are computed together may change the last bits.
    assert {key: one[2] for key, one in found.items()} == pytest.approx({key: one[2] for key, one in expected.items()})
    assert bucket.server.faults == []
