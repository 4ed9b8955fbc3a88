"""The model card of a bundle: its categories, how it was measured, how to load it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classifier.paths import displayable

if TYPE_CHECKING:
    from classifier.model.manifest import Manifest

LAST_LAYER_ACCURACY = "accuracy_of_last_layer"
LAST_LAYER_CALIBRATION_ERROR = "calibration_error_of_last_layer"
LAST_LAYER_TEMPERATURE = "temperature_of_last_layer"
"""Of `measured`: what the network's last layer comes to alone, where a combined head answers."""

_CARD = """\
---
library_name: timm
pipeline_tag: image-classification
tags: [image-classification, timm, illsort]
---
# {name}

Sorts pictures into {count} categories: {categories}.
Trained with illsort {version}.

| | |
| --- | --- |
| architecture | {architecture} |
| started from | {backbone} |
{license}| image size | {size} x {size} pixels, whole picture |
| temperature | {temperature:.3f} |
{measured}

The figures are measured on the held-out labels alone, which also chose the epoch and the temperature,
so they are a little too good; with few labels they are also rough.

```python
import timm
model = timm.create_model("local-dir:path/to/this/folder", pretrained=True).eval()
```

{logits}
"""
_PLAIN = "The logits are timm's; divide them by the temperature before the softmax to get illsort's probabilities."
_COMBINED = """\
timm's logits are those of the last layer alone; divide them by its own temperature before the softmax. illsort answers
by `head.safetensors`, which also takes statistics of earlier stages, and the other figures are of that."""


_EARLIER = (",\nso they are a little too good; with few labels they are also rough.", ".")
"""Cards once ended that sentence after the temperature."""


def model_card(name: str, architecture: str, manifest: Manifest) -> str:
    """The card as Markdown with the front matter that model hubs read."""
    return _filled(name, architecture, manifest.model_dump())


def is_card(text: str, manifest: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether `text` is the card that illsort wrote, now or earlier, for a bundle of this manifest; under any name."""
    title = next((line for line in text.splitlines() if line.startswith("# ")), "# ")
    try:
        card = _filled(title.removeprefix("# "), str(config.get("architecture", "")), manifest)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return text in (card, card.replace(_EARLIER[0], _EARLIER[1]))


def _filled(name: str, architecture: str, manifest: Mapping[str, Any]) -> str:
    named = manifest.get("backbone_license")  # not in earlier manifests
    is_combined = LAST_LAYER_TEMPERATURE in manifest["measured"]
    return _CARD.format(
        name=displayable(name),
        count=len(manifest["categories"]),
        categories=", ".join(manifest["categories"]),
        version=manifest["versions"].get("illsort", ""),
        architecture=architecture,
        backbone=displayable(manifest["backbone"]),
        license=f"| license of the weights it started from | {displayable(named)} |\n" if named else "",
        size=manifest["image_size"],
        temperature=manifest["temperature"],
        measured="\n".join(
            f"| {key.replace('_', ' ')} | {_shown(value)} |" for key, value in manifest["measured"].items()
        ),
        logits=_COMBINED if is_combined else _PLAIN,
    )


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
