"""`answers.json`: what decides the answers to a listing beside the model, and a file that says what of the model does.

Both are written before the first answers and never replaced, and read again before each file of answers is put in
place. Other settings there, another listing or other categories of the same model are refused: a folder of answers is
of one kind.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import StorageError
from classifier.parts.answers_meta import short_key
from classifier.paths import to_json

if TYPE_CHECKING:
    from classifier.model.manifest import Manifest
    from classifier.parts.storage_types import Storage

ANSWERS_FILE: Final = "answers.json"
_KIND: Final = "answers"
_MODEL_KIND: Final = "answering model"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSettings:
    """What was listed, and how its pictures are read and computed.

    `source` (as `paths.to_text` writes it), `parts` and `pictures` are those of the listing. `device` is the kind (cpu,
    cuda, mps), `dtype` the number type of the forward pass, `batch_size` how many images are read together.
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
        _agree(answers, ANSWERS_FILE, {"kind": _KIND, "format": _FORMAT}, asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringModel:
    """What of a model decides its answers, in a file beside them that is named by the beginning of its key.

    The key alone says nothing of `categories` and `temperature`.
    """

    model: str
    backbone: str
    categories: list[str]
    temperature: float

    @classmethod
    def of(cls, manifest: Manifest) -> AnsweringModel:
        """Of a model as its folder has it now."""
        return cls(
            model=manifest.key,
            backbone=manifest.backbone_key,
            categories=list(manifest.categories),
            temperature=float(manifest.temperature),
        )

    def agree(self, answers: Storage) -> None:
        """As `AnswerSettings.agree`, in the model's own file."""
        name = f"answers.{short_key(self.model)}.json"
        _agree(answers, name, {"kind": _MODEL_KIND, "format": _FORMAT}, asdict(self))


def _agree(answers: Storage, file: str, kind: dict[str, Any], ours: dict[str, Any]) -> None:
    found = _read(answers, file, kind)
    if found is None:
        answers.write_new(file, to_json(kind | ours, indent=2).encode() + b"\n")
        found = _read(answers, file, kind)  # another may have begun at the same time
    for name, value in ours.items():
        theirs = None if found is None else found.get(name)
        if theirs != value:
            raise StorageError(
                "{url}: its answers have {name} = {theirs}, this command {ours}; give the same, or another folder "
                "with --to",
                url=answers.url,
                name=name,
                theirs=_shown(theirs),
                ours=_shown(value),
            )


def _read(answers: Storage, file: str, kind: dict[str, Any]) -> dict[str, Any] | None:
    """What the file says; None where there is none. Raises StorageError in one line where it is none of ours."""
    try:
        about = json.loads(answers.read_bytes(file))
    except FileNotFoundError:
        return None
    except ValueError:
        about = None
    if not isinstance(about, dict) or any(about.get(name) != value for name, value in kind.items()):
        raise StorageError(
            "{url}/{file}: is damaged, or not of this illsort; give another folder with --to",
            url=answers.url,
            file=file,
        )
    return about


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
