"""A repository of the model hub, or of a mirror of it, in the cache that all programs of this user have for the hub.

A file is put there as `hf_hub_download` does on Windows, whole and without links, so that other programs find it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import build_hf_headers

from classifier.errors import Message
from classifier.model import hub_answers
from classifier.model.download import Remote, put
from classifier.model.hub_answers import NETWORK_ERRORS, Missing, Unavailable, failure_of, host_in, refusal

_HEX: Final = re.compile(r"[0-9a-f]{40,64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_REVISION: Final = re.compile(r"[\w.-]+(/[\w.-]+)*")
_FORBIDDEN: Final = 403
_CACHE_VARIABLE: Final = "HF_HUB_CACHE"  # HF_HOME names the folder only where this one is not set


class HuggingFace:
    """`repository` is owner/name, or owner/name@revision. Raises Unavailable where it is none."""

    def __init__(self, repository: str, *, endpoint: str) -> None:
        self._name, _, revision = repository.partition("@")
        self._revision = revision or constants.DEFAULT_REVISION
        self._commit = ""
        self.host = endpoint
        try:
            hf_hub_url(self._name, "x")
        except HFValidationError:
            raise _no_repository(repository) from None
        if not _REVISION.fullmatch(self._revision) or ".." in self._revision:
            raise _no_repository(repository)

    @property
    def folder(self) -> Path:
        """Where the cache keeps it."""
        return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=self._name, repo_type="model")

    def cached(self, file: str) -> Path | None:
        """The file as it was downloaded before, by whatever program; no network is used."""
        found = try_to_load_from_cache(self._name, file, revision=self._revision)
        return Path(found) if isinstance(found, str) else None

    def find(self, file: str) -> Remote:
        """What the hub knows of a file. Raises Unavailable, Missing where there is no such file."""
        revision = self._commit or self._revision  # all files are of one commit
        url = hf_hub_url(self._name, file, revision=revision, endpoint=self.host)
        headers = build_hf_headers()
        try:
            found = get_hf_file_metadata(url, timeout=hub_answers.STALL_S, headers=headers, endpoint=self.host)
        except HfHubHTTPError as error:
            raise self._refused(error, file) from None
        except NETWORK_ERRORS as error:
            raise failure_of(error, host_in(self.host)) from None
        if not _COMMIT.fullmatch(found.commit_hash or "") or found.etag is None:
            raise Unavailable(Message("{host} does not answer as a model hub does", host=self.host))
        self._commit = str(found.commit_hash)
        url = hf_hub_url(self._name, file, revision=self._commit, endpoint=self.host)
        return Remote(
            name=file,
            url=url,
            size=found.size,
            digest=found.etag,
            headers=headers,
            cache_variable=_CACHE_VARIABLE,
        )

    def part_of(self, remote: Remote) -> Path:
        """Where the beginning of a file is kept."""
        return self.folder / "blobs" / f"{_key(remote)}.incomplete"

    def lock_of(self, remote: Remote) -> Path:
        """The lock that every program holds that downloads this file."""
        return self.folder.parent / ".locks" / self.folder.name / f"{_key(remote)}.lock"

    def path_of(self, remote: Remote) -> Path:
        """Where the whole file goes."""
        return self.folder / "snapshots" / self._commit / remote.name

    def place(self, remote: Remote) -> None:
        """Put the whole file where it is found, and note of which commit it is."""
        put(self.part_of(remote), self.path_of(remote))
        if self._revision != self._commit:
            reference = self.folder / "refs" / self._revision
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(self._commit)

    def _refused(self, error: HfHubHTTPError, file: str) -> Unavailable:
        host, status = host_in(self.host), error.response.status_code
        if isinstance(error, GatedRepoError):
            status = _FORBIDDEN
        elif isinstance(error, RepositoryNotFoundError):
            return Unavailable(
                Message(
                    "{host} has no repository {name}, or it is a private one: then log in with `hf auth login`",
                    host=host,
                    name=self._name,
                )
            )
        elif isinstance(error, RevisionNotFoundError):
            return Unavailable(Message("{name} has no revision {revision}", name=self._name, revision=self._revision))
        if isinstance(error, EntryNotFoundError):
            return Missing(Message("there is no {file} in {name}", file=file, name=self._name))
        refused = refusal(status, error.response.headers, host=host, name=self._name)
        return refused or Unavailable(Message("{host} answers with the error {status}", host=host, status=status))


def _key(remote: Remote) -> str:
    """A file name for a version of a file: the hub's own, where that is a hash."""
    return remote.digest if _HEX.fullmatch(remote.digest) else hashlib.sha256(remote.digest.encode()).hexdigest()


def _no_repository(repository: str) -> Unavailable:
    return Unavailable(Message("{name} is no name of a repository; give owner/name", name=repository))
