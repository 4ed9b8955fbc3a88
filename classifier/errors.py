"""What can go wrong through no bug of ours; each message says what, which value, where, and what to do.

    IllsortError                the command line prints one line and exits with 2
    +-- SettingsError           an unknown key, a bad value, a file that is no TOML
    +-- LabelsError             no labels, an empty category, one picture in two categories
    +-- ModelError              a backbone or bundle that cannot be had, read or trusted
    +-- LibraryError            a folder that cannot be used as library, or is in use
    +-- CrawlError              a crawl that is not there, or overlaps the library
    +-- NoGuarantee             an error rate that cannot be guaranteed; a sort goes on by the model's own estimate
    +-- FilingStopped           the disk refuses: full, read-only, broken; what is done is recorded

    Undecodable                 one picture that cannot be read; carries its Failure; never leaves a run

A picture that fails is not an error but a `records.Failure`: counted, listed, never dropped.
Anything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.records import FailureKind


class IllsortError(Exception):
    """The user's or the environment's fault, reported in one line."""


class SettingsError(IllsortError):
    """A setting that does not exist or cannot have this value."""


class LabelsError(IllsortError):
    """Labels that cannot be learned from."""


class ModelError(IllsortError):
    """A backbone or bundle that cannot be had, read or trusted."""


class LibraryError(IllsortError):
    """A folder that cannot be used as a library, or is in use by another process."""


class CrawlError(IllsortError):
    """A crawl that is not there, or that overlaps the library."""


class NoGuarantee(IllsortError):  # noqa: N818 - a fact about the labels, not an error of the program
    """An error rate that cannot be guaranteed; `why` is a code: "picked", "fitted", "none" or "few"."""

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(message)
        self.why = why


class FilingStopped(IllsortError):  # noqa: N818 - it says what happened: filing stopped, nothing broke
    """The disk refuses to go on; everything done so far is recorded and a rerun continues."""


class Undecodable(Exception):  # noqa: N818 - a fact about one picture, not an error of the program
    """One picture that cannot be read: `kind` for counting, `detail` as a sentence for the person."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
