"""What makes a model of labels, or of what was said of them, for a person to paste."""

from __future__ import annotations

from pathlib import Path

from classifier.paths import displayable


def train_command(folder: Path) -> str:
    """In one line; quoted as every shell takes it where the folder's name has a space."""
    labels = f"labels.folder={folder.absolute()}"
    return f"illsort train --set {_quoted(labels)} --set model.folder=~/models/mine"


def library_option(library: Path) -> str:
    """What a training is told besides, so that what was said in this library goes before the labels."""
    return f"--set {_quoted(f'labels.library={library.absolute()}')}"


def _quoted(word: str) -> str:
    """With its escapes where it cannot be shown as it is: bash and zsh read `$'...'` back as the same bytes."""
    if displayable(word) != word:
        return "$'" + displayable(word.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return f'"{word}"' if " " in word else word
