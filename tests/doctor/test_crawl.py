from __future__ import annotations

from pathlib import Path

import pytest

from classifier.doctor.crawl import look_through
from classifier.exclude import NOTHING, Exclude
from kit.progress import SavingProgress
from kit.tree import make_tree


def test_pictures_are_counted_and_the_sample_is_spread(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {f"{number:03}.jpg": b"1234" for number in range(100)} | {"a.txt": b"no"})
    progress = SavingProgress()
    found = look_through(crawl, skip=[], exclude=NOTHING, wanted=10, progress=progress)

    assert (100, 400, 10) == (found.count, found.size_bytes, len(found.sample))
    places = [int(path.stem) for path in found.sample]
    assert places == sorted(set(places))
    assert places[0] < 10
    assert places[-1] >= 80
    assert [100] == [stage.done for stage in progress.stages]


@pytest.mark.parametrize("count", [1, 9, 10, 11, 19, 20, 21, 41])
def test_a_sample_has_as_many_pictures_as_are_wanted(tmp_path: Path, count: int) -> None:
    crawl = make_tree(tmp_path / "crawl", {f"{number:03}.png": b"x" for number in range(count)})
    found = look_through(crawl, skip=[], exclude=NOTHING, wanted=10, progress=SavingProgress())

    assert min(10, count) == len(set(found.sample))


def test_the_library_and_what_is_excluded_are_not_counted(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path, {"1.jpg": b"x", "2.gif": b"x", "sorted": {"3.jpg": b"x"}, "a long name.jpg": b"x"})
    found = look_through(
        crawl, skip=[crawl / "sorted"], exclude=Exclude(("*.gif",)), wanted=10, progress=SavingProgress()
    )

    assert (2, len("a long name.jpg")) == (found.count, found.longest_name)
    assert len(str(crawl / "a long name.jpg")) == found.longest_path
    assert f"{crawl}: 2 pictures, 0.0 GB" == found.finding().message


def test_a_crawl_without_pictures_is_a_problem(tmp_path: Path) -> None:
    found = look_through(tmp_path, skip=[], exclude=NOTHING, wanted=10, progress=SavingProgress())

    assert ((), True) == (found.sample, found.finding().is_problem)
