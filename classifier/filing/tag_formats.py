"""Files with tags beside an image, as other programs read them: how they are named and what stands in them. Pure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

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
    """What stands in it."""
    match kind:
        case TagFormat.XMP:
            return _xmp(category)
        case TagFormat.TXT:
            return f"{category}\n".encode()
        case TagFormat.CAPTION:  # a comma within a name would make two tags of it
            return ", ".join(" ".join(part.replace(",", " ").split()) for part in category.split("/")).encode()


def _xmp(category: str) -> bytes:
    for prefix, uri in _SPACES.items():
        ET.register_namespace(prefix, uri)
    meta = ET.Element(f"{{{_SPACES['x']}}}xmpmeta")
    about = ET.SubElement(ET.SubElement(meta, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    one_level = category.replace("|", "-")  # which would begin another level
    for space, name, kind, text in (
        ("dc", "subject", "Bag", category),
        ("lr", "hierarchicalSubject", "Bag", f"illsort|{one_level}"),
        ("digiKam", "TagsList", "Seq", f"illsort/{category}"),
    ):
        items = ET.SubElement(ET.SubElement(about, f"{{{_SPACES[space]}}}{name}"), f"{{{_RDF}}}{kind}")
        ET.SubElement(items, f"{{{_RDF}}}li").text = text
    ET.indent(meta, " ")
    return bytes(ET.tostring(meta, encoding="utf-8", xml_declaration=True)) + b"\n"
