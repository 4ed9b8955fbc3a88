"""Decides the copies of a library together: each group from what its members would be by themselves."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from classifier.catalog import annotation_log, runs
from classifier.catalog.copies import all_members, groups_of, names_of
from classifier.catalog.decisions import decisions_of
from classifier.catalog.manual_moves import manually_placed
from classifier.decision.copies import Member, by_itself, decide_copies
from classifier.decision.decide import apply_annotation
from classifier.paths import displayable
from classifier.records import Duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog
    from classifier.catalog.copies import GroupMember
    from classifier.records import Decision, ImageId


class CopyRule:
    """Decides groups of copies; with KEEP every image stands by itself."""

    def __init__(self, catalog: Catalog, duplicates: Duplicates) -> None:
        self._catalog = catalog
        self._duplicates = duplicates

    def with_groups(self, decided: Sequence[Decision]) -> dict[ImageId, Decision]:
        """The decisions of these images, given what each would be by itself, and of their copies in the library."""
        return self.settle(decided, self.groups_of(decided))

    def groups_of(self, decided: Sequence[Decision]) -> list[list[GroupMember]]:
        """The groups in which these images are."""
        if self._duplicates is Duplicates.KEEP:
            return []
        known = [decision.image_id for decision in decided if decision.image_id in self._members]
        return list(groups_of(self._catalog, known).values())

    def settle(self, decided: Sequence[Decision], groups: Sequence[Sequence[GroupMember]]) -> dict[ImageId, Decision]:
        """The same, where the groups are known and as many of their members decided by themselves as can be."""
        own = {decision.image_id: decision for decision in decided}
        members = [member for group in groups for member in group]
        own |= self._stored([one.image_id for one in members if one.image_id not in own and one.is_placed])
        put = manually_placed(self._catalog, [one.image_id for one in members]) if members else {}
        names = names_of(self._catalog, [one.image_id for one in members])
        for group in groups:
            known = [_member(one, own[one.image_id], put) for one in group if one.image_id in own]
            settled = decide_copies(
                known, duplicates=self._duplicates, name_of=lambda image_id: displayable(names.get(image_id, image_id))
            )
            own |= {decision.image_id: decision for decision in settled}
        return own

    @cached_property
    def _members(self) -> frozenset[ImageId]:
        return all_members(self._catalog)

    def by_themselves(self, image_ids: Sequence[ImageId]) -> list[Decision]:
        """The own decisions of images of the library that are not decided by a model now."""
        return list(self._stored(image_ids).values())

    def _stored(self, image_ids: Sequence[ImageId]) -> dict[ImageId, Decision]:
        stored = decisions_of(self._catalog, image_ids)
        put = manually_placed(self._catalog, list(stored)) if stored else {}
        annotations = annotation_log.latest(self._catalog, [one for one in stored if one not in put])
        return {
            image_id: apply_annotation(by_itself(decision), annotations.get(image_id))
            for image_id, decision in stored.items()
        }


def rule_of_last_sort(catalog: Catalog) -> CopyRule:
    """The rule of what the library was sorted by last."""
    recorded = runs.last_settings(catalog, "sort").get("sort", {})
    known = [one for one in Duplicates if one == recorded.get("duplicates")]
    return CopyRule(catalog, known[0] if known else Duplicates.KEEP)


def _member(one: GroupMember, own: Decision, put: dict[ImageId, bytes]) -> Member:
    return Member(
        own=own,
        rank=one.rank,
        is_kept=one.is_kept,
        is_placed=one.is_placed,
        is_put=one.image_id in put,
    )
