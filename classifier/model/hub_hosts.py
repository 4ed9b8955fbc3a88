"""Which host the weights of a backbone come from: the model hub or a mirror of it, or ModelScope. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from classifier.errors import Message
from classifier.model.origin import FOLDER, HUB, MODELSCOPE, known_as
from classifier.model.pretrained import EMBEDDED
from classifier.setting_sections import HubSettings

HUB_HOST: Final = "https://huggingface.co"
MIRROR: Final = "https://hf-mirror.com"
MODELSCOPE_HOST: Final = "https://www.modelscope.cn"


def hub_endpoint(settings: HubSettings, environment: Mapping[str, str] = os.environ) -> str:
    """Where `hf-hub:` and timm's names are looked for: `hub.endpoint`, else HF_ENDPOINT, else the hub itself."""
    return (settings.endpoint or environment.get("HF_ENDPOINT", "")).rstrip("/") or HUB_HOST


def modelscope_host(environment: Mapping[str, str] = os.environ) -> str:
    """Where `modelscope:` names are looked for; ModelScope's own variable MODELSCOPE_DOMAIN names another."""
    host = environment.get("MODELSCOPE_DOMAIN", "").rstrip("/") or MODELSCOPE_HOST
    return host if "://" in host else f"https://{host}"


def host_of(backbone: str, settings: HubSettings, environment: Mapping[str, str] = os.environ) -> str | None:
    """The host that would be asked for the weights of `backbone`; None for those that are on this machine."""
    if backbone in EMBEDDED or backbone.startswith(FOLDER):
        return None
    return modelscope_host(environment) if backbone.startswith(MODELSCOPE) else hub_endpoint(settings, environment)


def ways_out(repository: str, settings: HubSettings, environment: Mapping[str, str] = os.environ) -> Message:
    """What to do where an `hf-hub:` or `modelscope:` repository cannot be had: two other hosts, and one's own hands."""
    mirror = HUB_HOST if hub_endpoint(settings, environment) == MIRROR else MIRROR
    if repository.startswith(MODELSCOPE):
        return Message(
            "take the hub (model.backbone={name}) or a mirror of it (with hub.endpoint={mirror}, or HF_ENDPOINT), or "
            "download the folder by hand (model.backbone=local-dir:/folder)",
            name=_on_the_hub(repository),
            mirror=mirror,
        )
    return Message(
        "take a mirror (hub.endpoint={mirror}, or HF_ENDPOINT), or ModelScope (model.backbone={name}), or download "
        "the folder by hand (model.backbone=local-dir:/folder)",
        name=_at_modelscope(repository),
        mirror=mirror,
    )


def _on_the_hub(repository: str) -> str:
    """What a repository of ModelScope is a copy of; most have the same name."""
    known = known_as(repository)
    return f"{HUB}{known.name if known is not None else repository.removeprefix(MODELSCOPE)}"


def _at_modelscope(repository: str) -> str:
    """A copy that is known of; timm's own repositories have the same names there."""
    known, name = known_as(repository), repository.removeprefix(HUB)
    if known is not None and known.modelscope:
        name = known.modelscope
    elif not name.startswith("timm/"):
        name = "OWNER/NAME"
    return f"{MODELSCOPE}{name}"
