"""The fields of `evaluation.json`, validated on reading, and its label issues. Needs no torch.

Fields that earlier versions did not write may be missing; unknown fields are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from classifier.errors import Message, ModelError
from classifier.model.bundle_files import EVALUATION, read_json
from classifier.validation import first_problem

Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(ge=-(10.0**12), le=10.0**12)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)


class _Category(_Part):
    category: str
    count: Count
    precision: Share | None
    recall: Share | None


class _Mistake(_Part):
    path: str
    category: str
    predicted: str
    confidence: Share


class _Confusion(_Part):
    category: str
    taken_for: str
    count: Count


class _Coverage(_Part):
    max_error: Share
    share: Share


class _Doubt(_Part):
    path: str
    category: str
    likely: str
    wrong: Share
    confidence: Share


class _Doubts(_Part):
    count: Count
    likely_wrong: Count
    labels: list[_Doubt]


class _Expected(_Part):
    mean: Number
    low: Number
    high: Number


class _Point(_Part):
    labels: Annotated[int, Field(gt=0, le=10**12)]
    accuracy: Number
    coverage: list[Number]


class _Forecast(_Part):
    times: Count
    labels: Annotated[int, Field(gt=0, le=10**12)]
    accuracy: _Expected
    coverage: list[_Expected]


class _Need(_Part):
    category: str
    labels: Count
    unsettled: Number
    gain: Number


class _Curve(_Part):
    max_errors: Annotated[list[Share], Field(min_length=1)]
    points: Annotated[list[_Point], Field(min_length=1)]
    forecasts: Annotated[list[_Forecast], Field(min_length=1)]
    needs: list[_Need]
    saw_labels: bool

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lengths = {len(point.coverage) for point in self.points} | {len(ahead.coverage) for ahead in self.forecasts}
        if lengths != {len(self.max_errors)}:
            raise ValueError(Message("coverage is not of as many rates as max_errors"))
        return self


class _Evaluation(_Part):
    accuracy: Share | None = None
    per_category: list[_Category] = []
    matrix: list[list[Count]] = []
    confusions: list[_Confusion] = []
    coverage: list[_Coverage] = []
    mistakes: list[_Mistake] = []
    doubts: _Doubts | None = None
    curve: _Curve | None = None


def read_evaluation(folder: Path, *, categories: int) -> dict[str, Any]:
    """The figures in a bundle's `evaluation.json`; empty where there is none.

    Raises ModelError in one line naming the field and what is wrong.
    """
    path = folder / EVALUATION
    values = read_json(path) if path.exists() else {}
    try:
        matrix = _Evaluation.model_validate(values).matrix
    except ValidationError as error:
        raise ModelError("{path}: {why}; train again or restore it", path=path, why=first_problem(error)) from None
    if matrix and [len(row) for row in matrix] != [categories] * categories:
        raise ModelError(
            "{path}: matrix: is not of {wanted} categories; train again or restore it", path=path, wanted=categories
        )
    return values


_LEAST: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssues:
    """`labels` as in evaluation.json, the likeliest to be wrong first, of `count` in all; about `wrong` are wrong."""

    count: int
    wrong: int
    labels: tuple[dict[str, Any], ...]


def is_label_issue(confidence: float) -> bool:
    """Whether the other category is likely enough (0.1) to ask a person."""
    return confidence >= _LEAST


def read_label_issues(found: Any) -> LabelIssues | None:
    """The label issues in an evaluation: those listed that pass `is_label_issue`; None where it has no such field.

    `wrong` is the sum of their probabilities of being wrong, at least 1.
    """
    if not isinstance(found, dict):
        return None
    labels = tuple(label for label in found.get("labels", ()) if is_label_issue(label["confidence"]))
    wrong = sum(label.get("wrong", label["confidence"]) for label in labels)
    return LabelIssues(count=found["count"], wrong=min(len(labels), max(1, round(wrong))), labels=labels)
