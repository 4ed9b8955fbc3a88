"""What becomes of each member of a group of copies, from what each would be by itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from classifier.decision.copies import Member, by_itself, decide_copies
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, Duplicates, ImageId

SURE = Reason(ReasonCode.ABOVE_THRESHOLD)
PUT = Reason(ReasonCode.MOVED_BY_PERSON)
ANSWERED = Reason.of(ReasonCode.ANNOTATED, annotation=1)


def member(
    number: int, action: Action = Action.FILE, category: str = "a", reason: Reason = SURE, **how: bool
) -> Member:
    """The better, the lower its number."""
    own = Decision(image_id=ImageId(str(number)), action=action, category=category, confidence=0.9, reason=reason)
    how = {"is_kept": False, "is_placed": True, "is_put": reason is PUT} | how
    return Member(own=own, rank=(False, -1, number, ""), **how)


def decided(*members: Member, duplicates: Duplicates = Duplicates.FOLDER) -> dict[str, tuple[Action, str]]:
    found = decide_copies(members, duplicates=duplicates, name_of=lambda image_id: f"{image_id}.png")
    return {decision.image_id: (decision.action, decision.category) for decision in found}


def test_the_best_is_filed_and_others_are_duplicates_of_its_category() -> None:
    found = decided(member(2, category="b"), member(1), member(3, Action.UNKNOWN, ""))

    assert {"1": (Action.FILE, "a"), "2": (Action.DUPLICATE, "a"), "3": (Action.DUPLICATE, "a")} == found


def test_a_copy_has_the_category_of_the_best_with_its_confidence() -> None:
    unlike, best = member(2, category="b"), member(1)
    sure = replace(best, own=replace(best.own, confidence=0.99))

    copy, _ = decide_copies([unlike, sure], duplicates=Duplicates.FOLDER, name_of=str)

    assert (Action.DUPLICATE, "a", 0.99) == (copy.action, copy.category, copy.confidence)


def test_copies_of_what_waits_wait_where_it_does_though_they_are_sure() -> None:
    parent = Reason.of(ReasonCode.SURE_OF_PARENT, levels=1)
    best = member(1, Action.REVIEW, "a/b", parent)

    assert {"1": (Action.REVIEW, "a/b"), "2": (Action.REVIEW, "a/b")} == decided(member(2), best)
    copy, _ = decide_copies([member(2), best], duplicates=Duplicates.FOLDER, name_of=str)
    assert {"copy_of": "1", "name": "1", "levels": 1} == copy.reason.params


def test_with_best_what_is_not_in_the_library_stays_out_while_the_best_waits() -> None:
    waiting = member(1, Action.REVIEW), member(2, is_placed=False), member(3)

    found = decided(*waiting, duplicates=Duplicates.BEST)

    assert {"1": (Action.REVIEW, "a"), "2": (Action.DUPLICATE, "a"), "3": (Action.REVIEW, "a")} == found


def test_what_a_person_put_comes_first_then_what_one_answered() -> None:
    put, answered = member(3, category="b", reason=PUT), member(2, category="c", reason=ANSWERED)

    found = decided(member(1), answered, put, member(4, category="d", reason=PUT))

    assert (Action.DUPLICATE, "b") == found["1"]
    assert (Action.FILE, "c") == found["2"]
    assert ((Action.FILE, "b"), (Action.FILE, "d")) == (found["3"], found["4"])


def test_the_same_answer_to_all_files_the_best_alone() -> None:
    found = decided(*(member(number, reason=ANSWERED) for number in (1, 2)))

    assert {"1": (Action.FILE, "a"), "2": (Action.DUPLICATE, "a")} == found


def test_what_is_kept_is_filed_by_itself_and_is_no_better_one_for_others() -> None:
    found = decided(member(1, category="b", is_kept=True), member(2), member(3))

    assert {"1": (Action.FILE, "b"), "2": (Action.FILE, "a"), "3": (Action.DUPLICATE, "a")} == found


def test_what_a_person_put_among_the_duplicates_is_never_the_best() -> None:
    put = member(1, Action.DUPLICATE, reason=PUT)

    assert {"1": (Action.DUPLICATE, "a"), "2": (Action.FILE, "a")} == decided(put, member(2))
    assert {"1": (Action.DUPLICATE, "a")} == decided(put)


def test_a_stored_copy_is_by_itself_what_its_best_was() -> None:
    stored = member(1, Action.DUPLICATE, reason=Reason(ReasonCode.COPY_OF)).own

    assert (Action.FILE, "a") == (by_itself(stored).action, by_itself(stored).category)
    by_hand = replace(stored, reason=PUT)
    assert by_hand == by_itself(by_hand)


REASONS = st.sampled_from([SURE, ANSWERED, PUT])
MEMBERS = st.lists(
    st.tuples(st.sampled_from(list(Action)), st.sampled_from("ab"), REASONS, st.booleans(), st.booleans()), max_size=5
)


@given(drawn=MEMBERS, duplicates=st.sampled_from([Duplicates.FOLDER, Duplicates.BEST]))
def test_each_has_one_decision_and_decided_again_all_are_the_same(
    drawn: list[tuple[Action, str, Reason, bool, bool]], duplicates: Duplicates
) -> None:
    members = [
        member(number, action, category, reason, is_kept=is_kept, is_placed=is_placed)
        for number, (action, category, reason, is_kept, is_placed) in enumerate(drawn)
    ]

    first = list(decide_copies(members, duplicates=duplicates, name_of=str))
    again = list(decide_copies(members[::-1], duplicates=duplicates, name_of=str))[::-1]

    assert first == again
    assert [one.own.image_id for one in members] == [decision.image_id for decision in first]
    for one, decision in zip(members, first, strict=True):
        if one.is_put or one.is_kept:
            assert decision == one.own
    if any(one.own.action is Action.FILE for one in members) and all(one.own.action is Action.FILE for one in members):
        assert any(decision.action is Action.FILE for decision in first)
