"""The secrets of one page: the token that opens it once, and the keys that each later request carries.

No cookie holds any of them: browsers send cookies to every server of a host, whatever its port.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

KEY_HEADER = "x-illsort-key"
"""The request header that carries a page's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What an opened page keeps: `page` goes into a header of each request, `pictures` into a picture's address.

    An <img> element sends no header of the page's own. Whoever has `pictures` alone can see a picture whose id they
    know, and nothing else.
    """

    page: str
    pictures: str


class PageSession:
    """What opens one page, and the keys that it is given then; all are new with each start.

    With a `chosen` token, that one opens the page any number of times, from several machines, and the keys follow from
    it: a page that is open goes on after a restart. Any other token is good once.
    """

    def __init__(self, chosen: str | None = None) -> None:
        self._chosen = chosen
        self._unused: set[str] = set()
        secret = secrets.token_urlsafe(32) if chosen is None else chosen
        self.keys = Keys(page=_derived(secret, "page"), pictures=_derived(secret, "pictures"))

    def new_token(self) -> str:
        """A token that opens the page: the chosen one, else one that is good once."""
        if self._chosen is not None:
            return self._chosen
        self._unused.add(token := secrets.token_urlsafe(32))
        return token

    def spend(self, token: str) -> Keys | None:
        """The keys, if `token` opens the page; it does not open it again."""
        if self._chosen is not None:
            return self.keys if _equal(token, self._chosen) else None
        good = next((one for one in self._unused if _equal(one, token)), None)
        self._unused.discard(good or "")
        return None if good is None else self.keys

    def is_page(self, key: str) -> bool:
        """Whether a request with this key in its header comes from an opened page."""
        return _equal(key, self.keys.page)

    def shows_pictures(self, key: str) -> bool:
        """Whether a picture's address with this key comes from an opened page."""
        return _equal(key, self.keys.pictures)


def _derived(secret: str, purpose: str) -> str:
    return hashlib.sha256(f"illsort {purpose} {secret}".encode()).hexdigest()


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
