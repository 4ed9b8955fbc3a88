"""Every reason that the code can give is told in Chinese too, whatever a category is called."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import ast
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from classifier.audit import apply
from classifier.catalog.audits import Audit, FiledImage
from classifier.decision import decide as deciding
from classifier.decision.decide import decide
from classifier.decision.overrides import apply_annotation
from classifier.records import Action, Annotation, AnnotationKind, Decision, PictureId
from classifier.web.i18n import reason_in_chinese

P = PictureId("0" * 64)
NAMES = ("chibi", "a: below 0.9", "not chibi (2)", "chibi (2)", "四格漫画")
HEARD = re.compile(r"\b(below|person|file|labelled|least|promised|wrong|audit|review|said)\b")


def decided(name: str) -> list[str]:
    """What a sort says of pictures in the category `name`, or in one beside it."""
    cases = product((True, False), (True, False), (None, 0.4, 0.6), (0.2, 0.9, 1.5))
    return [
        decide(
            [P],
            np.array([[0.7, 0.3]]),
            categories=(name, "other"),
            thresholds=(threshold, threshold),
            truncated=[truncated],
            guaranteed=promised,
            ood_scores=[novelty],
            review_threshold=0.3,
            unknown_threshold=0.5,
        )[0].reason
        for truncated, promised, novelty, threshold in cases
    ]


def heeded(name: str) -> list[str]:
    """What follows from a person's words."""
    filed = Decision(picture=P, action=Action.FILE, category=name, confidence=0.7, reason="")
    return [
        apply_annotation(
            filed, Annotation(picture=P, said=said, category=name, origin=origin, at="2026-11-24T10:00:00")
        ).reason
        for said in (AnnotationKind.RIGHT, AnnotationKind.WRONG, AnnotationKind.NONE)
        for origin in ("audit", "review")
    ]


def audited(name: str) -> list[str]:
    """What an audit's threshold says."""
    audit = Audit(at="2026-11-24", seed=1, simple=True, filed={}, steps=(), marks=(0, 0), drawn=())
    one = FiledImage(picture=P, name="1.png", category=name, confidence=0.7, reason="")
    return [apply._below_threshold_reason(one, audit, 0.9, rate) for rate in (None, 0.02)]


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_of_a_sort_a_person_and_an_audit_has_its_words(name: str) -> None:
    said = [*decided(name), *heeded(name), *audited(name), f"0.70 {name}: a person took back what was said of it"]
    told = [reason_in_chinese(reason, category=name) for reason in said]

    assert [] == [one for one, reason in zip(told, said, strict=True) if one == reason]
    assert [] == [one for one in told if HEARD.search(one.replace(name, ""))]
    assert all(name in one for one, reason in zip(told, said, strict=True) if name in reason)


def test_no_module_gives_a_reason_that_is_not_asked_about_here() -> None:
    """A new sentence in one of them needs its words, and its case above."""
    asked = {"decide.py", "overrides.py", "pending_moves.py", "apply.py"}
    root = Path(deciding.__file__).parents[1]
    found = {path.name for path in root.rglob("*.py") if _gives_reasons(path)}

    assert asked == found


def _gives_reasons(path: Path) -> bool:
    """Whether it makes a Decision, or changes one, with a reason of its own making."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    made = [call for call in calls if getattr(call.func, "id", "") in {"Decision", "replace", "_decision"}]
    reasons = [keyword.value for call in made for keyword in call.keywords if keyword.arg == "reason"]
    reasons += [call.args[2] for call in made if len(call.args) > 2]
    return any(isinstance(value, ast.JoinedStr | ast.Constant | ast.Call | ast.IfExp) for value in reasons)


def test_numbers_and_names_stay_as_they_are() -> None:
    assert "0.61 chibi, 0.35 page：低于 0.9" == reason_in_chinese("0.61 chibi, 0.35 page: below 0.9", category="chibi")
    assert "有人说它不是“chibi”（2026-11-24 抽查）" == reason_in_chinese(
        "a person said it is not chibi (audit of 2026-11-24)", category="chibi"
    )
    assert "有人说它是“not chibi”（2026-11-24 复核）" == reason_in_chinese(
        "a person said it is not chibi (review of 2026-11-24)", category="not chibi"
    )
    assert "something new" == reason_in_chinese("something new", category="chibi")
