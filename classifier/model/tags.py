"""The tags of a tagger: what its own head says of a picture, kept while another head takes its place.

They name what pictures have in common before anything is labeled, and limit a queue to a rating or a tag. A bundle
keeps them as long as its network is the tagger's but for the head. The list is `selected_tags.csv` of the WD taggers:
a row for each output of the head, with the columns name and category (0 general, 4 character, 9 rating).
"""

# Shapes: N images, D embedding width, T tags.

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from classifier.category_names import SEPARATOR, problem_with
from classifier.errors import ModelError, message_of
from classifier.model.head import LinearHead, load_linear
from classifier.paths import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_CHARACTER, _RATING = "4", "9"
_MOST_BYTES: Final = 32 * 2**20
_LIKELY: Final = 0.5
"""From this mean probability on, a tag holds for a cluster."""
_TELLING: Final = 0.25
"""So much likelier than among all images, at least: what all have in common names none of them."""
_NAMES: Final = 3
_HOLDS: Final = 0.35
_CHARACTER_HOLDS: Final = 0.85
"""From these probabilities on a tag holds for one picture: the defaults of the WD taggers' own page."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tags:
    """The head's tags in the order of its outputs, with their categories as in the list."""

    names: tuple[str, ...]
    categories: tuple[str, ...]
    head: LinearHead

    def probabilities(self, embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each tag, independent of the others, float32 (N, T)."""
        odds = np.exp(-np.abs(logits := self.head(embeddings_ND)))
        return np.where(logits >= 0, 1 / (1 + odds), odds / (1 + odds)).astype(np.float32)

    @property
    def ratings(self) -> tuple[str, ...]:
        """The ratings, of which each picture has one."""
        return tuple(self.names[tag] for tag in self._of_category(_RATING))

    @property
    def characters(self) -> tuple[str, ...]:
        """The tags that are characters."""
        return tuple(self.names[tag] for tag in self._of_category(_CHARACTER))

    @property
    def others(self) -> tuple[str, ...]:
        """All other tags, most of them general ones."""
        special = {*self._of_category(_RATING), *self._of_category(_CHARACTER)}
        return tuple(name for tag, name in enumerate(self.names) if tag not in special)

    def holds(self, embeddings_ND: NDArray[np.float32], *, rating: str = "", tag: str = "") -> NDArray[np.bool_]:
        """Whether a picture has this rating (the likeliest of all) and this tag, (N,); an empty one limits nothing.

        Only the rows of the head that are asked for are computed. Raises ValueError for a name that is none.
        """
        found = np.ones(len(embeddings_ND), dtype=np.bool_)
        if rating:
            likeliest = self._part(self._of_category(_RATING))(embeddings_ND).argmax(axis=1)
            found &= likeliest == self.ratings.index(rating)
        if tag:
            number = self.names.index(tag)
            least = _CHARACTER_HOLDS if self.categories[number] == _CHARACTER else _HOLDS
            found &= self._part([number])(embeddings_ND)[:, 0] >= np.log(least / (1 - least))
        return found

    def save(self, path: Path) -> None:
        """Write them as safetensors; the weights in float16, which is enough unless they are too large for it."""
        fits = np.abs(self.head.weight).max(initial=0) <= np.finfo(np.float16).max
        weight: NDArray[Any] = self.head.weight.astype(np.float16) if fits else np.ascontiguousarray(self.head.weight)
        listed = to_json([self.names, self.categories])
        save_file({"weight": weight, "bias": self.head.bias}, path, metadata={_LISTED: listed})

    def _of_category(self, category: str) -> list[int]:
        return [tag for tag, one in enumerate(self.categories) if one == category]

    def _part(self, tags: Sequence[int]) -> LinearHead:
        return LinearHead(weight=self.head.weight[tags], bias=self.head.bias[tags])

    def cluster_names(
        self, embeddings_ND: NDArray[np.float32], clusters_N: NDArray[np.integer]
    ) -> dict[int, list[str]]:
        """At most three names that a category may have for each cluster that its tags tell from the others.

        Characters first, then what is likelier there than among all; ratings name nothing.
        """
        found = self.probabilities(embeddings_ND)
        usual = found.mean(axis=0)
        means = {int(number): found[clusters_N == number].mean(axis=0) for number in np.unique(clusters_N)}
        named = {number: self._telling(mean, usual) for number, mean in means.items()}
        return {number: names for number, names in named.items() if names}

    def _telling(self, mean_T: NDArray[np.float32], usual_T: NDArray[np.float32]) -> list[str]:
        lift = mean_T - usual_T
        likely = np.flatnonzero((mean_T >= _LIKELY) & (lift >= _TELLING)).tolist()
        naming = [tag for tag in likely if self.categories[tag] != _RATING]
        ordered = sorted(naming, key=lambda tag: (self.categories[tag] != _CHARACTER, -lift[tag]))
        tagged = [self.names[tag] for tag in ordered if SEPARATOR not in self.names[tag]]  # fate/stay_night is no level
        names = (name.replace("_", " ").strip() for name in tagged)
        return [name for name in dict.fromkeys(names) if problem_with(name) is None][:_NAMES]


_LISTED: Final = "tags"
"""The key of the file's metadata that holds names and categories, as JSON."""


def load_tags(path: Path) -> Tags:
    """Read what `Tags.save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    head = load_linear(path, weight="weight", bias="bias")
    try:
        with safe_open(path, framework="np") as file:
            names, categories = json.loads((file.metadata() or {})[_LISTED])
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError("{path}: cannot be read ({why})", path=path, why=message_of(error)) from None
    is_listed = isinstance(names, list) and isinstance(categories, list)
    if not is_listed or not len(names) == len(categories) == len(head.bias):
        raise ModelError("{path}: its tags are not those of its head; train again", path=path)
    return Tags(names=tuple(map(str, names)), categories=tuple(map(str, categories)), head=head)


def read_tags(path: Path, head: LinearHead) -> Tags | None:
    """The tags of `head` by a list that its repository has; None where the list is not of this head."""
    rows = _rows(path)
    if rows is None or len(rows) != len(head.bias):
        return None
    return Tags(names=tuple(name for name, _ in rows), categories=tuple(category for _, category in rows), head=head)


def _rows(path: Path) -> Sequence[tuple[str, str]] | None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file.read(_MOST_BYTES).splitlines(), restval="")
            rows = [(row["name"], row["category"]) for row in table]
        return rows if all(name and category for name, category in rows) else None
    except (OSError, ValueError, KeyError, csv.Error):
        return None
