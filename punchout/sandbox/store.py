"""The sandbox's state: one sqlite file, a connection per use, no memory between requests."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_SCHEMA = Path(__file__).with_name("schema.sql")
_BUSY_SECONDS = 10.0


class Store:
    """Gives out connections. Safe to share between threads: it holds nothing but the path."""

    def __init__(self, path: Path) -> None:
        """Create the file and its tables where they do not exist."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA.read_text(encoding="utf-8"))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for reading: every statement sees the last commit."""
        with closing(self._connect()) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one transaction that holds the write lock from its start."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        # A test supplier may lose its last second when the machine dies; speed matters more.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def reset(connection: sqlite3.Connection, *, keep: frozenset[str] = frozenset()) -> None:
    """Empty every table but those named in `keep`."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for row in tables:
        if row["name"] not in keep:
            connection.execute(f"DELETE FROM {row['name']}")  # names come from our own schema
