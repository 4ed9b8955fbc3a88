"""Which host the weights of a backbone come from: the model hub or a mirror of it, or ModelScope. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from classifier.model.origin import FOLDER, MODELSCOPE
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
