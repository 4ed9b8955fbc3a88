"""Whether the model hub and its mirrors answer; only backbones that are named by a user are downloaded from there."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Final

from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.errors import Message, message_of
from classifier.model.hub_hosts import HUB_HOST, MIRROR, MODELSCOPE_HOST, host_of, hub_endpoint
from classifier.setting_sections import HubSettings

_SECONDS: Final = 3.0
_GRACE_S: Final = 2.0
"""Looking up a name is not covered by the timeout of a connection."""
_TOO_LATE: Final = Message("no answer within {seconds:.0f} s", seconds=_SECONDS)


def examine_hub(backbone: str, settings: HubSettings, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Which of the hub, its mirror, ModelScope and the one that would be asked for `backbone` answer, and which do not.

    A problem where the backbone of the settings is to come from one that does not.
    """
    needed = host_of(backbone, settings, environment)
    chosen = needed or hub_endpoint(settings, environment)
    answers = ask(list(dict.fromkeys((chosen, HUB_HOST, MIRROR, MODELSCOPE_HOST))))
    silent = {host: why for host, why in answers.items() if why is not None}
    if there := [host for host in answers if host not in silent]:
        yield ok("hub", Message("model hub and mirrors that answer: {hosts}", hosts=", ".join(there)))
    if not silent:
        return
    why = silent.get(chosen, next(iter(silent.values())))
    told = Message("no answer from {hosts}: {why}", hosts=", ".join(silent), why=why)
    if chosen not in silent:
        yield ok("hub.silent", Message("{told}; it is not needed while {chosen} answers", told=told, chosen=chosen))
    elif needed is None:
        yield hint("hub.silent", told, _instead(silent, Message("for backbones beyond the embedded ones")))
    else:
        yield problem("hub.silent", told, _instead(silent, Message("to download {backbone}", backbone=backbone)))


def _instead(silent: Mapping[str, Message], purpose: Message) -> Message:
    if MIRROR not in silent:
        return Message("{purpose}, set hub.endpoint={mirror} (or HF_ENDPOINT)", purpose=purpose, mirror=MIRROR)
    if MODELSCOPE_HOST not in silent:
        return Message("{purpose}, use model.backbone=modelscope:OWNER/NAME", purpose=purpose)
    return Message(
        "{purpose}, set hub.endpoint (or HF_ENDPOINT) to a mirror or HTTPS_PROXY to a proxy, or download the model's "
        "folder elsewhere and use model.backbone=local-dir:/folder",
        purpose=purpose,
    )


@dataclass(slots=True)
class _Question:
    host: str
    why: Message | None = _TOO_LATE

    def ask(self) -> None:
        """Any answer will do, also one that refuses: who answers is reachable."""
        try:
            with urllib.request.urlopen(_head(self.host), timeout=_SECONDS):  # noqa: S310 - `_head` looks at the scheme
                self.why = None
        except urllib.error.HTTPError:
            self.why = None
        except urllib.error.URLError as error:
            self.why = message_of(error.reason) if isinstance(error.reason, Exception) else Message(str(error.reason))
        except (OSError, ValueError) as error:
            self.why = message_of(error)


def _head(host: str) -> urllib.request.Request:
    """Raises ValueError for what is no address of the web, such as a file."""
    if not host.startswith(("https://", "http://")):
        raise ValueError(Message("it is no address that begins with https:// or http://"))
    return urllib.request.Request(host, method="HEAD", headers={"User-Agent": "illsort"})  # noqa: S310 - looked at


def ask(hosts: list[str]) -> dict[str, Message | None]:
    """Why each of `hosts` does not answer, None where it does; asked at once, through the proxies of the system."""
    questions = [_Question(host) for host in hosts]
    threads = [Thread(target=question.ask, daemon=True) for question in questions]
    for thread in threads:
        thread.start()
    end = time.monotonic() + _SECONDS + _GRACE_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {question.host: question.why for question in questions}
