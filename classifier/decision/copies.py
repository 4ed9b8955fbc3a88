"""What becomes of the copies of an image, from what each would be by itself; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, Duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifier.records import ImageId

_ANSWERED: Final = frozenset({ReasonCode.ANNOTATED, ReasonCode.ANNOTATED_WRONG, ReasonCode.ANNOTATED_NONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An image of a group of copies with its `own` decision.

    `rank` is lower for the better one. One that `is_kept` is filed by itself, as a person wants it.
    """

    own: Decision
    rank: tuple[bool, int, int, str]
    is_kept: bool
    is_placed: bool
    is_put: bool
    """Whether a person put it where it is in the library."""


def decide_copies(
    members: Sequence[Member], *, duplicates: Duplicates, name_of: Callable[[ImageId], str]
) -> Iterator[Decision]:
    """The decision of each member of a group: the best has its own, the others follow it.

    The best is what a person put into a category, else what one answered, else the lowest rank. Others are duplicates
    once it is filed, and wait with it before; with BEST they stay out of the library in either case. What a person
    keeps, put there, or decided otherwise than the best stands by itself.
    """
    candidates = [member for member in members if member.own.action is not Action.DUPLICATE]
    best = min(candidates, key=_place, default=None)
    for member in members:
        if best is None or member is best or _stands_alone(member, best.own):
            yield member.own
        else:
            is_left_out = duplicates is Duplicates.BEST and not member.is_placed
            yield _as_copy(member.own.image_id, best.own, name=name_of(best.own.image_id), is_left_out=is_left_out)


def by_itself(stored: Decision) -> Decision:
    """The own decision of an image as far as a stored one tells: a copy without its best is filed where that was."""
    if stored.action is not Action.DUPLICATE or stored.reason.code is ReasonCode.MOVED_BY_PERSON:
        return stored
    return replace(stored, action=Action.FILE if stored.category else Action.UNKNOWN)


def _place(member: Member) -> tuple[bool, int, tuple[bool, int, int, str]]:
    """Where a member stands among those that may be the best, the lowest first."""
    is_label = member.is_put and member.own.action is Action.FILE
    by_person = 0 if is_label else 1 if member.own.reason.code in _ANSWERED else 2
    return member.is_kept, by_person, member.rank


def _stands_alone(member: Member, best: Decision) -> bool:
    own = member.own
    is_otherwise = own.reason.code in _ANSWERED and (own.action, own.category) != (best.action, best.category)
    return member.is_kept or member.is_put or is_otherwise


def _as_copy(image_id: ImageId, best: Decision, *, name: str, is_left_out: bool) -> Decision:
    """Category and confidence are those of the best: what the model takes a small copy for says less."""
    params: dict[str, Any] = {"copy_of": best.image_id, "name": name}
    is_duplicate = best.action is Action.FILE or is_left_out
    if not is_duplicate and "levels" in (of_best := best.reason.params):
        params["levels"] = of_best["levels"]
    action = Action.DUPLICATE if is_duplicate else best.action
    return replace(best, image_id=image_id, action=action, reason=Reason.of(ReasonCode.COPY_OF, **params))
