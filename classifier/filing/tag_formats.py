"""Files with tags beside an image, as other programs read them: how they are named and what stands in them. Pure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from classifier.category_names import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SPACES: Final = {
    "x": "adobe:ns:meta/",
    "rdf": _RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
}


class TagFormat(StrEnum):
    """XMP: `x.jpg.xmp`, keywords. TXT: `x.jpg.txt`, a tag a line (hydrus). CAPTION: `x.txt`, tags by commas (kohya).

    Images of one name and folder share a caption: filed in one folder, they are of one category.
    """

    XMP = "xmp"
    TXT = "txt"
    CAPTION = "caption"


def tag_file(image: Path, kind: TagFormat) -> Path:
    """The file of that kind beside `image`."""
    if kind is TagFormat.CAPTION:
        return image.with_name(f"{image.stem}.txt")
    return image.with_name(f"{image.name}.{kind.value}")


def tag_content(category: str, kind: TagFormat) -> bytes:
    """What stands in it; each level of a nested category is a tag."""
    levels = category.split(SEPARATOR)
    match kind:
        case TagFormat.XMP:
            return _xmp(levels)
        case TagFormat.TXT:
            return "".join(f"{level}\n" for level in levels).encode()
        case TagFormat.CAPTION:  # a comma within a name would make two tags of it
            return ", ".join(" ".join(part.replace(",", " ").split()) for part in levels).encode()


def _xmp(levels: Sequence[str]) -> bytes:
    for prefix, uri in _SPACES.items():
        ET.register_namespace(prefix, uri)
    meta = ET.Element(f"{{{_SPACES['x']}}}xmpmeta")
    about = ET.SubElement(ET.SubElement(meta, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    safe = [level.replace("|", "-") for level in levels]  # which would begin another level
    for space, name, kind, texts in (
        ("dc", "subject", "Bag", levels),
        ("lr", "hierarchicalSubject", "Bag", ["|".join(["illsort", *safe])]),
        ("digiKam", "TagsList", "Seq", ["/".join(["illsort", *levels])]),
    ):
        items = ET.SubElement(ET.SubElement(about, f"{{{_SPACES[space]}}}{name}"), f"{{{_RDF}}}{kind}")
        for text in texts:
            ET.SubElement(items, f"{{{_RDF}}}li").text = text
    ET.indent(meta, " ")
    return bytes(ET.tostring(meta, encoding="utf-8", xml_declaration=True)) + b"\n"
