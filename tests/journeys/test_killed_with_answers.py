"""A sort by answers that is killed goes on with them: no picture is read, and nothing is different in the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from classifier.filing.verify import verify
from fault_injection import kill_command
from kit.answers import answered, decided
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, varied
from kit.tree import all_files, make_tree

CRAWL = {
    f"{number:02}.png": encoded(varied(COLORS[("red", "green", "blue")[number % 3]], seed=number), "PNG")
    for number in range(12)
}


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is what a power cut is nearest to")
@pytest.mark.parametrize(
    ("instant", "number"), [("keeping", 1), ("keeping", 2), ("keeping", 5), ("filing", 1), ("filing", 7)]
)
def test_a_sort_by_answers_that_is_killed_reads_nothing_and_goes_on(tmp_path: Path, instant: str, number: int) -> None:
    model = color_bundle(tmp_path / "model", spreads=True, novelty=True)
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    words = ("sort", crawl, "--model", model.folder, "--workers", "0", "--max-error", "0.3")
    given = (*words, "--out", tmp_path / "sorted", "--answers", answers)
    killed, _, _ = kill_command.run(instant, number, tmp_path / "counts", *given)
    ended, _, said = kill_command.run("never", 1, tmp_path / "counts", "sort", crawl, "--out", tmp_path / "sorted")

    assert (kill_command.KILLED, 0) == (killed, ended), said
    assert f"--answers {answers}" in said
    assert 0 == kill_command.counted(tmp_path / "counts", "read")
    assert 0 == kill_command.counted(tmp_path / "counts", "inferred")
    kill_command.run("never", 1, tmp_path / "others", *words, "--out", tmp_path / "read")
    assert 12 == kill_command.counted(tmp_path / "others", "read")
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert all_files(tmp_path / "read") == all_files(tmp_path / "sorted")
    assert not verify(tmp_path / "sorted").off
