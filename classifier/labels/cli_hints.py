"""What makes a model of labels, or of what was said of them, for a person to paste."""

from __future__ import annotations

from pathlib import Path

from classifier.paths import command, quoted


def train_command(folder: Path) -> str:
    """In one line; quoted as every shell takes it where the folder's name has a space."""
    return command("train", "--set", f"labels.folder={folder.absolute()}", "--set", "model.folder=~/models/mine")


def library_option(library: Path) -> str:
    """What a training is told besides, so that what was said in this library goes before the labels."""
    return f"--set {quoted(f'labels.library={library.absolute()}')}"
