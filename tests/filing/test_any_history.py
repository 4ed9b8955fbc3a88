"""After any history of a library the disk, status, verify and the page agree, and nothing a person did is reverted.

Hypothesis draws what is done (`kit.histories`): files deleted, moved, replaced, cut, touched, put in, folders renamed,
originals removed, the crawl renamed, and commands in between: sorts, with another model too, answers on the page and
their filing, learning, undo, and commands that are killed. What status and the page count is compared with the real
disk after each command; what a person moved or answered is still where they put it.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classifier.records import Duplicates, Method
from kit.histories import BY_A_PERSON, COMMANDS, play

METHODS = st.sampled_from([Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK])
STEPS = st.lists(st.tuples(st.sampled_from(BY_A_PERSON + COMMANDS), st.integers(0, 50)), max_size=9)


@given(method=METHODS, steps=STEPS)
@example(method=Method.COPY, steps=[("retrain", 0), ("kill", 10), ("status", 0)])
@example(method=Method.LINK, steps=[("kill", 9), ("answer", 1), ("kill", 7), ("take_back", 0)])
@example(method=Method.LINK, steps=[("retrain", 0), ("answer", 1), ("file_answers", 0), ("undo", 0)])
@example(method=Method.LINK, steps=[("move", 0), ("answer", 1), ("retrain", 0), ("retrain", 0)])
@example(method=Method.MOVE, steps=[("retrain", 0), ("answer", 1), ("retrain", 0)])
@example(method=Method.MOVE, steps=[("retrain", 0), ("rename_crawl", 0), ("answer", 0)])
@example(method=Method.SYMLINK, steps=[("retrain", 0), ("retrain", 0), ("cut", 29), ("undo", 0)])
@example(method=Method.SYMLINK, steps=[("retrain", 0), ("rename_crawl", 0), ("undo", 0), ("status", 0)])
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_disk_status_and_page_agree_after_any_history(method: Method, steps: list[tuple[str, int]]) -> None:
    play(method, steps)


@given(method=METHODS, steps=STEPS)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_they_agree_where_copies_lie_in_a_folder_of_their_own(method: Method, steps: list[tuple[str, int]]) -> None:
    play(method, steps, Duplicates.FOLDER)


@pytest.mark.slow
@given(method=METHODS, steps=STEPS, duplicates=st.sampled_from(Duplicates))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_they_agree_after_many_more_histories(
    method: Method, steps: list[tuple[str, int]], duplicates: Duplicates
) -> None:
    play(method, steps, duplicates)
