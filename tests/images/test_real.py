from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.formats import ALLOWED

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"

pytestmark = [pytest.mark.real, pytest.mark.skipif(not DATA.is_dir(), reason="the real pictures are not here")]

# Pillow reads these whole by itself; strictly they are damaged in what comes after the header.
DAMAGED = {
    "fuzzpng__4b43c105e8752c56eb99dceb1d9c07f391e5068c-1",
    "fuzzpng__99681abd813c376f83140bcb97ee823b9927066e-1",
    "fuzzpng__ea7bcb5bad66c28c7a9b3f0250b3714f4f96ebf3-1",
    "fuzzpng__efb23c0cc059d877436b71bbba0fbadce65f83b7-2",
    "pillow__apng_chunk_no_fctl.png",
    "pillow__broken_data_stream.png",
    "pillow__truncated_end_chunk.png",
}
# Pillow alone reads none of these; here, all but the damaged ones and one in a printer's colors.
NEWER = ("heif__heif", "jxl__", "pillow__avif_hopper.heif")
NOT_WHOLE = {
    "heif__heif_corrupted_corrupted.heic",
    "heif__heif_corrupted_corrupted.hif",
    "heif__heif_corrupted_empty.heic",
    "heif__heif_truncated_truncated.heic",
    "jxl__cmyk_layers_input.jxl",
}


def outcome(path: Path) -> str:
    """How decoding ends; anything but the two ways it may end fails the test."""
    try:
        decoded = decode(path.read_bytes(), max_megapixels=64)
    except Undecodable as refused:
        return refused.kind
    assert decoded.image.mode == "RGB"
    return "truncated" if decoded.truncated else "whole"


def test_every_odd_file_is_decoded_or_refused_as_it_should_be() -> None:
    with (DATA / "odd-index.tsv").open() as index:
        rows = {row["file"]: row for row in csv.DictReader(index, delimiter="\t")}
    outcomes = {path.name: outcome(path) for path in sorted((DATA / "odd").iterdir()) if path.suffix != ".md"}
    readable = {
        name for name, row in rows.items() if row["format"] in ALLOWED | {"MPO"} and not row["pillow_error"]
    } - DAMAGED
    newer = {name for name in outcomes if name.startswith(NEWER)} - NOT_WHOLE

    assert {name for name, how in outcomes.items() if how == "whole"} == newer | readable & set(outcomes)


@pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
def test_pictures_turned_by_exif_look_like_their_upright_twin(shape: str) -> None:
    def look(turn: int) -> np.ndarray:
        data = (DATA / "odd" / f"exifrot__{shape}_{turn}.jpg").read_bytes()
        return np.asarray(decode(data, max_megapixels=64).image.resize((60, 60))).astype(int)

    upright = look(1)
    for turn in range(2, 9):
        assert abs(look(turn) - upright).mean() < 4


def test_hostile_files_end_in_a_picture_or_a_refusal() -> None:
    files = [path for path in sorted((DATA / "hostile").iterdir()) if path.suffix != ".md"]

    assert len([outcome(path) for path in files[::3]]) > 900
