"""What can go wrong through no bug of ours; each message says what, which value, where, and what to do.

    IllsortError                the command line prints one line and exits with 2
    +-- SettingsError           an unknown key, a bad value, a file that is no TOML
    +-- LabelsError             no labels, an empty category, one picture in two categories
    +-- ModelError              a backbone or bundle that cannot be had, read or trusted
    +-- LibraryError            a folder that cannot be used as library
        +-- LibraryInUse        one that another process uses just now
    +-- CrawlError              a crawl that is not there, or overlaps the library
    +-- NoGuarantee             an error rate that cannot be guaranteed; a sort goes on by the model's own estimate
    +-- StorageError            a bucket, or a folder of parts, that cannot be read, written or used for this
    +-- FilingStopped           the disk refuses: full, read-only, broken; what is done is recorded

    Undecodable                 one picture that cannot be read; carries its Failure; never leaves a run

An error carries a `Message`: English with its template and parameters. The sentence that a person reads is made where
it is shown, in their language (`i18n.translate`). Nothing parses it.

A picture that fails is not an error but a `records.Failure`: counted, listed, never dropped.
Anything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from string import Formatter
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.reasons import Reason
    from classifier.records import FailureKind


_SPEC: Final = re.compile(r",?(\.[0-9])?[fg%]?|#04x")
"""The format specifications of our templates: none has a width, so none makes a long text of a short value."""
_LONGEST_TEMPLATE, _LONGEST_TEXT = 1000, 100_000
"""Of a stored message, in characters; ours are far shorter, and templates in templates grow fast."""
_PATH_NOT_FOUND: Final = frozenset({2, 3, 206})  # file, path, name too long
_LONGEST_WINDOWS_PATH: Final = 247
"""Of a folder; a file may have 12 characters more."""
_SAID_BY_ERRNO: Final = frozenset({2, 3, 5, 8, 80, 112, 145, 183})
"""Windows' own numbers that mean no more than the errno that Python gives them."""


class Message(str):  # noqa: SLOT000 - it has attributes
    """English text that can be put into other languages: JSON and the catalog hold it as the text that it is.

    `template` is English, with params in braces as `str.format` takes them, and the key of its translations. Without
    params it is literal text. A param may be a Message itself.
    """

    template: str
    params: Mapping[str, object]

    def __new__(cls, template: str, /, **params: object) -> Self:  # noqa: D102 - the class says it
        message = super().__new__(cls, template.format(**params) if params else template)
        message.template, message.params = template, params
        return message

    def as_dict(self) -> dict[str, Any]:
        """For JSON, as far as the params are."""
        params = {name: one.as_dict() if isinstance(one, Message) else one for name, one in self.params.items()}
        return {"template": self.template, "params": params}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Message:
        """The message that `as_dict` describes. Raises ValueError for one that is not like any of ours.

        A stranger may have written it, and `str.format` reads attributes and pads to any width.
        """
        template = str(values["template"])
        if "code" in values:
            return SystemMessage(template, str(values["code"]))
        if not _has_own_fields(template):
            raise ValueError("not a template of a message")
        params = {name: cls.from_dict(one) if isinstance(one, dict) else one for name, one in values["params"].items()}
        message = cls(template, **params)
        if len(message) > _LONGEST_TEXT:
            raise ValueError("longer than any message")
        return message

    def __reduce__(self) -> tuple[Callable[..., Message], tuple[object, ...]]:
        return _restored, (type(self), str(self), vars(self))


def _has_own_fields(template: str) -> bool:
    fields = ((name, spec or "") for _, name, spec, _ in Formatter().parse(template) if name is not None)
    return len(template) <= _LONGEST_TEMPLATE and all(
        name.isidentifier() and _SPEC.fullmatch(spec) for name, spec in fields
    )


def _restored(kind: type[Message], text: str, attributes: Mapping[str, object]) -> Message:
    message = str.__new__(kind, text)
    vars(message).update(attributes)
    return message


class Counted(Message):
    """A message that depends on a number: `one` is the template for 1, `many` for any other `count`."""

    one: str
    many: str

    def __new__(cls, one: str, many: str, /, *, count: int, **params: object) -> Self:  # noqa: D102 - the class says it
        message = super().__new__(cls, one if count == 1 else many, count=count, **params)
        message.one, message.many = one, many
        return message


class SystemMessage(Message):
    """What the system or a library says: its own words in English, translated by `code`, such as "ENOSPC"; or none."""

    code: str

    def __new__(cls, words: str, code: str) -> Self:  # noqa: D102 - the class says it
        message = super().__new__(cls, words)
        message.code = code
        return message

    def as_dict(self) -> dict[str, Any]:  # noqa: D102 - Message says it
        return super().as_dict() | {"code": self.code}


class IllsortError(Exception):
    """The user's or the environment's fault, reported in one line; takes a template and its params, or a Message."""

    def __init__(self, template: str, /, **params: object) -> None:
        self.message = template if isinstance(template, Message) else Message(template, **params)
        super().__init__(self.message)


class SettingsError(IllsortError):
    """A setting that does not exist or cannot have this value."""


class LabelsError(IllsortError):
    """Labels that cannot be learned from."""


class ModelError(IllsortError):
    """A backbone or bundle that cannot be had, read or trusted."""


class LibraryError(IllsortError):
    """A folder that cannot be used as a library, or is in use by another process."""


class LibraryInUse(LibraryError):  # noqa: N818 - a fact about another process
    """A library that another process uses just now: the same may be tried again later."""


class CrawlError(IllsortError):
    """A crawl that is not there, or that overlaps the library."""


class StorageError(IllsortError):
    """A bucket, or a folder of parts, that cannot be read, written or used for this."""


class NoGuarantee(IllsortError):  # noqa: N818 - a fact about the labels, not an error of the program
    """An error rate that cannot be guaranteed; `why` is a code: "picked", "fitted", "none" or "few"."""

    def __init__(self, template: str, /, *, why: str, **params: object) -> None:
        super().__init__(template, **params)
        self.why = why

    def __reduce__(self) -> tuple[Callable[[], NoGuarantee], tuple[()]]:
        return partial(NoGuarantee, self.message, why=self.why), ()


class FilingStopped(IllsortError):  # noqa: N818 - it says what happened: filing stopped, nothing broke
    """The disk refuses to go on; everything done so far is recorded and a rerun continues."""


class Undecodable(Exception):  # noqa: N818 - a fact about one picture, not an error of the program
    """One picture that cannot be read: `kind` for counting, `detail` for what exactly is wrong."""

    def __init__(self, kind: FailureKind, detail: Reason) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


def located_message(error: BaseException) -> Message:
    """As `message_of`, with the path before it where the system names one."""
    path, why = getattr(error, "filename", None), message_of(error)
    return Message("{path}: {why}", path=path, why=why) if path else why


def message_of(error: BaseException) -> Message:
    """What went wrong, in one line and without the numbers and paths that the system adds.

    An error of ours carries a message, also an OSError or ValueError that has one where Python puts the text.
    """
    if isinstance(error, IllsortError):
        return error.message
    words: object = error.strerror if isinstance(error, OSError) else next(iter(error.args), None)
    if isinstance(words, Message):
        return words
    if isinstance(error, OSError):
        return _system_message(error)
    text = " ".join(str(error).split()) or type(error).__name__
    return SystemMessage(text, getattr(error, "sqlite_errorname", ""))


def _system_message(error: OSError) -> Message:
    number = getattr(error, "winerror", None)
    length = max((len(str(path)) for path in (error.filename, error.filename2) if path is not None), default=0)
    if number in _PATH_NOT_FOUND and length > _LONGEST_WINDOWS_PATH:
        return Message(
            "Windows takes no path of {length} characters until long paths are enabled (LongPathsEnabled in its "
            "registry): enable them, or take a folder with a shorter path",
            length=length,
        )
    code = "" if number and number not in _SAID_BY_ERRNO else errno.errorcode.get(error.errno or 0, "")
    return SystemMessage(str(error.strerror or error) or type(error).__name__, code)


MOST_LISTED: Final = 10


def join_errors(errors: Sequence[Message]) -> Message:
    """The first ten errors in one line, and how many more there are: a user can fix them together."""
    listed, more = list(errors[:MOST_LISTED]), len(errors) - MOST_LISTED
    if more > 0:
        listed.append(Message("and {more:,} more", more=more))
    return reduce(lambda first, then: Message("{first}; {then}", first=first, then=then), listed)
