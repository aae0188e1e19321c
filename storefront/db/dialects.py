"""What SQLite and PostgreSQL do differently, in two classes with the same methods. No other module tests for one."""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from flask import g, has_app_context
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    String,
    and_,
    column,
    event,
    func,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite

from storefront.db.tenant_context import SET_TENANT
from storefront.db.timeouts import timeouts
from storefront.timings import Timings

if TYPE_CHECKING:
    from storefront.db.engine import Engines


class Sqlite:
    """Allows one writer at a time: see `write_queue`."""

    PRAGMAS = (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "recursive_triggers=ON",  # else INSERT OR REPLACE deletes rows without the triggers that protect events
        "cache_size=-512",  # kB: the system caches the file too; the default is 2 MB a connection
    )
    insert = staticmethod(sqlite.insert)
    SEARCH_INDEX = table("product_search", column("rowid"), column("product_search"))

    def engine_options(self, timings: Timings) -> dict[str, Any]:
        return {
            "pool_size": 16,
            "pool_use_lifo": True,  # the connection used last has most pages and statements cached
            "pool_timeout": timings.pool_timeout,
            "hide_parameters": True,  # they hold shoppers' names and addresses, and errors are logged
            "connect_args": {"timeout": timings.request_timeouts.lock, "check_same_thread": False},
        }

    def set_up(self, engines: "Engines") -> None:
        """Set the pragmas of each engine's connections, and have writes take the write lock as they begin."""
        set_pragmas(engines.read, "NORMAL")
        for engine, synchronous in ((engines.write, "NORMAL"), (engines.durable_write, "FULL")):
            set_pragmas(engine, synchronous)
            event.listen(engine, "begin", begin_immediate)

    def set_busy_timeout(self, connection: Connection, seconds: float) -> None:
        """Set how long SQLite waits for its write lock, which a process outside the queue of writers may hold."""
        driver = connection.connection.driver_connection  # below what begins a transaction
        cast(sqlite3.Connection, driver).execute(f"PRAGMA busy_timeout={seconds * 1000:.0f}")

    def lock_among_machines(self, connection: Connection, key: int) -> None:
        """Nothing to do: the file belongs to one machine, whose writers queue anyway."""

    def rows_as_json(self, rows: FromClause) -> ColumnElement[str]:
        """An array of arrays, as a text."""
        values = (func.json(value) if isinstance(value.type, JSON) else value for value in rows.c)
        return func.json_group_array(func.json_array(*values), type_=String())

    def search_query(self, tenant_id: str, terms: Sequence[str]) -> str:
        """The full-text query for all of these words, the last as a prefix. The tenant is a column of the index too, so
        that other shops' matches aren't visited."""
        wanted = " AND ".join(f'"{term}"' for term in terms) + "*"
        return f'{{tenant_id}} : "{tenant_id}" AND {{search_text}} : ({wanted})'

    def matches_search(
        self, position: ColumnElement[int], query: ColumnElement[str], limit: int | None
    ) -> ColumnElement[bool]:
        """Whether the query finds the product at this position; with a `limit`, among the first matches only."""
        found = select(self.SEARCH_INDEX.c.rowid).where(self.SEARCH_INDEX.c.product_search.match(query))
        return position.in_(found.limit(limit) if limit else found)

    def matches_words(
        self, position: ColumnElement[int], tenant_id: str, terms: Sequence[str], limit: int | None = None
    ) -> ColumnElement[bool]:
        """Whether the product at this position has all terms, the last one by its beginning."""
        return self.matches_search(position, literal(self.search_query(tenant_id, terms)), limit)

    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        """The text as it is sorted character by character, which is the same on both databases."""
        return text


def set_pragmas(engine: Engine, synchronous: str) -> None:
    """Set the pragmas of new connections. `synchronous` decides whether a commit waits for the disk."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions by itself
        for pragma in (*Sqlite.PRAGMAS, f"synchronous={synchronous}"):
            connection.execute(f"PRAGMA {pragma}")


def begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Postgresql:
    """Has row-level security, and allows many writers."""

    insert = staticmethod(postgresql.insert)
    KEEPALIVE = {
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,  # milliseconds; the others are seconds
    }
    """They end the wait for a server that vanished, or whose network did. No other timeout would."""
    SET_TIMEOUTS = (
        "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true), "
        "set_config('idle_in_transaction_session_timeout', %s, true)"
    )
    ADVISORY_LOCK = (
        "SELECT set_config('lock_timeout', '0', true), pg_advisory_xact_lock(%s), set_config('lock_timeout', %s, true)"
    )
    SEARCH_COLUMN: ColumnElement[Any] = literal_column("product.search")
    SEARCH_WORD = table("product_search_word", column("tenant_id"), column("word"), column("position"))
    MAX_WORD_LENGTH, MAX_JOINED_WORDS = 100, 4
    """Of a longer search, the first words count, and the last: PostgreSQL takes longer to plan the order of sixteen
    than to read them."""

    def engine_options(self, timings: Timings) -> dict[str, Any]:
        return {
            "hide_parameters": True,  # they hold shoppers' names and addresses, and errors are logged
            "pool_size": 8,
            "max_overflow": 8,
            "pool_timeout": timings.pool_timeout,
            "pool_pre_ping": True,
            "pool_recycle": 300,
            "connect_args": {
                "connect_timeout": 5,
                **self.KEEPALIVE,
                "application_name": "storefront",
                "client_encoding": "utf8",  # else a SQL_ASCII database returns bytes
                "prepare_threshold": None,  # a pooler in transaction mode gives the next statement to another session
            },
        }

    def set_up(self, engines: "Engines") -> None:
        event.listen(engines.read, "begin", self.on_begin)

    def on_begin(self, connection: Connection) -> None:
        """Set the timeouts of the transaction that begins and the tenant, if any, of the row-level policies: in one
        statement, because each takes a round trip. The settings are local to the transaction, so that a pooler may give
        the next one another session."""
        limits = timeouts()
        values = [f"{seconds * 1000:.0f}" for seconds in (limits.lock, limits.statement, limits.idle)]
        tenant_id = g.get("tenant_id") if has_app_context() else None
        if tenant_id is None:
            connection.exec_driver_sql(self.SET_TIMEOUTS, tuple(values))
        else:
            connection.exec_driver_sql(f"{self.SET_TIMEOUTS}, {SET_TENANT}", (*values, tenant_id))

    def set_busy_timeout(self, connection: Connection, seconds: float) -> None:
        """Nothing to do: `on_begin` sets the lock timeout."""

    def lock_among_machines(self, connection: Connection, key: int) -> None:
        """Take this advisory lock until the transaction ends. Waits without limit: its holder may take minutes."""
        connection.exec_driver_sql(self.ADVISORY_LOCK, (key, f"{timeouts().lock * 1000:.0f}"))

    def rows_as_json(self, rows: FromClause) -> ColumnElement[str]:
        return func.coalesce(sql_cast(func.json_agg(func.json_build_array(*rows.c)), String()), "[]")

    def search_query(self, tenant_id: str, terms: Sequence[str]) -> str:
        return " & ".join(f"'{term}'" for term in terms) + ":*"

    def matches_search(
        self, position: ColumnElement[int], query: ColumnElement[str], limit: int | None
    ) -> ColumnElement[bool]:
        return self.SEARCH_COLUMN.op("@@", is_comparison=True)(func.to_tsquery(literal_column("'simple'"), query))

    def matches_words(
        self, position: ColumnElement[int], tenant_id: str, terms: Sequence[str], limit: int | None = None
    ) -> ColumnElement[bool]:
        """Whether the product at this position has all terms, the last one by its beginning. An ordinary index of words
        finds them, because row-level security keeps PostgreSQL from using the full-text index: its operators aren't
        leakproof."""
        words, word = self.SEARCH_WORD, self.SEARCH_WORD.c.word
        *others, last = (term[: self.MAX_WORD_LENGTH] for term in terms)
        conditions = [*(word == other for other in others[: self.MAX_JOINED_WORDS])]
        conditions.append((word >= last) & (word < last + "\U0010ffff"))
        with_each = (select(words.c.position).where(words.c.tenant_id == tenant_id, each) for each in conditions)
        return and_(*(position.in_(found) for found in with_each))

    def by_code_point(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return text.collate("C")


Dialect = Sqlite | Postgresql
SQLITE, POSTGRESQL = Sqlite(), Postgresql()
