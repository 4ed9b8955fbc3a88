"""Gathers the labels that the settings name: a folder or CSV, annotations in a library, and complete random draws.

A library is reconciled with the disk first, since a person may have moved its files.
"""

from __future__ import annotations

from dataclasses import dataclass

from classifier.filing.reconcile import reconcile_if_free, report_reconciled
from classifier.labels.from_annotations import Feedback, read_feedback
from classifier.labels.load import read_labels
from classifier.labels.random_draw import Draw, read_draws
from classifier.progress import Progress, counted
from classifier.records import Label
from classifier.settings import LabelSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All labels, under the names that categories have now, with the verdicts and draws that they come from."""

    labels: tuple[Label, ...]
    feedback: Feedback
    draws: tuple[Draw, ...]


def gather(settings: LabelSettings, progress: Progress) -> Gathered:
    """Read what `settings` name. Raises LabelsError or LibraryError in one line."""
    libraries = [folder for folder in dict.fromkeys((settings.library, settings.folder)) if folder is not None]
    for library in libraries:
        report_reconciled(reconcile_if_free(library, progress), progress)
    feedback = read_feedback(settings.library)
    draws = read_draws(settings.folder, settings.library)
    found = read_labels(
        folder=settings.folder,
        csv_file=settings.csv,
        further=feedback.labels,
        by_chance=settings.by_chance,
        progress=progress,
    )
    labels = feedback.with_current_names((*found, *(label for draw in draws for label in draw.without_category)))
    if settings.library is not None:
        progress.say(f"{counted(len(feedback.labels), 'label')} by what was said in review and audit")
    return Gathered(labels=labels, feedback=feedback, draws=draws)
