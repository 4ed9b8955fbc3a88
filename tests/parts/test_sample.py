"""Pictures of a listing are drawn by chance and fetched into a folder, each once, wherever they lie."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from classifier.errors import IllsortError
from classifier.parts.sample import draw, fetch_sample
from classifier.parts.schema import Listed
from classifier.progress import SilentProgress
from kit.commands import illsort
from kit.listings import drawn, in_folder, listed, members_of, rows_of, tar_of

if TYPE_CHECKING:
    from pathlib import Path

    from kit.bucket import Bucket


def fetch(parts: str, to: Path, **options: Any) -> Any:
    given = {"count": 8, "seed": 0, "max_megapixels": 100.0} | options
    return fetch_sample(parts, to, progress=SilentProgress(), **given)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_each_picture_is_as_likely_and_more_of_a_seed_has_all_of_fewer() -> None:
    counts = Counter(place for seed in range(3000) for place in draw(10, 3, seed))

    assert all(800 < counts[place] < 1000 for place in range(10))
    for seed in range(20):
        some, more = draw(1000, 30, seed), draw(1000, 200, seed)
        assert (30, 200) == (len(set(some)), len(set(more)))
        assert set(some) < set(more)
        assert more == sorted(more)
    assert draw(1000, 30, 1) != draw(1000, 30, 2)
    assert [0, 1, 2] == draw(3, 9, 0)


def test_a_sample_of_a_folder_is_fetched_and_not_fetched_again(tmp_path: Path) -> None:
    pictures = drawn(35)
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", pictures))
    first = fetch(parts, tmp_path / "some")
    found = contents(tmp_path / "some")

    assert (35, 8, 0, {}) == (first.listed, first.drawn, first.known, first.failures)
    places = draw(35, 8, 0)
    assert {f"{place:02}-{place:03}.png": pictures[f"{place:03}.png"] for place in places} == found
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "some").iterdir()}
    more = fetch(parts, tmp_path / "some", count=20)
    assert (20, 8) == (more.drawn, more.known)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "some").iterdir()}
    assert 20 == len(after)
    assert before.items() <= after.items()


def test_members_of_archives_in_a_bucket_are_fetched_though_it_misbehaves(tmp_path: Path, bucket: Bucket) -> None:
    pictures = drawn(30)
    archive = tar_of(pictures)
    bucket.put("crawl/a.tar", archive)
    rows = members_of(f"{bucket.url}/crawl", "a.tar", archive)
    parts = listed(f"{bucket.url}/parts", f"{bucket.url}/crawl", rows)
    bucket.server.faults += ["503", "", "truncated", "reset"]
    found = fetch(parts, tmp_path / "some", count=12)

    assert {} == found.failures
    assert [] == bucket.server.faults
    assert {pictures[f"{place:03}.png"] for place in draw(30, 12, 0)} == set(contents(tmp_path / "some").values())


def test_what_is_gone_or_changed_is_listed_and_none_takes_its_place(tmp_path: Path) -> None:
    rows = in_folder(tmp_path / "crawl", drawn(10))
    parts = listed(tmp_path / "parts", tmp_path / "crawl", rows)
    (tmp_path / "crawl" / "003.png").unlink()
    (tmp_path / "crawl" / "004.png").write_bytes(b"another")
    done = illsort("sample", parts, "--to", tmp_path / "some", "--count", "10", "--json")

    assert 1 == done.returncode
    assert {"003.png", "004.png"} == set(done.json["failures"])
    assert 8 == len(contents(tmp_path / "some"))
    assert "8 pictures, drawn by chance of 10" in done.stderr
    assert "2 more were drawn and cannot be had:" in done.stderr


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(30)))
    fetch(parts, tmp_path / "some")
    with pytest.raises(IllsortError, match="which is not of this sample; give an empty folder, or the same seed"):
        fetch(parts, tmp_path / "some", seed=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_bytes(b"")
    with pytest.raises(IllsortError, match=r"holds mine\.txt"):
        fetch(parts, tmp_path / "other")

    assert 8 == len(contents(tmp_path / "some"))


@pytest.mark.parametrize(
    "key", ["a/../../x.png", "/etc/x.png", "a/b\\c:d?.png", "\\x83\\x5c.png", "a/" + "n" * 300 + ".png"]
)
def test_a_picture_gets_a_name_that_any_system_takes_and_no_other_folder(tmp_path: Path, key: str) -> None:
    (row,) = (
        rows_of(tmp_path, {"x.png": b""}) if (tmp_path / "x.png").exists() else in_folder(tmp_path, {"x.png": b"1"})
    )
    tar = Listed(key, row.size_bytes, row.version, "x.png", 0)
    fetch(listed(tmp_path / "parts", tmp_path, [tar]), tmp_path / "in" / "some", count=1)

    (name,) = contents(tmp_path / "in" / "some")
    assert name.startswith("0-")
    assert name.endswith(".png")
    assert not set(name) & set('<>:"/\\|?*')
    assert len(name) < 110
    assert ["some"] == [path.name for path in (tmp_path / "in").iterdir()]
