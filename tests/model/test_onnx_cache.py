from __future__ import annotations

import os
from pathlib import Path

import pytest

from classifier.errors import ModelError
from classifier.model import onnx_cache
from classifier.model.onnx_cache import Comparison, KeptModel, check_engine, keep, load_kept

AGREES = Comparison(images=32, difference=1e-6, same_best=True)
KEY = "0" * 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exported networks are kept."""
    monkeypatch.setattr(onnx_cache, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache" / "onnx"


def test_what_was_kept_is_read_again() -> None:
    kept = KeptModel(model=b"network", comparison=AGREES)
    assert load_kept(KEY) is None
    keep(KEY, kept)

    assert kept == load_kept(KEY)


@pytest.mark.parametrize(
    "comparison",
    [
        Comparison(images=32, difference=2e-4, same_best=True),
        Comparison(images=32, difference=0.0, same_best=False),
        Comparison(images=32, difference=float("nan"), same_best=True),
        Comparison(failure="no such operator"),
    ],
)
def test_that_a_network_answers_otherwise_is_kept_without_it(comparison: Comparison, folder: Path) -> None:
    keep(KEY, KeptModel(model=b"", comparison=comparison))
    kept = load_kept(KEY)

    assert kept is not None
    assert repr(comparison) == repr(kept.comparison)
    assert not comparison.agrees
    assert [f"{KEY}.json"] == [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"{KEY}.onnx", b"another network"),
        (f"{KEY}.onnx", b""),
        (f"{KEY}.json", b"{}"),
        (f"{KEY}.json", b"[" * 4000),
        (f"{KEY}.json", b'{"sha256": 1, "comparison": {"images": 1, "evil": 2}}'),
        (f"{KEY}.json", b"\xff"),
    ],
)
def test_a_damaged_or_foreign_file_is_not_used_and_made_anew(name: str, content: bytes, folder: Path) -> None:
    kept = KeptModel(model=b"network", comparison=AGREES)
    keep(KEY, kept)
    (folder / name).write_bytes(content)

    assert load_kept(KEY) is None
    keep(KEY, kept)
    assert kept == load_kept(KEY)


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    keep(KEY, KeptModel(model=b"network", comparison=AGREES))
    (tmp_path / "elsewhere").write_bytes(b"network")
    (folder / f"{KEY}.onnx").unlink()
    (folder / f"{KEY}.onnx").symlink_to(tmp_path / "elsewhere")

    assert load_kept(KEY) is None
    keep(KEY, KeptModel(model=b"new", comparison=AGREES))
    assert b"network" == (tmp_path / "elsewhere").read_bytes()


def test_three_networks_are_kept_and_strange_files_stay(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.json").write_text("mine")
    for number in range(5):
        keep(f"{number:032}", KeptModel(model=b"network", comparison=AGREES))
        os.utime(folder / f"{number:032}.json", (number, number))
    keep(KEY, KeptModel(model=b"network", comparison=AGREES))

    assert [KEY, f"{3:032}", f"{4:032}"] == sorted(path.stem for path in folder.glob("*.onnx"))
    assert "mine" == (folder / "notes.json").read_text()


def test_without_a_home_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_cache, "user_cache_path", lambda *_, **__: Path("cache"))

    assert load_kept(KEY) is None
    with pytest.raises(RuntimeError):
        keep(KEY, KeptModel(model=b"network", comparison=AGREES))


def test_onnx_without_its_package_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_cache, "PACKAGES", ("no_such_package",))
    check_engine("auto")
    with pytest.raises(ModelError) as error:
        check_engine("onnx")

    assert '--engine onnx: no_such_package is not installed: pip install "illsort[onnx]"' == str(error.value)
