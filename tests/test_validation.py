"""What is wrong with a value is said in our own words, which are translated, whatever pydantic calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from classifier.i18n import Language, translate
from classifier.model.manifest import Manifest
from classifier.settings import Settings
from classifier.validation import problem_with
from classifier.web.requests import Answers, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

BAD = (
    "",
    "many",
    "x" * 5000,
    True,
    -1e9,
    1e9,
    1.5,
    10**30,
    float("nan"),
    [],
    [[]],
    {},
    {"a": 1},
    None,
    b"\xff",
    ["*"] * 300,
)


def fields(model: type[BaseModel], outer: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every field, those of sections too."""
    for name, field in model.model_fields.items():
        yield (*outer, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, (*outer, name))


def nested(path: tuple[str, ...], value: Any) -> Any:
    """A dict of dicts that holds the value at the path."""
    for name in reversed(path):
        value = {name: value}
    return value


@pytest.mark.parametrize("model", [Settings, Manifest, Answers, Steps])
def test_what_is_wrong_with_any_field_is_said_in_chinese_too(model: type[BaseModel]) -> None:
    english = set()
    for path in fields(model):
        for value in BAD:
            try:
                model.model_validate(nested(path, value))
            except ValidationError as error:
                found = [problem_with(one) for one in error.errors(include_url=False)]
                english |= {one for one in found if one == translate(one, Language.CHINESE)}
    assert set() == english


def test_a_list_of_answers_of_the_page_is_told_in_chinese_too() -> None:
    with pytest.raises(ValidationError) as caught:
        Answers.model_validate({"answers": [{"picture": "zz", "said": "perhaps"}]})
    said = [problem_with(one) for one in caught.value.errors(include_url=False)]
    assert ["it has the wrong form", "give one of 'right', 'wrong', 'none of these', 'skipped'"] == said
