"""What a model's answers depend on, as a key; the manifest's knowledge for those who start without torch."""

from __future__ import annotations

import hashlib


def answers_key(*, weights_sha256: str, image_size: int, max_squeeze: float, novelty_sha256: str = "") -> str:
    """What the answers depend on, as 32 hex digits: weights, transform, and labelled pictures to be near to.

    Neither calibration nor threshold: those decide by answers that are known.
    """
    parts = [weights_sha256, str(image_size), str(max_squeeze)]
    parts += [novelty_sha256] if novelty_sha256 else []  # bundles without keep the key they had
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def backbone_key(*, backbone_sha256: str, image_size: int, max_squeeze: float) -> str:
    """What embeddings depend on, as 32 hex digits: the network but for its head, and the transform."""
    parts = [backbone_sha256, str(image_size), str(max_squeeze)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
