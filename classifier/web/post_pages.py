"""The other pages of a post among what waits, by the names of their files in the crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.known_files import files_of, waiting_files
from classifier.labels.posts import post_of_name

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId


def waiting_pages(catalog: Catalog, image_id: ImageId) -> list[ImageId]:
    """The images that wait and are in a folder of the crawl another page of this one's post, in the order of pages."""
    found: dict[ImageId, None] = {}
    for path in files_of(catalog, image_id):
        if (post := post_of_name(path)) is None:
            continue
        pages = [
            (other, one) for other, one in waiting_files(catalog, path.with_name(post)) if post_of_name(other) == post
        ]
        pages.sort(key=lambda page: (len(page[0].name), page[0].name))  # _p2 before _p10
        found |= dict.fromkeys(one for _, one in pages)
    return [one for one in found if one != image_id]
