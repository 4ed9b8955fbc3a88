"""A reason where a test asks for none, and catalogs from before reasons had codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.tables import WITH_REASONS
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    import sqlite3

ANY = Reason.of(ReasonCode.BELOW_THRESHOLD, threshold=0.9, top=[])


def earlier_sentence(reason: Reason) -> str:
    """The reason as earlier versions stored it: they spelled one word as in Britain."""
    return str(reason_message(reason)).replace("labeled", "labelled")


def with_sentences(connection: sqlite3.Connection) -> None:
    """Make of a catalog what an earlier version had: each reason, and each failure, as a sentence."""
    connection.create_function("sentence", 2, lambda code, params: earlier_sentence(Reason(ReasonCode(code), params)))
    for table in WITH_REASONS:
        connection.execute(
            f"UPDATE {table} SET reason_params = sentence(reason_code, reason_params) "  # noqa: S608
            "WHERE reason_code IS NOT NULL"
        )
        connection.execute(f"ALTER TABLE {table} DROP COLUMN reason_code")
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN reason_params TO reason")
    connection.create_function("failure", 1, lambda text: earlier_sentence(Reason.from_text(text)))
    connection.execute("UPDATE files SET failure_detail = failure(failure_detail) WHERE failure_detail IS NOT NULL")
    for later in (
        "DROP INDEX missing_by_path",
        "ALTER TABLE hand_moves DROP COLUMN settled",
        "DROP TABLE no_labels",
        "DROP TABLE tag_files",
        "ALTER TABLE audits DROP COLUMN until",
        "ALTER TABLE audits DROP COLUMN source",
        "ALTER TABLE audits DROP COLUMN asked",
        "DROP TABLE copies",
        "DROP TABLE spreadings",
        "DROP TABLE chosen_from",
        "DROP INDEX decisions_of_copies",
    ):
        connection.execute(later)
    connection.execute("DELETE FROM migrations WHERE name >= 'm016'")
