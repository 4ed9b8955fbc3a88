"""Decides the copies of a library together: each group from what its members would be by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import annotation_log, runs
from classifier.catalog.copies import groups_of, names_of
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

    def __call__(self, decided: Sequence[Decision]) -> list[Decision]:
        """The decisions of the same images, given what each would be by itself."""
        found = self.with_groups(decided)
        return [found[decision.image_id] for decision in decided]

    def others_of(self, decided: Sequence[Decision]) -> list[ImageId]:
        """The other images in the groups of these."""
        if self._duplicates is Duplicates.KEEP:
            return []
        known = {decision.image_id for decision in decided}
        groups = groups_of(self._catalog, list(known)).values()
        return [one.image_id for group in groups for one in group if one.image_id not in known]

    def with_groups(self, decided: Sequence[Decision]) -> dict[ImageId, Decision]:
        """The same, and the decisions of the other members of their groups that are in the library."""
        own = {decision.image_id: decision for decision in decided}
        if self._duplicates is Duplicates.KEEP:
            return own
        groups = groups_of(self._catalog, list(own))
        members = [member for group in groups.values() for member in group]
        own |= self._stored([one.image_id for one in members if one.image_id not in own and one.is_placed])
        put = manually_placed(self._catalog, [one.image_id for one in members]) if members else {}
        names = names_of(self._catalog, [one.image_id for one in members])
        for group in groups.values():
            known = [_member(one, own[one.image_id], put) for one in group if one.image_id in own]
            settled = decide_copies(
                known, duplicates=self._duplicates, name_of=lambda image_id: displayable(names.get(image_id, image_id))
            )
            own |= {decision.image_id: decision for decision in settled}
        return own

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
