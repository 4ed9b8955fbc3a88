"""The model card of a model that is published: its data, its measures and what it guarantees; no file of the author's.

In English, as the hub's cards are.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from huggingface_hub import EvalResult, ModelCardData

from classifier.errors import NoGuarantee
from classifier.model.card import LAST_LAYER_ACCURACY, LAST_LAYER_CALIBRATION_ERROR, LAST_LAYER_TEMPERATURE
from classifier.model.origin import HUB, SOURCES, known_as
from classifier.model.pretrained import EMBEDDED
from classifier.model.risk_control import guarantee_risk
from classifier.paths import displayable
from classifier.records import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from classifier.model.bundle import Bundle
    from classifier.model.holdout import HoldoutPredictions
    from classifier.model.manifest import Manifest

RATES: Final = (0.01, 0.02, 0.05, 0.10)
"""Error rates of which the card says whether they are guaranteed."""
_OF_LAST_LAYER: Final = (LAST_LAYER_ACCURACY, LAST_LAYER_CALIBRATION_ERROR, LAST_LAYER_TEMPERATURE)
_TASK: Final = "image-classification"
_HUB_LICENSES: Final = frozenset(
    {
        *("apache-2.0", "mit", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "openrail"),
        *("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0"),
    }
)
"""Licenses that the hub knows by these names; any other is "other", with its name beside it."""
_SELECTED: Final = {
    Selection.RANDOM: "drawn at random",
    Selection.FILED: "drawn at random from what a model had filed",
    Selection.PERSON: "picked by a person",
    Selection.MODEL: "picked by a model",
    Selection.GRID: "accepted in a grid of similar pictures",
    Selection.CHANCE: "drawn at random, beyond what was answered whole",
    Selection.FITTED: "that the network was fitted to",
}

_CARD: Final = """\
# {name}

Sorts pictures into {count} categories: {categories}.
Trained with illsort {version} ({architecture}, {size} x {size} pixels), starting from {backbone}{license}.

## Use

```python
import timm
from PIL import Image

source = "hf-hub:OWNER/NAME"  # or "local-dir:path/to/this/folder"
model = timm.create_model(source, pretrained=True).eval()
transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
logits = model(transform(Image.open("picture.png").convert("RGB")).unsqueeze(0))
probabilities = (logits / {temperature:.6g}).softmax(dim=1)  # divided by the temperature, as illsort does
names = model.pretrained_cfg["label_names"]
```

The network is the one that illsort sorts with; what tells pictures of none of the categories is not in this folder.
{answers}{preparing}

## Data

{data}

The pictures are not part of this repository.

## Measures

{measures}

The held-out labels also chose the epoch and the temperature, so the figures are a little too good; with few labels they
are also rough. Coverage is in hindsight: no promise.

## Guarantee

For each error rate, what illsort's `sort --max-error` rests on with this model. Each line holds by itself, and only for
pictures like the labels, in the same mix of categories.

{guarantees}
"""
_COMBINED: Final = """\
illsort itself answers by a head that also takes statistics of earlier stages of the network. The figures of this card
are of that head, but for those that name the last layer, which is what timm gives.
"""
_SQUASHED: Final = """\
timm's transform differs from illsort's: it squeezes every picture into the square, where illsort changes the
aspect by at most {squeeze:g} and pads what is longer with white; and transparent parts of a picture become black or
whatever color lies under them, where illsort puts them on white. Turn pictures upright first
(`PIL.ImageOps.exif_transpose`). Other pictures come out the same but for rounding."""
_BORDERED: Final = """\
timm's transform differs from illsort's: it pads pictures to a square with the mean color of the network,
where illsort pads with white; and transparent parts of a picture become black or whatever color lies under them, where
illsort puts them on white. Turn pictures upright first (`PIL.ImageOps.exif_transpose`). Square pictures come out the
same but for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a bundle's files say; `labels` per category and `holdout` are None in older bundles."""

    manifest: Manifest
    architecture: str
    evaluation: Mapping[str, Any]
    labels: tuple[int, ...] | None
    selections: Mapping[Selection, int]
    holdout: HoldoutPredictions | None


def read_facts(bundle: Bundle, *, architecture: str, evaluation: Mapping[str, Any]) -> CardFacts:
    """Read them. Raises ModelError in one line where a file is damaged."""
    labeled = bundle.load_labeled_embeddings()
    counts = None if labeled is None else Counter(labeled.targets.tolist())
    return CardFacts(
        manifest=bundle.manifest,
        architecture=architecture,
        evaluation=evaluation,
        labels=None if counts is None else tuple(counts[index] for index in range(len(bundle.manifest.categories))),
        selections={} if labeled is None else Counter(labeled.selections),
        holdout=bundle.load_holdout(),
    )


def hub_card(name: str, facts: CardFacts) -> str:
    """The card as Markdown, with the header that the hub reads."""
    manifest = facts.manifest
    preparing = _BORDERED if manifest.max_squeeze == 1 else _SQUASHED
    text = _CARD.format(
        name=displayable(name),
        count=len(manifest.categories),
        categories=", ".join(manifest.categories),
        version=manifest.versions.get("illsort", ""),
        architecture=facts.architecture,
        size=manifest.image_size,
        backbone=_backbone(manifest.backbone),
        license=f" (license: {displayable(manifest.backbone_license)})" if manifest.backbone_license else "",
        temperature=_temperature_of_last_layer(manifest),
        answers=_COMBINED if manifest.head_sha256 else "",
        preparing=preparing.format(squeeze=manifest.max_squeeze).replace("\n", " "),
        data=_data(facts),
        measures="\n".join(_table(("measure", "value"), _measures(facts))),
        guarantees="\n".join(_guarantees(facts)),
    )
    return f"---\n{_header(displayable(name), facts)}\n---\n{text}"


def _temperature_of_last_layer(manifest: Manifest) -> float:
    own = manifest.measured.get(LAST_LAYER_TEMPERATURE)
    return own if isinstance(own, float) else manifest.temperature


def share_text(share: float) -> str:
    """A share as a percentage without needless digits."""
    return f"{share * 100:.3g}%"


def _header(name: str, facts: CardFacts) -> str:
    """YAML: the library, license, start and measures, by the names that the hub knows."""
    named = facts.manifest.backbone_license.lower()
    is_known = named in _HUB_LICENSES
    kinds = ("accuracy", "expected_calibration_error")
    keys = _OF_LAST_LAYER[:2] if facts.manifest.head_sha256 else ("accuracy", "calibration_error")
    measured = [(kind, facts.manifest.measured.get(key)) for key, kind in zip(keys, kinds, strict=True)]
    results = [
        EvalResult(
            task_type=_TASK,
            dataset_type="imagefolder",
            dataset_name="held-out labels (not published)",
            metric_type=kind,
            metric_value=round(value, 4),
        )
        for kind, value in measured
        if isinstance(value, float | int)
    ]
    data = ModelCardData(
        library_name="timm",
        pipeline_tag=_TASK,
        tags=[_TASK, "timm", "illsort"],
        license=(named if is_known else "other") if named else None,
        license_name=re.sub(r"[^a-z0-9.-]+", "-", named) if named and not is_known else None,
        base_model=_published(facts.manifest.backbone),
        model_name=name if results else None,
        eval_results=results or None,
    )
    return data.to_yaml(line_break="\n")


def _published(backbone: str) -> str | None:
    """The repository on the hub that training started from; None where it is another place, as a folder."""
    known = known_as(backbone)
    if known is not None and "/" in known.name:
        return known.name
    return backbone.removeprefix(HUB).partition("@")[0] if backbone.startswith(HUB) else None


def _backbone(backbone: str) -> str:
    """What training started from, without the name of a folder of the author's."""
    if published := _published(backbone):
        return displayable(published)
    if backbone in EMBEDDED:
        return f"ImageNet weights of {EMBEDDED[backbone].architecture}"
    return "weights that are not published" if backbone.startswith(SOURCES) else displayable(backbone)


def _data(facts: CardFacts) -> str:
    """How many labels there are of each category, and how they were selected."""
    total = facts.manifest.measured.get("labels") or sum(facts.labels or ())
    selected = [f"{count} {_SELECTED[kind]}" for kind, count in sorted(facts.selections.items())]
    figures = {row["category"]: row for row in facts.evaluation.get("per_category", ())}
    rows = [
        (
            category,
            "" if facts.labels is None else facts.labels[index],
            figures.get(category, {}).get("count", ""),
            *(_shown(figures.get(category, {}).get(key)) for key in ("precision", "recall")),
        )
        for index, category in enumerate(facts.manifest.categories)
    ]
    sentence = f"{total} labeled pictures" + (f", {', '.join(selected)}." if selected else ".")
    heads = ("category", "labels", "of these held out", "precision", "recall")
    return "\n".join([sentence, "", *_table(heads, rows)])


def _measures(facts: CardFacts) -> Iterator[tuple[str, str]]:
    measured = facts.manifest.measured
    method = "held out" if facts.holdout is None else facts.holdout.method.phrase
    yield f"labels to judge by ({method})", _shown(measured.get("held_out"))
    yield "accuracy", _shown(measured.get("accuracy"))
    yield "expected calibration error, 15 bins", _shown(measured.get("calibration_error"))
    yield "temperature", _shown(facts.manifest.temperature)
    for key in _OF_LAST_LAYER if facts.manifest.head_sha256 else ():
        yield key.replace("_", " "), _shown(measured.get(key))
    for row in facts.evaluation.get("coverage", ()):
        yield f"filed with at most {share_text(row['max_error'])} wrong", share_text(row["share"])


def _guarantees(facts: CardFacts) -> list[str]:
    found = {share_text(rate): _guarantee(facts, rate) for rate in RATES}
    if len(set(found.values())) == 1:
        found = {" or ".join(found): found.popitem()[1]}
    return [f"- {rate} wrong: {words}." for rate, words in found.items()]


def _guarantee(facts: CardFacts, rate: float) -> str:
    if facts.holdout is None:
        return "no guarantee: an older model without held-out predictions"
    manifest = facts.manifest
    try:
        found = guarantee_risk(
            facts.holdout, categories=manifest.categories, temperature=manifest.temperature, max_error=rate
        )
    except NoGuarantee as error:
        return str(error.message)
    return f"guaranteed: {found.sentence}; {share_text(found.coverage)} of them would have been filed"


def _table(heads: tuple[str, ...], rows: Iterator[tuple[object, ...]] | list[tuple[object, ...]]) -> list[str]:
    cells = [heads, ("---",) * len(heads), *rows]
    return [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def _shown(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
