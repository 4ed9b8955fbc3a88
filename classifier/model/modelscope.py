"""A repository of ModelScope, by its plain addresses, in the user's cache folder.

Addresses and fields are those that ModelScope's own client uses (modelscope/hub/file_download.py there).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from huggingface_hub.utils import get_session
from platformdirs import user_cache_path

from classifier.errors import Message
from classifier.model import hub_answers
from classifier.model.download import Remote, put
from classifier.model.hub_answers import NETWORK_ERRORS, Missing, Unavailable, failure_of, refusal

_REPOSITORY: Final = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w-][\w.-]*))?", re.ASCII)
_REVISION: Final = "master"


class ModelScope:
    """`repository` is owner/name, or owner/name@revision. Raises Unavailable where it is none."""

    def __init__(self, repository: str, *, host: str) -> None:
        found = _REPOSITORY.fullmatch(repository)
        if found is None:
            raise Unavailable(Message("{name} is no name of a repository; give owner/name", name=repository))
        self._name, self._revision = found[1], found[2] or _REVISION
        self.host = host

    @property
    def folder(self) -> Path:
        """Where it is kept; a revision has a folder of its own."""
        owner, name = self._name.split("/")
        return user_cache_path("illsort", appauthor=False) / "modelscope" / owner / name / self._revision

    def cached(self, file: str) -> Path | None:
        """The file as it was downloaded before; no network is used."""
        path = self.folder / file
        return path if path.is_file() else None

    def find(self, file: str) -> Remote:
        """What ModelScope knows of a file. Raises Unavailable, Missing where there is no such file."""
        for one in self._files:
            if one.get("Path") == file:
                size, digest = one.get("Size"), one.get("Sha256")
                return Remote(
                    name=file,
                    url=f"{self._address}?Revision={quote(self._revision)}&FilePath={quote(file)}",
                    size=size if isinstance(size, int) and size > 0 else None,
                    digest=digest if isinstance(digest, str) else "",
                )
        raise Missing(Message("there is no {file} in {name}", file=file, name=self._name))

    def part_of(self, remote: Remote) -> Path:
        """Where the beginning of a file is kept."""
        version = re.sub(r"\W", "", remote.digest)[:16]
        return self.folder / f".{remote.name}.{version}.part"

    def lock_of(self, remote: Remote) -> Path:
        """The lock that a process holds that downloads this file."""
        return self.folder / f".{remote.name}.lock"

    def path_of(self, remote: Remote) -> Path:
        """Where the whole file goes."""
        return self.folder / remote.name

    def place(self, remote: Remote) -> None:
        """Put the whole file where it is found."""
        put(self.part_of(remote), self.path_of(remote))

    @property
    def _address(self) -> str:
        return f"{self.host}/api/v1/models/{self._name}/repo"

    @cached_property
    def _files(self) -> list[Mapping[str, Any]]:
        url = f"{self._address}/files?Revision={quote(self._revision)}&Recursive=True"
        try:
            response = get_session().get(url, timeout=hub_answers.STALL_S)
        except NETWORK_ERRORS as error:
            raise failure_of(error, self.host) from None
        refused = refusal(response.status_code, response.headers, host=self.host, name=self._name)
        if refused is not None:
            raise refused if not isinstance(refused, Missing) else Unavailable(refused.why)
        try:
            return [dict(one) for one in response.json()["Data"]["Files"]]
        except (ValueError, KeyError, TypeError):
            raise Unavailable(Message("{host} does not answer as ModelScope does", host=self.host)) from None
