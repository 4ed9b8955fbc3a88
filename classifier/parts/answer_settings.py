"""`answers.json`: what decides the answers to a listing beside the model, written before the first of them.

Other settings there, or another listing, are refused: a folder of answers is of one kind.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import StorageError
from classifier.paths import to_json

if TYPE_CHECKING:
    from classifier.parts.storage_types import Storage

ANSWERS_FILE: Final = "answers.json"
_KIND: Final = "answers"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSettings:
    """What was listed, and how its pictures are read and computed.

    `source`, `parts` and `pictures` are those of the listing. `device` is the kind (cpu, cuda, mps), `dtype` the number
    type of the forward pass, `batch_size` how many images are read together.
    """

    source: str
    parts: int
    pictures: int
    engine: str
    device: str
    dtype: str
    batch_size: int
    embeddings: bool
    max_megapixels: float
    deadline_seconds: float
    max_worker_gigabytes: float

    def agree(self, answers: Storage) -> None:
        """Write `answers.json`, or find these settings there. Raises StorageError in one line that says both else."""
        found = _read(answers)
        if found is None:
            about = {"kind": _KIND, "format": _FORMAT, **asdict(self)}
            answers.write_atomically(ANSWERS_FILE, to_json(about, indent=2).encode() + b"\n")
            found = _read(answers)  # another may have begun at the same time
        for name, ours in asdict(self).items():
            theirs = None if found is None else found.get(name)
            if theirs != ours:
                raise StorageError(
                    "{url}: its answers have {name} = {theirs}, this command {ours}; give the same, or another folder "
                    "with --to",
                    url=answers.url,
                    name=name,
                    theirs=_shown(theirs),
                    ours=_shown(ours),
                )


def _read(answers: Storage) -> dict[str, Any] | None:
    """What the file says; None where there is none. Raises StorageError in one line where it is none of ours."""
    try:
        about = json.loads(answers.read_bytes(ANSWERS_FILE))
    except FileNotFoundError:
        return None
    except ValueError:
        about = None
    if not isinstance(about, dict) or about.get("kind") != _KIND or about.get("format") != _FORMAT:
        raise StorageError(
            "{url}/{file}: is damaged, or not of this illsort; give another folder with --to",
            url=answers.url,
            file=ANSWERS_FILE,
        )
    return about


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
