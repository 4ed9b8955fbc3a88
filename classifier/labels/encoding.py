"""The text of a CSV file as spreadsheets save it: UTF-8 with or without a byte order mark, or GBK.

Excel on Chinese Windows saves "CSV" in GBK, and only "CSV UTF-8" in UTF-8.
"""

from __future__ import annotations

from typing import Final

_GBK: Final = "gb18030"  # GBK and what was added to it
_COMMON: Final = "gb2312"


def decode_csv(content: bytes) -> tuple[str, bool]:
    """The text, and whether it was GBK; raises UnicodeDecodeError where it is neither."""
    try:
        return content.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        text = _as_gbk(content)
        if text is None:
            raise
        return text, True


def _as_gbk(content: bytes) -> str | None:
    """The text if it is likely GBK: nearly any bytes are, but in other encodings they rarely make common characters."""
    try:
        text = content.decode(_GBK)
    except UnicodeDecodeError:
        return None
    others = [character for character in text if not character.isascii()]
    common = sum(bool(character.encode(_COMMON, errors="ignore")) for character in others)
    return text if 2 * common > len(others) else None
