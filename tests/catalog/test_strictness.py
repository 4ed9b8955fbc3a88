"""How sure a picture had to be: what runs of every version recorded is read as one record."""

from __future__ import annotations

from typing import Any

import pytest

from classifier.catalog.strictness import Strictness

PROMISE = {"max_error": 0.02, "confidence": 0.95, "thresholds": {"a": 0.8}, "sentence": "at most 2% wrong: by 300"}
PICKED = {"max_error": 0.02, "why": "picked", "sentence": "no guarantee: the labels were picked"}


@pytest.mark.parametrize(
    ("recorded", "asked", "told"),
    [
        ({}, "", {}),
        ({"sort": {"threshold": 0.8}}, "--threshold 0.8", {}),
        ({"sort": {"threshold": 0.8, "max_error": None}}, "--threshold 0.8", {}),
        (
            {"sort": {"threshold": 0.9, "max_error": 0.02, "promise": PROMISE}},
            "--max-error 0.02",
            {"promise": PROMISE["sentence"]},
        ),
        (
            {"sort": {"threshold": 0.98, "max_error": 0.02, "no_guarantee": PICKED}},
            "--max-error 0.02",
            {
                "no_guarantee": "at most 2% wrong asked, an estimate, no guarantee: the labels were picked",
            },
        ),
        (
            {
                "sort": {
                    "max_error": 0.02,
                    "promise": PROMISE | {"message": {"template": "{a:>2000000000}", "params": {"a": "x"}}},
                }
            },
            "--max-error 0.02",
            {"promise": PROMISE["sentence"]},
        ),
        (
            {"sort": {"threshold": 0.9, "max_error": 0.015}},
            "--max-error 0.015",
            {"no_guarantee": "at most 1.5% wrong asked, an estimate, no guarantee"},
        ),
    ],
)
def test_recorded_settings_give_the_request_and_the_guarantee(
    recorded: dict[str, Any], asked: str, told: dict[str, str]
) -> None:
    strictness = Strictness.from_settings(recorded)

    assert (asked, told) == (strictness.option, strictness.outcome)
    assert strictness.requested.option == asked
