"""A file of answers says who answered; its name is made of the part and the model."""

from __future__ import annotations

import pytest

from classifier.parts.answers_meta import AnswersMeta, answers_name, part_and_model

META = AnswersMeta(
    categories=("cat", "\u732b"), model="ab" * 16, backbone="cd" * 16, temperature=1.5, source="s3://b/c", part=42
)


def test_what_a_file_says_of_itself_is_read_back() -> None:
    assert META == AnswersMeta.from_metadata(META.as_metadata())


@pytest.mark.parametrize(
    "metadata", [None, {}, {b"illsort": b"["}, {b"illsort": b"{}"}, {b"illsort": b'{"format": 2}'}, {b"illsort": b"7"}]
)
def test_what_says_nothing_of_answers_is_refused(metadata: dict[bytes, bytes] | None) -> None:
    with pytest.raises(ValueError, match="nothing of illsort's answers"):
        AnswersMeta.from_metadata(metadata)


def test_a_name_tells_part_and_model() -> None:
    name = answers_name(42, "0123456789abcdef")

    assert "part-00042.0123456789ab.parquet" == name
    assert (42, "0123456789ab") == part_and_model(name)
    assert (123456, "0123456789ab") == part_and_model(answers_name(123456, "0123456789abcdef"))
    assert part_and_model("part-00042.parquet") is None
    assert part_and_model("part-00042.0123456789ab.parquet.tmp") is None
