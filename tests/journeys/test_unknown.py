"""Images of no category: found, put aside, taken back; an older model finds none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from classifier.catalog.connection import read_catalog
from classifier.filing.undo import undo
from classifier.model.bundle import open_bundle
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, busy, encoded, varied
from kit.tree import make_tree, read_tree


def png(color: str, seed: int = 1) -> bytes:
    return encoded(varied(COLORS[color], seed=seed), "PNG")


SHARE = 0.02  # a larger one takes a few of the labeled colors for unknown, as it says
CRAWL = {
    "red.png": png("red"),
    "in": {"blue.png": png("blue", seed=2), "yellow.png": png("yellow")},
    "violet.png": png("violet"),
    "busy.png": encoded(busy(), "PNG"),
}
APART = {
    "red": {"red.png": png("red")},
    "blue": {"blue.png": png("blue", seed=2)},
    "_unknown": {"yellow.png": png("yellow"), "violet.png": png("violet"), "busy.png": encoded(busy(), "PNG")},
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", threshold=0.5, novelty=True).folder


def run(folder: Path, bundle: Path, **options: Any) -> dict[str, Any]:
    settings = Settings(sort=SortSettings(**{"unknown_share": SHARE} | options), runtime=RuntimeSettings(workers=0))
    return sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=settings)


def decisions(library: Path) -> dict[str, str]:
    """Action to one of its reasons."""
    with read_catalog(library) as catalog:
        return dict(catalog.connection.execute("SELECT action, max(reason_code) FROM decisions GROUP BY 1").fetchall())


@pytest.mark.parametrize("mode", Mode)
def test_a_color_without_labels_is_unknown_at_any_confidence(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    summary = run(tmp_path, bundle, mode=mode)

    assert APART == read_tree(tmp_path / "sorted")
    assert (5, 2, 0, 3) == tuple(summary[key] for key in ("pictures", "filed", "review", "unknown"))
    assert "ood" == decisions(tmp_path / "sorted")["unknown"]


@pytest.mark.parametrize("mode", [Mode.LINK, Mode.MOVE])
def test_unknown_images_are_undone_like_all_others(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundle, mode=mode)
    undo(tmp_path / "sorted")

    assert (CRAWL, {}) == (read_tree(tmp_path / "crawl"), read_tree(tmp_path / "sorted"))


def test_switching_unknown_off_files_them_and_on_sorts_them_out(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    off = run(tmp_path, bundle, unknown=False)
    assert (0, 5) == (off["unknown"], off["filed"] + off["review"])
    assert "_unknown" not in read_tree(tmp_path / "sorted")

    again = run(tmp_path, bundle)
    assert 3 == again["unknown"]
    assert APART["_unknown"] == read_tree(tmp_path / "sorted")["_unknown"]


def test_a_part_of_a_picture_is_looked_at_by_a_person_not_called_unknown(tmp_path: Path, bundle: Path) -> None:
    whole = encoded(varied(COLORS["yellow"], seed=1, size=(400, 300)), "JPEG")
    make_tree(tmp_path / "crawl", {"half.jpg": whole[: len(whole) // 2]})
    summary = run(tmp_path, bundle)

    assert (1, 0) == (summary["review"], summary["unknown"])


def test_an_older_model_has_no_unknown_and_a_new_one_decides_again(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    before = color_bundle(tmp_path / "before", threshold=0.5).folder
    assert 0 == run(tmp_path, before)["unknown"]
    assert 3 == run(tmp_path, bundle)["unknown"]


def test_the_command_line_shows_how_many_are_unknown_and_where(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    words = ["sort", tmp_path / "crawl", "--out", tmp_path / "sorted", "--model", bundle, "--workers", "0"]
    done = illsort(*words, "--json", "--set", f"sort.unknown_share={SHARE}")
    told = illsort("status", tmp_path / "sorted")

    assert 3 == json.loads(done.stdout)["unknown"]
    assert f"3 unlike all your labels: {tmp_path / 'sorted' / '_unknown'}" in done.stderr
    assert "3 in _unknown: unlike every picture you labeled" in told.stdout
    assert 3 == json.loads(illsort("status", tmp_path / "sorted", "--json").stdout)["unknown"]


def test_too_few_labels_to_tell_what_is_unknown_are_named(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    words = ["sort", tmp_path / "crawl", "--out", tmp_path / "sorted", "--model", bundle, "--workers", "0"]
    done = illsort(*words, "--json", "--set", "sort.unknown_share=0.005")

    assert 0 == json.loads(done.stdout)["unknown"]
    assert "nothing counts as unknown: 90, and with sort.unknown_share = 0.005 it takes 199" in done.stderr


@pytest.mark.parametrize(("share", "reviewed"), [(0.02, 0.04), (0.05, 0.1), (0.1, 0.1), (0.2, 0.2)])
def test_what_is_hardly_like_the_labels_is_reviewed_not_filed(
    tmp_path: Path, bundle: Path, share: float, reviewed: float
) -> None:
    make_tree(tmp_path / "crawl", {f"{color}-{n}.png": png(color, n) for color in ("red", "blue") for n in range(40)})
    run(tmp_path, bundle, unknown_share=share)
    detector = open_bundle(bundle).load_ood()
    assert detector is not None
    with read_catalog(tmp_path / "sorted") as catalog:
        rows = catalog.connection.execute(
            "SELECT novelty, action, reason_code FROM decisions JOIN predictions USING (picture)"
        ).fetchall()

    assert {(action, code) for score, action, code in rows if score >= detector.threshold(share)} <= {
        ("unknown", "ood")
    }
    between = [one for one in rows if detector.threshold(reviewed) <= one[0] < detector.threshold(share)]
    assert {("review", "near_ood")} >= {(action, code) for _, action, code in between}
    assert bool(between) == (reviewed > share)
    assert "file" in {action for score, action, _ in rows if score < detector.threshold(reviewed)}
