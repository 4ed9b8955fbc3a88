"""Files of illsort's own."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from classifier.own_files import READ, make_own_folder, open_own, remove_own, replace_own, write_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    "use",
    [
        lambda path: open_own(path, READ),
        remove_own,
        lambda path: replace_own(path.with_name("other"), path),
        make_own_folder,
    ],
    ids=["open", "remove", "replace", "make"],
)
def test_an_error_names_the_whole_path(tmp_path: Path, use: Callable[[Path], object]) -> None:
    (tmp_path / ".illsort").mkdir()
    path = tmp_path / ".illsort" / "moves.jsonl"
    if use is make_own_folder:
        path.write_bytes(b"")
    with pytest.raises(OSError, match="moves") as raised:
        use(path)
    assert str(path) == raised.value.filename


def test_a_full_disk_is_named_with_the_file_that_it_has_no_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails while it is written has no name of the system's."""

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("classifier.own_files.flush_to_disk", refuse)
    with pytest.raises(OSError, match="pictures") as raised:
        write_own(tmp_path / "pictures.json", b"{}")

    assert (errno.ENOSPC, str(tmp_path / "pictures.json")) == (raised.value.errno, raised.value.filename)
    assert [] == [*tmp_path.iterdir()]
