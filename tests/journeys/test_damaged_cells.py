"""Any cell of a catalog is damaged: each command and the page work, or end in one line, and nobody's file changes."""

from __future__ import annotations

import io
import random
import shutil
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from classifier.catalog import spreadings
from classifier.catalog.chosen_pictures import record_source
from classifier.catalog.connection import open_catalog, read_catalog, reported_as_library_error
from classifier.catalog.copies import replace_groups
from classifier.catalog.migrations import migrate
from classifier.catalog.spreadings import Spreading
from classifier.cli.main import app
from classifier.errors import IllsortError
from classifier.filing.verify import verify
from classifier.labels.from_annotations import read_feedback
from classifier.labels.random_draw import read_draws
from classifier.records import ImageId
from classifier.web.app import Review
from classifier.web.security import PageSession, SecurityMiddleware
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain, varied
from kit.reviewing import OWN, PORT, TOKEN, blended, open_page, served
from kit.tree import all_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

DEEP = "[" * 100_000
BAD: list[Any] = [
    None,
    "x",
    "",
    "\uff11",
    b"\xff\xfe",
    b"",
    b"a\0b",
    -1,
    2**62,
    2**63 - 1,
    1.5,
    9e999,
    "{}",
    "[]",
    DEEP,
]
BAD += ["{", '{"sort": 5}', "9999-99-99", "\ud800", "0" * 64, "é" * 32, b"../x", b"/", "a\0b", b"n" * 5000]


class Spoiled:
    """A library that has rows in every table, its crawl and its model; each case begins with it as it was."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.crawl, self.library = folder / "x", folder / "x/crawl", folder / "x/sorted"
        self.model = color_bundle(folder / "x/model", labeled=True, evidence=30).folder
        self.sort = ["sort", self.crawl, "--out", self.library, "--model", self.model, "--workers", "0"]
        self.sort += ["--set", "sort.unknown=false", "--set", "sort.sidecars=true", "--set", "sort.duplicates=folder"]
        self.case: object = None
        _fill_crawl(self.crawl)
        self._fill_library()
        self.files = all_files(self.folder)
        shutil.copytree(self.folder, folder / "kept", symlinks=True)

    def _fill_library(self) -> None:
        ok = {0, 1}
        assert self.run(*self.sort, "--threshold", "0.99") in ok
        with served(self.library) as client:
            first, second, *_ = client.get("/api/queue").json()["pictures"]
            _say(client, first["picture"], "right", "red")
            client.post("/api/categories", json={"make": "violet"}).raise_for_status()
            _say(client, second["picture"], "right", "violet")
            client.post("/api/audit/begin", json={"count": 2}).raise_for_status()
            drawn = client.get("/api/audit").json()["audit"]["pictures"]
            one = {"picture": drawn[0]["picture"], "said": "right", "category": drawn[0]["category"]}
            client.post("/api/audit/say", json={"answers": [one]}).raise_for_status()
        with open_catalog(self.library) as catalog, catalog.transaction():
            copies = [ImageId(one["picture"]) for one in (first, second)]
            replace_groups(catalog, copies, [copies])
            spreadings.record(catalog, Spreading(state="earlier", logits=None), [], model="another")
            record_source(catalog, "s3://bucket/answers")
        filed = sorted((self.library / "red").glob("*.png"))
        filed[0].unlink()
        filed[1].rename(self.library / "green" / filed[1].name)
        assert self.run("status", self.library) in ok
        assert self.run(*self.sort, "--threshold", "0.6", "--restore-deleted", "--restart") in ok
        next((self.library / "blue").glob("*.png")).unlink()
        assert self.run("status", self.library) in ok
        assert self.run("export", self.library, "--txt") in ok
        (self.library / "green" / "mine.png").write_bytes(encoded(plain((1, 99, 1)), "PNG"))
        assert self.run("sync", self.library, "--leave") in ok

    @property
    def catalog(self) -> Path:
        """The SQLite file."""
        return self.library / ".illsort/catalogue.sqlite"

    def again(self) -> None:
        """Everything as it was."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("kept"), self.folder, symlinks=True)

    def run(self, *words: object) -> int:
        """Run one command in this process; a refusal is one line on stderr, and nobody's file has changed then.

        Only sort and undo may meet the damage midway: what they changed by then is in the journal, and nothing is lost.
        """
        before = all_files(self.folder)
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with (
            patch("sys.stdin", io.TextIOWrapper(io.BytesIO())),
            redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")),
            redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            app([str(word) for word in words])
        err.flush()
        told = [one for one in err.buffer.getvalue().decode().splitlines() if one.startswith("illsort: ")]  # type: ignore[attr-defined]
        code = int(ended.value.code or 0)
        assert code in {0, 1, 2}, (self.case, words)
        assert (code == 2) == (len(told) == 1), (self.case, words, told)
        if code == 2:
            after = all_files(self.folder)
            assert set(before.values()) <= set(after.values()) | _generated(before), (self.case, words, told)
            assert words[0] in {"sort", "undo"} or not differing(before, after), (self.case, words, told)
        return code

    def spoil(self, table: str, column: str, value: Any, *, row: int) -> bool:
        """Write `value` into one row of a column, as text that may be none; whether SQLite takes it there."""
        text = isinstance(value, str)
        kept = value.encode(errors="surrogatepass") if text else value
        with closing(sqlite3.connect(self.catalog)) as connection, connection:
            keys = [name for _, name, *_, key in connection.execute(f"PRAGMA table_info({table})") if key]
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            assert count, f"no row of {table} can be damaged here"
            query = f"SELECT {', '.join(keys or ['rowid'])} FROM {table} LIMIT 1 OFFSET ?"  # noqa: S608
            chosen = connection.execute(query, (row % count,))
            where = " AND ".join(f"{name} IS ?" for name in keys or ["rowid"])
            mark = "CAST(? AS TEXT)" if text else "?"
            try:
                connection.execute(f"UPDATE {table} SET {column} = {mark} WHERE {where}", (kept, *chosen.fetchone()))  # noqa: S608
            except (OverflowError, sqlite3.Error):
                return False
        return True

    def use(self) -> None:
        """Every command that reads or changes a library, and every route of its page."""
        for words in (
            ["status"],
            ["status", "--json"],
            ["report"],
            ["verify", "--quick"],
            ["verify", "--json"],
            ["audit", "--json"],
            ["duplicates", "--set", "runtime.workers=0"],
        ):
            self.run(words[0], self.library, *words[1:])
        for read in (read_feedback, read_draws):
            with suppress(IllsortError):
                read(self.library)
        self.use_page()
        self.run(*self.sort, "--dry-run")
        self.run(*self.sort)
        self.run(*self.sort, "--restart", "--threshold", "0.8")
        self.run("undo", self.library)
        self.run("undo", self.library, "--json")
        self.check()

    def use_page(self) -> None:
        """Each answer is given, or says in both languages why not."""
        review = Review(self.library)
        try:
            review.session.open()
        except IllsortError:
            return
        guarded = SecurityMiddleware(review.app, session=PageSession(TOKEN), host="127.0.0.1", port=PORT)
        with TestClient(guarded, base_url=OWN, headers={"Origin": OWN}) as client:
            open_page(client)
            for answer in self.answers(client):
                told = answer.json() if answer.status_code >= 400 and answer.content else {"error": "", "error_zh": "x"}
                assert told["error"] != told["error_zh"], told

    def answers(self, client: TestClient) -> Iterator[httpx.Response]:
        """Of every GET, and of one POST of each kind."""
        paths = ["state", "folders", "grids", "grid?category=red", "near", "audit", "doubts", "queue?order=path"]
        paths += ["queue?tray=unknown", "queue?order=newest", "queue?order=surety", "queue?order=learned"]
        yield from (client.get(f"/api/{path}") for path in paths)
        queue = client.get("/api/queue")
        rows = queue.json().get("pictures", [])
        for row in rows[:2]:
            yield client.get(f"/picture/{row['picture']}/small")
            yield client.get(f"/api/near/{row['picture']}")
            said = {"picture": row["picture"], "said": "right", "category": "red"}
            yield client.post("/api/say", json={"answers": [said]})
        posts: list[tuple[str, dict[str, Any]]] = [("back", {}), ("file", {}), ("file-learned", {})]
        posts += [("categories", {"rename": "red", "to": "scarlet"}), ("audit/begin", {"count": 2})]
        posts += [("audit/back", {}), ("audit/file", {"by_threshold": False})]
        yield from (client.post(f"/api/{path}", json=body) for path, body in posts)

    def check(self) -> None:
        """The crawl is as it was, and every content is still somewhere."""
        assert [] == [name for name in differing(self.files, all_files(self.folder)) if name.startswith("crawl/")]


def differing(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """The names of files that are not the same in both."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _generated(files: dict[str, bytes]) -> set[bytes]:
    """What illsort writes itself; files with tags hold the name of the folder and go when their pictures move."""
    return {
        content
        for name, content in files.items()
        if name.endswith((".csv", ".html")) or content == f"{Path(name).parent.name}\n".encode()
    }


def _fill_crawl(crawl: Path) -> None:
    crawl.mkdir(parents=True)
    for number in range(12):
        color = COLORS[("red", "green", "blue")[number % 3]]
        content = blended(number) if number > 7 else encoded(varied(color, seed=number), "PNG")
        (crawl / f"{number}.png").write_bytes(content)
        (crawl / f"{number}.txt").write_text(f"beside {number}")
    (crawl / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")


def _say(client: TestClient, picture: str, said: str, category: str) -> None:
    answer = {"picture": picture, "said": said, "category": category}
    client.post("/api/say", json={"answers": [answer]}).raise_for_status()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Spoiled:
    return Spoiled(tmp_path_factory.mktemp("cells"))


def cells() -> list[tuple[str, str]]:
    """Each column of each table that this version makes."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        rows = connection.execute(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c "
            "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        )
        return [(str(table), str(column)) for table, column in rows]


CASES = [(table, column, value) for table, column in cells() for value in BAD]
random.Random(1).shuffle(CASES)
SEEN: list[tuple[str, str, Any]] = [
    ("decisions", "reason_code", None),
    ("missing", "what", "[]"),
    ("predictions", "logits", b"n" * 5000),
    ("runs", "finished", b"\xff\xfe"),
]
SEEN_LATE: list[tuple[str, str, Any]] = [
    *(("copies", column, value) for column in ("picture", "first", "kept") for value in (b"x", "x", 5, None)),
    ("categories", "step", None),
    ("runs", "crawl", None),
    ("runs", "crawl", "\uff11"),
    ("categories", "became", ""),
]
"""What once failed; the number of a case chooses its row, so new ones come last."""
SCHEMAS = [
    "DROP TABLE files",
    "ALTER TABLE predictions DROP COLUMN novelty",
    "ALTER TABLE places RENAME TO kept; CREATE VIEW places AS SELECT * FROM kept",
    "CREATE TRIGGER forget AFTER INSERT ON verdicts BEGIN DELETE FROM verdicts; END",
    "INSERT INTO migrations VALUES ('m999_later', '')",
]


@pytest.mark.parametrize(
    "cases",
    [[*SEEN, *CASES[:4], *SEEN_LATE], pytest.param(CASES[4::8], marks=pytest.mark.slow)],
    ids=["some", "more"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # cursors that an error left open
def test_a_damaged_cell_is_survived_or_named_in_one_line(library: Spoiled, cases: list[tuple[str, str, Any]]) -> None:
    for number, (table, column, value) in enumerate(cases):
        library.again()
        if library.spoil(table, column, value, row=number):
            library.case = (table, column, ascii(value)[:40])
            library.use()


@pytest.mark.parametrize("statement", SCHEMAS)
def test_a_foreign_schema_is_refused_by_every_command(library: Spoiled, statement: str) -> None:
    library.again()
    with closing(sqlite3.connect(library.catalog)) as connection:
        connection.executescript(statement)
    commands = [[name, library.library] for name in ("status", "report", "verify", "audit", "undo")]
    assert [2] * 6 == [library.run(*words) for words in [*commands, library.sort]]
    with pytest.raises(IllsortError):
        Review(library.library).session.open()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("runs", "crawl", None),
        ("runs", "settings", '{"sort": 5}'),
        ("runs", "started", "9999-99-99"),
        ("runs", "summary", '{"pictures": "many"}'),
        ("categories", "step", 1.5),
        ("categories", "became", ""),
        ("audits", "threshold", "x"),
        ("audits", "until", 1.5),
        ("folders", "path", b"a\0b"),
    ],
)
def test_a_damaged_cell_of_a_small_table_is_named_before_anything_is_done(
    library: Spoiled, table: str, column: str, value: Any
) -> None:
    library.again()
    library.spoil(table, column, value, row=0)
    before = all_files(library.folder)
    commands = [[name, library.library] for name in ("status", "report", "verify", "audit", "undo")]

    assert [2] * 6 == [library.run(*words) for words in [*commands, library.sort]]
    assert [] == differing(before, all_files(library.folder))
    with pytest.raises(IllsortError, match=f"in the table {table}, {column} of row"):
        Review(library.library).session.open()


def test_verify_names_a_damaged_cell_and_a_catalog_put_aside_is_made_anew(library: Spoiled) -> None:
    library.again()
    library.spoil("predictions", "novelty", "x", row=0)
    named = [off.what for off in verify(library.library).off if "novelty" in off.what]
    library.catalog.rename(library.folder / "aside")
    again = library.run(*library.sort)
    library.check()

    assert 1 == len(named)
    assert "is 'x'" in named[0]
    assert 1 == again
    assert [] == verify(library.library).off


def test_our_own_bug_keeps_its_traceback_where_nothing_is_damaged(library: Spoiled) -> None:
    library.again()
    with pytest.raises(ZeroDivisionError), reported_as_library_error(library.library), read_catalog(library.library):
        raise ZeroDivisionError
    library.spoil("places", "inode", "x", row=0)
    with (
        pytest.raises(IllsortError, match="in the table places, inode of row"),
        reported_as_library_error(library.library),
    ):
        raise ZeroDivisionError
