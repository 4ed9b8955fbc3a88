"""The ranking of the queue, in a database file of its own that may be deleted at any time.

Written whole, then renamed; read by attaching the newest file to an open catalog as the schema `outlook`.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from classifier.catalog.filesystem import make_state_folder, state_folder
from classifier.catalog.sqlite_file import CACHE_KIB, uri_of
from classifier.own_files import NEW, UPDATE, flush_to_disk, open_own, remove_own, replace_own
from classifier.paths import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId

FORMAT: Final = 1
CLUSTER_NAMES: Final = "cluster_names"
"""In `meta`, what the clusters of a sample may be called: a list of names by the number as text."""
_NAME: Final = re.compile(r"outlook-(\d{1,12})\.db")
# The position (`place`) is the rowid, which ends every index, so only one index repeats the long id.
_RANKS: Final = """
CREATE TABLE {schema}.ranks (
    place INTEGER PRIMARY KEY, picture TEXT, action TEXT, category TEXT, confidence REAL, look INTEGER, logits BLOB)
"""
_COLUMNS: Final = "place, picture, action, category, confidence, look, logits"
_META: Final = "CREATE TABLE {schema}.meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
_INDEXES: Final = (
    "CREATE UNIQUE INDEX {schema}.ranks_by_picture ON ranks (picture)",
    "CREATE INDEX {schema}.ranks_by_place ON ranks (action)",
    "CREATE INDEX {schema}.ranks_by_surety ON ranks (action, category, confidence)",
    "CREATE INDEX {schema}.ranks_alike_by_category ON ranks (action, category, look)",
    "CREATE INDEX {schema}.ranks_alike ON ranks (action, look)",
)


class Rank(NamedTuple):
    """The ranking of one image that waits; `action` is "review" or "unknown".

    `position` is unique: the order that saves most work. `cluster_id` numbers clusters of similar images. `category`
    is the best guess, empty if unknown, with its probability; `logits` as from `logits_as_bytes`, one for each of the
    ranking's categories, or None.
    """

    position: int
    image_id: str
    action: str
    category: str
    confidence: float
    cluster_id: int
    logits: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSnapshot:
    """The attached ranking: its number (0: none, and the schema has an empty table) and its `meta`."""

    number: int
    meta: Mapping[str, Any]
    newest: int = 0
    """The number of the newest file, which may be damaged."""

    @property
    def stats(self) -> dict[str, Any]:
        """What the ranking says of itself as a whole: `meta` without what it says of each cluster."""
        return {key: value for key, value in self.meta.items() if key != CLUSTER_NAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedClusters:
    """Position and cluster id of each image of a ranking, and what the clusters may be called, by number as text."""

    positions: dict[ImageId, tuple[int, int]]
    names: dict[str, list[str]]


def write(library: Path, ranks: Iterable[Rank | tuple[Any, ...]], *, meta: Mapping[str, Any]) -> int:
    """Write the newest ranking of a library, and remove the older ones; returns its number.

    `meta` has JSON values by name: at least "categories" (in the order of the logits) and "temperature". Ranks in the
    order of their positions are written fastest, and plain tuples faster than `Rank`. Raises OSError or sqlite3.Error
    when the disk refuses; then the previous ranking stays.
    """
    folder = make_state_folder(library)
    number = max(_numbers(folder), default=0) + 1
    path = folder / f"outlook-{number}.db"
    part = path.with_name(path.name + ".part")
    with suppress(FileNotFoundError):
        remove_own(part)
    open_own(part, NEW).close()
    with closing(_open_unjournaled(part)) as connection:
        _fill(connection, ranks, meta)
    with open_own(part, UPDATE) as file:
        flush_to_disk(file.fileno())
    replace_own(part, path)
    _remove_older(folder, number)
    return number


def attach_newest(catalog: Catalog, attached: RankingSnapshot | None = None) -> RankingSnapshot:
    """Attach the newest readable ranking as the schema `outlook`, or an empty one; outside of transactions.

    `attached` is what this returned before, None the first time. Damaged files, and those of another format, are
    skipped.
    """
    connection = catalog.connection
    folder = None if catalog.path is None else catalog.path.parent
    found = [] if folder is None else sorted(_numbers(folder), reverse=True)
    newest = found[0] if found else 0
    if attached is not None:
        if newest == attached.newest:
            return attached
        connection.execute("DETACH outlook")
    for number in found:
        meta = None if folder is None else _attach(connection, folder / f"outlook-{number}.db")
        if meta is not None:
            return RankingSnapshot(number=number, meta=meta, newest=newest)
    connection.execute("ATTACH ':memory:' AS outlook")
    for statement in (_RANKS, _META, *_INDEXES):
        connection.execute(statement.format(schema="outlook"))
    return RankingSnapshot(number=0, meta={}, newest=newest)


def has_been_written(library: Path) -> bool:
    """Whether there is any ranking of a library, damaged or not."""
    return next(_numbers(state_folder(library)), None) is not None


def cluster_names(snapshot: RankingSnapshot) -> dict[str, list[str]]:
    """What the clusters may be called, by their numbers as text; whatever else stands there is left out."""
    found = snapshot.meta.get(CLUSTER_NAMES)
    if not isinstance(found, dict):
        return {}
    return {
        number: [name for name in names if isinstance(name, str)]
        for number, names in found.items()
        if isinstance(names, list)
    }


def _open_unjournaled(path: Path) -> sqlite3.Connection:
    """Open a new file that is worthless until complete: no rollback journal, no waiting for the disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "threads = 2"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
    return connection


def _fill(connection: sqlite3.Connection, ranks: Iterable[Rank | tuple[Any, ...]], meta: Mapping[str, Any]) -> None:
    connection.execute("BEGIN")
    connection.execute(_RANKS.format(schema="main"))
    connection.execute(_META.format(schema="main"))
    connection.executemany("INSERT INTO ranks VALUES (?, ?, ?, ?, ?, ?, ?)", ranks)
    for index in _INDEXES:
        connection.execute(index.format(schema="main"))
    rows = [(key, to_json(value)) for key, value in meta.items()]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _attach(connection: sqlite3.Connection, path: Path) -> dict[str, Any] | None:
    """Attach one file; returns its meta, or None, with nothing attached, if it is not a ranking of this format."""
    try:
        connection.execute("ATTACH ? AS outlook", (uri_of(path.absolute(), mode="ro", immutable="1"),))
    except sqlite3.Error:
        return None
    try:
        (version,) = connection.execute("PRAGMA outlook.user_version").fetchone()
        meta = {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM outlook.meta")}
        connection.execute(f"SELECT {_COLUMNS} FROM outlook.ranks LIMIT 1").fetchall()  # noqa: S608
        if version == FORMAT and {"categories", "temperature"} <= meta.keys():
            return meta
    except (sqlite3.Error, ValueError):
        pass
    connection.execute("DETACH outlook")
    return None


def _numbers(folder: Path) -> Iterator[int]:
    found = (_NAME.fullmatch(path.name) for path in folder.glob("outlook-*.db"))
    return (int(name[1]) for name in found if name)


def _remove_older(folder: Path, number: int) -> None:
    """Remove older files. Windows refuses while one is being read; it is removed the next time."""
    for older in [one for one in _numbers(folder) if one < number]:
        with suppress(OSError):
            remove_own(folder / f"outlook-{older}.db", wait=False)


def read_clusters(catalog: Catalog) -> RankedClusters:
    """The clusters of the newest ranking, of a catalog to which none is attached yet."""
    snapshot = attach_newest(catalog)
    rows = catalog.connection.execute("SELECT picture, place, look FROM outlook.ranks")
    positions = {image_id: (position, cluster_id) for image_id, position, cluster_id in rows.fetchall()}
    return RankedClusters(positions=positions, names=cluster_names(snapshot))
