"""The combined head: what is saved is what is read, and no part of a picture's numbers outweighs the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from classifier.errors import ModelError
from classifier.model.bundle import open_bundle
from classifier.model.bundle_files import HEAD
from classifier.model.combined_head import CombinedHead, fit_combined_head, load_combined_head, logits_of
from classifier.model.head import fit_head
from kit.bundles import color_bundle

TARGETS = np.arange(60) % 3


def seen() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings that tell nothing, and statistics that tell the categories."""
    rng = np.random.default_rng(0)
    embeddings = rng.normal(0, 100, (60, 8)).astype(np.float32)
    stats = (np.eye(3, 5)[TARGETS] + rng.normal(0, 0.1, (60, 5))).astype(np.float32)
    return embeddings, stats


def test_statistics_tell_what_embeddings_do_not() -> None:
    embeddings, stats = seen()

    assert (TARGETS == fit_combined_head(embeddings, stats, TARGETS)(embeddings, stats).argmax(axis=1)).all()
    alone = fit_head(embeddings[:30], TARGETS[:30])
    assert (TARGETS[30:] == alone(embeddings[30:]).argmax(axis=1)).mean() < 0.7


def test_neither_the_unit_nor_the_origin_of_a_number_matters() -> None:
    embeddings, stats = seen()
    first = fit_combined_head(embeddings, stats, TARGETS)(embeddings, stats)
    moved = embeddings * 1000 + 7, stats * 0.01 - 3
    second = fit_combined_head(*moved, TARGETS)(*moved)

    np.testing.assert_allclose(first, second, atol=0.05)


def test_a_batch_gets_what_each_gets_alone() -> None:
    embeddings, stats = seen()
    head = fit_combined_head(embeddings, stats, TARGETS)
    alone = np.concatenate([head(embeddings[row : row + 1], stats[row : row + 1]) for row in range(60)])

    np.testing.assert_allclose(head(embeddings, stats), alone, atol=1e-5)


def test_a_constant_number_does_no_harm() -> None:
    embeddings, stats = seen()
    embeddings[:, 0], stats[:, 0] = 5, 0

    assert np.isfinite(fit_combined_head(embeddings, stats, TARGETS)(embeddings, stats)).all()


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    embeddings, stats = seen()
    head = fit_combined_head(embeddings, stats, TARGETS)
    head.save(tmp_path / HEAD)

    assert np.array_equal(head(embeddings, stats), load_combined_head(tmp_path / HEAD, categories=3)(embeddings, stats))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"bias": np.zeros(2, np.float32)}, "its parts do not fit together"),
        ({"weight": np.zeros((3, 12), np.float32)}, "its parts do not fit together"),
        ({"stats.mean": np.float32(1)}, "its parts do not fit together"),
        ({"stats.scale": np.zeros(5, np.float32)}, "it divides by what is not positive"),
        ({"embedding.mean": np.full(8, np.nan, np.float32)}, "it holds numbers that are not finite"),
        ({"bias": np.zeros(3, np.float64)}, "its numbers are not all float32"),
        ({"stats.length": np.zeros(2, np.float32)}, "its parts do not fit together"),
        ({"more": np.zeros(3, np.float32)}, "it holds "),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(
    tmp_path: Path, changed: dict[str, NDArray[np.float32]], why: str
) -> None:
    fit_combined_head(*seen(), TARGETS).save(tmp_path / HEAD)
    save_file({name: np.asarray(one) for name, one in (load_file(tmp_path / HEAD) | changed).items()}, tmp_path / HEAD)

    with pytest.raises(ModelError, match=why):
        load_combined_head(tmp_path / HEAD, categories=3)


def test_a_bundle_with_another_head_has_another_key(tmp_path: Path) -> None:
    plain, combined = color_bundle(tmp_path / "plain"), color_bundle(tmp_path / "combined", combined=True)

    assert plain.manifest.backbone_key == combined.manifest.backbone_key
    assert plain.manifest.key != combined.manifest.key
    assert isinstance(open_bundle(combined.folder).load_head(), CombinedHead)
    assert plain.load_combined_head() is None


def test_a_head_that_was_changed_is_refused(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "combined", combined=True)
    (bundle.folder / HEAD).write_bytes((bundle.folder / HEAD).read_bytes()[:-4] + b"\0\0\0\0")

    with pytest.raises(ModelError, match="is not the file this bundle was written with"):
        open_bundle(bundle.folder)


def test_a_combined_head_is_never_applied_to_embeddings_alone() -> None:
    embeddings, stats = seen()

    with pytest.raises(TypeError):
        logits_of(fit_combined_head(embeddings, stats, TARGETS), embeddings, None)
