"""Which answers a sort takes: those given now, or else those of the stopped sort that it resumes.

Those given now are refused before a run begins where they are none of the model. Those that are only recorded are no
reason to stop: where they can no longer be used, the pictures are read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.errors import Message, StorageError, message_of
from classifier.parts.packages import require_packages

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.model.bundle import Bundle
    from classifier.progress import Progress
    from classifier.sort.prepare import Prepared
    from classifier.sort.resume import SortRequest


def checked_answers(given: str, model: Bundle | None) -> str:
    """The absolute path or URL of answers. Raises StorageError in one line where `model` has none there.

    `model` is None where it is not known yet; then only the path or URL is checked.
    """
    require_packages()
    from classifier.parts.answer_files import find_answers  # noqa: PLC0415 - pyarrow, which is an extra
    from classifier.parts.storage import open_storage  # noqa: PLC0415 - fsspec, which is an extra

    return open_storage(given).url if model is None else find_answers(given, model).storage.url


def with_usable_answers(request: SortRequest, *, given: str | None, model: Bundle, progress: Progress) -> SortRequest:
    """`request`, without its answers where they are recorded ones that `model` cannot use.

    Raises StorageError in one line where those that are `given` now are no answers of `model`.
    """
    if request.answers is None:
        return request
    try:
        checked_answers(request.answers, model)
    except StorageError as error:
        _drop(error, given=given, progress=progress)
        return replace(request, answers=None)
    return request


def take_given_answers(catalog: Catalog, ready: Prepared, *, given: str | None, progress: Progress) -> None:
    """Take the answers of the run, if it has any. Raises StorageError in one line where `given` ones are damaged."""
    if ready.request.answers is None:
        return
    from classifier.sort.take_answers import take_answers  # noqa: PLC0415 - pyarrow, which is an extra

    try:
        take_answers(catalog, ready.request.answers, ready, progress)
    except StorageError as error:
        _drop(error, given=given, progress=progress)


def _drop(error: StorageError, *, given: str | None, progress: Progress) -> None:
    if given is not None:
        raise error
    progress.say(
        Message(
            "the answers of the stopped run cannot be used, so pictures without one are read: {why}",
            why=message_of(error),
        )
    )
