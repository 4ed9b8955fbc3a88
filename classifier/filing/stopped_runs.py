"""After a run was stopped, its images count where they lie until it goes on.

Its decisions were made before its moves. An undo that was stopped has moved images whose decisions it has not restored
yet.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.catalog.category_folders import read_known
from classifier.catalog.decisions import decide_as_placed
from classifier.catalog.stopped_runs import placed_by_run, stopped_run
from classifier.filing.refile import decision_from_location
from classifier.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.records import Decision


def decisions_where_stopped(catalog: Catalog) -> dict[int, list[Decision]]:
    """The decisions of the folders of images that the last run left elsewhere than it decided; by their runs.

    Images that wait to be filed, because an answer was taken back on the page, keep theirs. To be asked by the owner of
    the library: no other run is at work.
    """
    found: dict[int, list[Decision]] = defaultdict(list)
    if (stopped := stopped_run(catalog)) is None:
        return found
    reason = Reason(ReasonCode.LEFT_BY_UNDO if stopped.is_undo else ReasonCode.NOT_MOVED)
    known = read_known(catalog.connection)
    for run, one in placed_by_run(catalog, stopped.id):
        if one.decision is not None and one.decision.reason.code is ReasonCode.RETRACTED:
            continue
        if (decision := decision_from_location(one, known, reason)) is not None:
            found[run].append(decision)
    return found


def decide_where_stopped(catalog: Catalog) -> None:
    """Record them."""
    if found := decisions_where_stopped(catalog):
        with catalog.transaction():
            for run, decided in found.items():
                decide_as_placed(catalog, decided, run=run)
