"""Another head of a known backbone reuses embeddings: no image is read, and only changed ones are moved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.catalog import embeddings
from classifier.catalog.connection import Catalog, read_catalog
from classifier.catalog.embeddings import LOOKS
from classifier.catalog.looks import read_looks, sizes_of
from classifier.catalog.shards import ShardWriter
from classifier.catalog.stats import library_stats
from classifier.errors import ModelError
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.images.decode import decode
from classifier.images.hashing import hash_bytes
from classifier.model import trained
from classifier.model.bundle import open_bundle
from classifier.model.combined_head import fit_combined_head
from classifier.model.head import fit_head
from classifier.model.labeled_embeddings import no_labels
from classifier.model.replace_head import save_with_head
from classifier.records import ImageId
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from classifier.sort.planned_moves import PlannedMove
from classifier.sort.preview import preview
from kit.bundles import color_bundle, with_another_head
from kit.copies import look_at
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

CRAWL = {
    f"{color}{seed}.png": encoded(varied(COLORS[color], seed=seed), "PNG")
    for color in ("red", "green", "blue")
    for seed in (1, 2)
}
CRAWL |= {"unsure.png": encoded(plain((120, 120, 120)), "PNG"), "again.png": CRAWL["red1.png"], "bad.png": b"<html>"}
READABLE = 7


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """One, another head, another head that tells unknown pictures too, and one that takes statistics."""
    folder = tmp_path_factory.mktemp("models")
    first = color_bundle(folder / "first")
    return (
        first.folder,
        with_another_head(folder / "second", first).folder,
        with_another_head(folder / "third", first, novelty=True).folder,
        color_bundle(folder / "fourth", novelty=True, combined=True).folder,
    )


def run(folder: Path, bundle: Path, *, embeddings: bool = True, crawl: str = "crawl", **options: Any) -> dict[str, Any]:
    settings = Settings(sort=SortSettings(embeddings=embeddings), runtime=RuntimeSettings(workers=0))
    summary = sort(folder / crawl, library=folder / "sorted", bundle=bundle, settings=settings, **options)
    return {key: value for key, value in summary.items() if key != "seconds"}


def ids(catalog: Catalog) -> list[ImageId]:
    return [ImageId(one) for (one,) in catalog.connection.execute("SELECT id FROM pictures")]


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "sorted" / ".illsort").rglob("*.rows"))


def logits(folder: Path, bundle: Path) -> dict[str, np.ndarray[Any, Any]]:
    with read_catalog(folder / "sorted") as catalog:
        rows = catalog.connection.execute(
            "SELECT picture, logits FROM predictions WHERE model = ?", (open_bundle(bundle).manifest.key,)
        ).fetchall()
    return {picture: np.frombuffer(content, "<f4") for picture, content in rows}


@pytest.mark.parametrize("which", [1, 2, 3])
def test_another_head_reads_no_picture_and_files_as_if_it_had(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path], which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = color_bundle(tmp_path / "model", novelty=which > 1).folder
    for name in ("known", "new"):
        make_tree(tmp_path / name / "crawl", CRAWL)
    expected = run(tmp_path / "new", bundles[which])
    run(tmp_path / "known", first)
    reads.clear()
    monkeypatch.setattr(trained, "load_network", None)
    progress = SavingProgress()
    again = run(tmp_path / "known", bundles[which], progress=progress)

    assert expected == again
    assert [] == reads
    assert f"{READABLE} pictures are decided by what is known, not read again" in progress.messages
    listing = "_broken.csv"
    trees = [all_files(tmp_path / name / "sorted") for name in ("new", "known")]
    assert [name for name in trees[0] if name != listing] == [name for name in trees[1] if name != listing]
    for picture, scores in logits(tmp_path / "new", bundles[which]).items():
        np.testing.assert_allclose(scores, logits(tmp_path / "known", bundles[which])[picture], rtol=0.01, atol=0.02)


def test_a_head_that_takes_statistics_reads_again_what_is_kept_without(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]
) -> None:
    for name in ("known", "new"):
        make_tree(tmp_path / name / "crawl", CRAWL)
    run(tmp_path / "new", bundles[3])
    run(tmp_path / "known", bundles[0])
    run(tmp_path / "known", bundles[3])
    reads.clear()

    assert logits(tmp_path / "new", bundles[3]).keys() == logits(tmp_path / "known", bundles[3]).keys()
    assert not np.allclose(
        *(np.stack(list(logits(tmp_path / name, bundles[one]).values())) for name, one in (("known", 0), ("new", 3))),
        atol=0.5,
    )
    run(tmp_path / "known", bundles[1])
    run(tmp_path / "known", bundles[3], restart=True)
    assert [] == [path for path in reads if path.name != "bad.png"]


def test_a_head_of_other_statistics_than_the_network_gives_is_one_line(
    tmp_path: Path, bundles: tuple[Path, ...]
) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    of, rng = open_bundle(bundles[3]), np.random.default_rng(0)
    head, targets = of.load_combined_head(), np.arange(30) % 3
    assert head is not None
    embeddings = rng.random((30, head.widths[0]), np.float32)
    other = save_with_head(
        tmp_path,
        of=of,
        categories=of.manifest.categories,
        last_layer=fit_head(embeddings, targets),
        head=fit_combined_head(embeddings, rng.random((30, 2), np.float32), targets),
        labeled=no_labels(head.widths[0]),
        holdout=None,
        ood=None,
        note="",
    )

    with pytest.raises(ModelError, match=r"its head takes .* numbers of a picture, its network gives .*; train again"):
        run(tmp_path, other.folder)


def test_only_the_difference_moves(tmp_path: Path, bundles: tuple[Path, ...]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0])
    plan = list[PlannedMove]()
    settings = Settings(runtime=RuntimeSettings(workers=0))
    preview(tmp_path / "crawl", library=tmp_path / "sorted", bundle=bundles[1], settings=settings, show=plan.append)
    run(tmp_path, bundles[1])
    with read_catalog(tmp_path / "sorted") as catalog:
        moved = catalog.connection.execute("SELECT count(*) FROM moves WHERE method = 'rename'").fetchone()

    assert 5 == len(plan)  # two red, two blue, and the unsure one whose best guess is another
    assert (len(plan),) == moved
    assert all("green" not in str(planned.message) for planned in plan)


def test_a_renamed_crawl_costs_hashing_alone_also_for_another_head(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]
) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0])
    (tmp_path / "crawl").rename(tmp_path / "moved")
    reads.clear()
    run(tmp_path, bundles[1], crawl="moved")

    assert ["bad.png"] == [path.name for path in reads]


def test_only_new_pictures_are_read(tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0])
    make_tree(tmp_path / "crawl", {"new.png": encoded(varied(COLORS["red"], seed=99), "PNG")})
    reads.clear()
    run(tmp_path, bundles[1])

    assert ["new.png"] == [path.name for path in reads]


def test_predictions_of_two_models_are_kept_and_an_older_one_reads_nothing(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]
) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    first = run(tmp_path, bundles[0])
    answers = logits(tmp_path, bundles[0])
    for bundle in (bundles[1], with_another_head(tmp_path / "fourth", open_bundle(bundles[1])).folder):
        run(tmp_path, bundle)
    assert {} == logits(tmp_path, bundles[0])
    reads.clear()

    assert first == run(tmp_path, bundles[0])
    assert [] == reads
    assert answers.keys() == logits(tmp_path, bundles[0]).keys()


def test_what_embeddings_cannot_reproduce_is_kept(tmp_path: Path, bundles: tuple[Path, ...]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    for bundle in bundles[:3]:
        run(tmp_path, bundle, embeddings=False)

    assert [READABLE] * 3 == [len(logits(tmp_path, bundle)) for bundle in bundles[:3]]


def test_known_images_are_filed_before_new_ones_are_read(tmp_path: Path, bundles: tuple[Path, ...]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0])
    make_tree(tmp_path / "crawl", {"0 new.png": encoded(varied(COLORS["red"], seed=99), "PNG")})  # the first by path
    run(tmp_path, bundles[1])
    with read_catalog(tmp_path / "sorted") as catalog:
        (last_run,) = catalog.connection.execute("SELECT max(id) FROM runs").fetchone()
        moves = catalog.connection.execute("SELECT method FROM moves WHERE run = ? ORDER BY id", (last_run,))
        methods = [method for (method,) in moves]

    assert [*["rename"] * 5, "link"] == methods


@pytest.mark.parametrize("harm", ["missing", "cut", "changed", "header", "all of it"])
def test_missing_or_damaged_embeddings_are_computed_again(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path], harm: str
) -> None:
    for name in ("whole", "harmed"):
        make_tree(tmp_path / name / "crawl", CRAWL)
        run(tmp_path / name, bundles[0])
    shard = next(one for one in shards(tmp_path / "harmed") if one.parent.name != LOOKS)
    content = shard.read_bytes()
    middle = len(content) // 2
    spoilt = {
        "cut": content[:middle],
        "changed": content[:middle] + b"???" + content[middle + 3 :],
        "header": b"?" * 64,
    }
    if harm == "missing":
        shard.unlink()
    elif harm == "all of it":
        shutil.rmtree(shard.parent.parent)
    else:
        shard.write_bytes(spoilt[harm])
    expected = run(tmp_path / "whole", bundles[1])
    reads.clear()
    progress = SavingProgress()

    assert expected == run(tmp_path / "harmed", bundles[1], progress=progress)
    assert 0 < len(reads) <= READABLE + 1
    assert any("read again" in said for said in progress.messages)
    reads.clear()
    run(tmp_path / "harmed", bundles[0], threshold=0.5)
    run(tmp_path / "harmed", with_another_head(tmp_path / "last", open_bundle(bundles[1]), swap=False).folder)
    assert [] == reads


def test_a_head_that_needs_statistics_reads_images_stored_without_once(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]
) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0])
    reads.clear()
    run(tmp_path, bundles[2])
    first = len(reads)
    another = with_another_head(tmp_path / "another", open_bundle(bundles[2]), novelty=True).folder
    run(tmp_path, another)

    assert READABLE <= first == len(reads)


def test_nothing_is_kept_when_that_is_turned_off(tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0], embeddings=False)
    assert [] == shards(tmp_path)
    reads.clear()
    run(tmp_path, bundles[1], embeddings=False)

    assert READABLE <= len(reads)


def test_a_disk_that_refuses_them_does_not_stop_the_sort(
    tmp_path: Path, bundles: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    make_tree(tmp_path / "crawl", CRAWL)
    monkeypatch.setattr(ShardWriter, "append", refused)
    progress = SavingProgress()
    summary = run(tmp_path, bundles[0], progress=progress)

    assert 0 == summary["failed"]
    assert 1 == progress.messages.count("embeddings are not kept from here on: No space left on device")


def test_embeddings_are_counted_and_disturb_neither_verify_nor_undo(
    tmp_path: Path, bundles: tuple[Path, ...], reads: list[Path]
) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    run(tmp_path, bundles[0])
    seen = library_stats(tmp_path / "sorted")
    checked = verify(tmp_path / "sorted")
    undo(tmp_path / "sorted")
    reads.clear()
    run(tmp_path, bundles[1])

    assert READABLE == seen.embeddings.pictures
    assert sum(path.stat().st_size for path in shards(tmp_path)) == seen.embeddings.size_bytes
    assert ([], []) == (checked.off, [path for path in checked.yours if ".illsort" in path.parts])
    assert [] == reads


def test_one_backbone_has_one_row_for_each_picture(tmp_path: Path, bundles: tuple[Path, ...]) -> None:
    make_tree(tmp_path / "crawl", CRAWL)
    for bundle in bundles:
        run(tmp_path, bundle)
    with read_catalog(tmp_path / "sorted") as catalog:
        kept = embeddings.store_stats(catalog, tmp_path / "sorted")
        rows = catalog.connection.execute("SELECT count(*) FROM embeddings GROUP BY backbone = ?", (LOOKS,)).fetchall()

        looks = dict(zip(*next(read_looks(catalog, tmp_path / "sorted", ids(catalog))), strict=True))
        sizes = sizes_of(catalog, list(looks))

    assert kept.pictures == READABLE
    assert [(READABLE,), (READABLE,)] == rows
    content = CRAWL["unsure.png"]
    decoded = decode(content, max_megapixels=64).image
    assert look_at(decoded) == looks[hash_bytes(content)].tobytes()
    assert decoded.size == sizes[hash_bytes(content)]
