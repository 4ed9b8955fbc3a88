"""Reading of .safetensors files of arrays from an untrusted bundle: validated before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.numpy import load_file

from classifier.errors import Message, ModelError, message_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def read_tensors(
    path: Path, wrong: Callable[[dict[str, NDArray[np.float32]]], Message | None]
) -> dict[str, NDArray[np.float32]]:
    """The arrays by name, if `wrong` finds nothing: a phrase that says what does not fit.

    Raises ModelError in one line naming the file and what is wrong.
    """
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            "{path}: cannot be read ({why}); train again or restore it", path=path, why=message_of(error)
        ) from None
    if found := wrong(arrays):
        raise ModelError("{path}: {why}; train again or restore it", path=path, why=found)
    return arrays
