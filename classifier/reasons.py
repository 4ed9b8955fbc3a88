"""Why an image was decided as it was, or cannot be read: a code and its parameters."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from classifier.paths import to_json


class ReasonCode(StrEnum):
    """Why an image is filed, reviewed or unknown, or cannot be read. `reason_text` says it in words.

    `top` are the most likely categories, at most two, each with its probability rounded down to `digits` (2 if absent).
    """

    # Decisions, each with its parameters.

    ABOVE_THRESHOLD = "above_threshold"  # threshold, top
    BELOW_THRESHOLD = "below_threshold"  # threshold, top
    ABOVE_GUARANTEE = "above_guarantee"  # digits, threshold, top
    BELOW_GUARANTEE = "below_guarantee"  # digits, threshold, top
    NO_GUARANTEE = "no_guarantee"  # digits, top
    SURE_OF_PARENT = "sure_of_parent"  # digits, levels (of the parent), parent, share, threshold, top
    BELOW_AUDITED = "below_audited"  # date, digits, max_error (absent if none was asked for), threshold, top
    TRUNCATED = "truncated"  # digits, top
    OOD = "ood"  # digits, distance, limit, top
    NEAR_OOD = "near_ood"  # digits, distance, limit, top
    ANNOTATED = "annotated"  # annotation (its id), category, date, origin
    ANNOTATED_WRONG = "annotated_wrong"  # annotation, category, date, origin
    ANNOTATED_NONE = "annotated_none"  # annotation, date, origin
    RETRACTED = "retracted"  # top
    RULED_OUT = "ruled_out"
    MOVED_BY_PERSON = "moved_by_person"
    LEFT_BY_UNDO = "left_by_undo"
    NOT_MOVED = "not_moved"
    DRAWN = "drawn"
    COPY_OF = "copy_of"  # copy_of (the id of an image), levels (as sure_of_parent, where the image has them), name
    # Failures.
    EMPTY_FILE = "empty_file"
    NO_KNOWN_FORMAT = "no_known_format"
    FORMAT_NOT_READ = "format_not_read"  # format, readable (absent where only the name shows the format)
    FORMAT_NOT_INSTALLED = "format_not_installed"  # command (of pip), format
    SIZE_LIMIT = "size_limit"  # height, limit, megapixels, width
    LENGTH_LIMIT = "length_limit"  # limit (megapixels), size_bytes
    BROKEN_OFF = "broken_off"  # format
    DECODER = "decoder"  # source (a format or exception), words
    OUT_OF_MEMORY = "out_of_memory"  # format (absent after the decoder)
    DEADLINE = "deadline"  # seconds
    DECODER_DIED = "decoder_died"  # exit_code or signal
    SYSTEM = "system"  # errno (its name, such as ENOENT), words
    NO_MEMORY_TO_READ = "no_memory_to_read"
    VANISHED = "vanished"
    GONE = "gone"
    CHANGED = "changed"
    NOT_KEPT = "not_kept"
    TEXT = "text"  # text: a sentence of an earlier version


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and its parameters, a JSON object, as text: a sort makes hundreds of thousands."""

    code: ReasonCode
    json: str = "{}"

    @classmethod
    def of(cls, code: ReasonCode, **params: Any) -> Self:
        """The reason with these parameters, of JSON's types."""
        return cls(code, to_json(dict(sorted(params.items()))))

    @classmethod
    def of_system(cls, error: OSError) -> Self:
        """What the operating system says."""
        name = errno.errorcode.get(error.errno or 0, "")
        return cls.of(ReasonCode.SYSTEM, errno=name, words=str(error.strerror or error))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The reason of `text`."""
        params = json.loads(text)
        return cls.of(ReasonCode(params.pop("code")), **params)

    @property
    def text(self) -> str:
        """Code and parameters as one JSON object."""
        return to_json({"code": self.code} | self.params)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters."""
        return dict(json.loads(self.json))
