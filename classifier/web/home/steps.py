"""The commands that the page may start: a fixed set, without arguments of the page; they read the project's file."""

from __future__ import annotations

from typing import Final

from classifier.paths import command

DUPLICATES_PAGE: Final = "duplicates.html"
"""In the project's folder."""
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "look": ("doctor",),
    "duplicates": ("duplicates", "--html", DUPLICATES_PAGE),
    "label": ("label", "--no-page"),
    "train": ("train",),
    "finetune": ("train", "--recipe", "finetune"),
    "preview": ("sort", "--dry-run"),
    "sort": ("sort",),
}
"""The words after `illsort`, by the name of the step."""
ROOMS: Final[dict[str, tuple[str, ...]]] = {"label": ("label",), "review": ("review",), "audit": ("audit",)}
"""What opens the same page from a terminal, for the steps that a person does."""


def commands() -> dict[str, str]:
    """What to paste into a terminal in the project's folder, by step: what is run, or opens the same page."""
    return {step: command(*words) for step, words in (STEPS | ROOMS).items()}
