"""Tenant scoping: every statement sees only the rows of the current tenant, or raises.

The session's guard adds the current tenant to every ORM statement on a tenant's table and raises `TenantNotSet` when
there is none; `tenant_scoped` does the same for Core statements. `OwnedByTenant` is the base of all tenants' tables."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    JSON,
    Alias,
    BinaryExpression,
    BooleanClauseList,
    ColumnElement,
    CursorResult,
    Delete,
    ForeignKey,
    FromClause,
    Join,
    Select,
    String,
    Table,
    Update,
    bindparam,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column, with_loader_criteria
from sqlalchemy.sql import operators, visitors

from storefront.db.base import db, table_of
from storefront.db.engine import current_engine
from storefront.db.tenant_context import TenantNotSet, current_tenant_id
from storefront.db.transactions import current_connection, write_connection


class CrossTenantWrite(RuntimeError):
    """Something tried to write another tenant's row."""


class OwnedByTenant:
    """Rows of this table belong to one tenant and are invisible to the others."""

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), primary_key=True, sort_order=-10)


CURRENT_TENANT = bindparam("the_tenant", callable_=current_tenant_id, type_=String())
TENANT_CRITERIA = with_loader_criteria(
    OwnedByTenant, lambda model: model.tenant_id == CURRENT_TENANT, include_aliases=True, track_closure_variables=False
)
"""Made once: the tenant is asked for when a statement runs."""


@event.listens_for(db.session, "do_orm_execute")
def scope_orm_statement(query: ORMExecuteState) -> None:
    """Hold every ORM statement on tenants' tables to the current tenant; what can't be held to it raises."""
    if query.is_relationship_load or query.is_column_load:
        return  # goes by the keys of a row that was itself loaded under the guard
    if not query.is_orm_statement:
        raise TenantNotSet("the session runs ORM statements only, because others can't be held to a tenant")
    if query.is_insert:
        check_inserted_tenant(query)
        return
    if query.is_update and "tenant_id" in changed_columns(query):
        raise CrossTenantWrite("a row can't be moved to another tenant")
    query.statement = query.statement.options(TENANT_CRITERIA)


def check_inserted_tenant(query: ORMExecuteState) -> None:
    """Every row that is inserted into a tenant's table says the current tenant."""
    model = query.bind_mapper.class_ if query.bind_mapper else None
    if model is None or not issubclass(model, OwnedByTenant):
        return
    tenant_id = current_tenant_id()
    if any(row.get("tenant_id") != tenant_id for row in parameter_rows(query)):
        raise CrossTenantWrite(f"rows of {model.__name__} for another tenant than {tenant_id!r}")


def changed_columns(query: ORMExecuteState) -> set[str]:
    """What an UPDATE sets, by itself and by its parameters."""
    return set_columns(query.statement).union(*parameter_rows(query))


def set_columns(statement: Any) -> set[str]:
    """What an UPDATE sets by itself; SQLAlchemy has no public name for it."""
    values = getattr(statement, "_values", None) or {}
    return {str(getattr(column, "key", column)) for column in values}


def parameter_rows(query: ORMExecuteState) -> list[Any]:
    given: Any = query.parameters or {}
    return given if isinstance(given, list) else [given]


@event.listens_for(db.session, "before_flush")
def scope_flushed_rows(session: Session, *_: object) -> None:
    """New rows get the current tenant; a row of another one is refused."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, OwnedByTenant):
            tenant_id = current_tenant_id()
            if row.tenant_id is None:
                row.tenant_id = tenant_id
            elif row.tenant_id != tenant_id:
                raise CrossTenantWrite(f"a row of {type(row).__name__} for another tenant than {tenant_id!r}")


# --- statements built once --------------------------------------------------------------------------------------------
#
# The ORM builds, guards and caches a statement at each call, which costs five times what SQLite takes to run it. What
# runs at every visit is therefore built once, held to the tenant when it is built, and run on the session's connection.


S = TypeVar("S", bound="Select[Any] | Update | Delete")


def tenant_scoped(statement: S) -> S:
    """The Core statement, held to the current tenant on each tenant's table that it reads or changes.

    A subquery must have been held before. Raises `TenantNotSet` here for one that wasn't, and at run time without a
    tenant.
    """
    if isinstance(statement, Update) and "tenant_id" in set_columns(statement):
        raise CrossTenantWrite("a row can't be moved to another tenant")
    for table in tenant_tables(statement):
        statement = cast(S, statement.where(table.c.tenant_id == CURRENT_TENANT))
    for part in visitors.iterate(statement):
        if isinstance(part, Select) and any(not is_tenant_scoped(part, table) for table in tenant_tables(part)):
            raise TenantNotSet("a subquery on a tenant's table isn't held to the tenant")
    return cast(S, statement.execution_options(tenant_scoped=True))


def tenant_tables(statement: "Select[Any] | Update | Delete") -> list[FromClause]:
    """The tenants' tables, or aliases of such, that a statement names by itself and not in a subquery."""
    sources = list(statement.get_final_froms()) if isinstance(statement, Select) else [statement.table]
    tables: list[FromClause] = []
    while sources:
        source = sources.pop()
        if isinstance(source, Join):
            sources += [source.left, source.right]
        elif isinstance(source, Table | Alias) and "tenant_id" in source.c:
            tables.append(source)
    return tables


def is_tenant_scoped(statement: Select[Any], table: FromClause) -> bool:
    """Whether one of the conditions that must all hold is the tenant's."""
    clause = statement.whereclause
    together = isinstance(clause, BooleanClauseList) and clause.operator is operators.and_
    return any(
        isinstance(part, BinaryExpression)
        and part.operator is operators.eq
        and part.left is table.c.tenant_id
        and part.right is CURRENT_TENANT
        for part in (clause.get_children() if clause is not None and together else [clause])
    )


def execute(
    statement: Any, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[*tuple[Any, ...]]:
    """Run a `held` statement; raises `TenantNotSet` for any other. It is part of the transaction inside `write()`."""
    if not statement.get_execution_options().get("tenant_scoped"):
        raise TenantNotSet("only statements that are held to the tenant are run")
    return current_connection().execute(statement, parameters)


def fetch_json(statement: Select[Any], parameters: Mapping[str, Any] | None = None) -> str:
    """The rows of a `held` SELECT of texts, whole numbers and JSON, said by the database: an array of arrays in JSON.

    Who remembers something made of these rows compares one text. And SQLite's driver lets go of the interpreter's lock
    for each row that it fetches, so that in a busy process other threads take it as often; this is one row.
    """
    return str(execute(as_json_array(statement, current_engine().dialect.name == "sqlite"), parameters).scalar_one())


@cache
def as_json_array(statement: Select[Any], on_sqlite: bool) -> Select[Any]:
    rows = statement.subquery()  # limited, and so in its order
    if on_sqlite:
        values = (func.json(column) if isinstance(column.type, JSON) else column for column in rows.c)
        text = func.json_group_array(func.json_array(*values), type_=String())
    else:
        text = func.coalesce(cast_to(func.json_agg(func.json_build_array(*rows.c)), String()), "[]")
    return tenant_scoped(select(text).select_from(rows))


def insert_rows(model: type[OwnedByTenant], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the current tenant, inside `write()`."""
    tenant_id = current_tenant_id()
    write_connection().execute(_insert_statement(cast(Any, model)), [{**row, "tenant_id": tenant_id} for row in rows])


@cache
def _insert_statement(model: Any) -> Any:
    return insert(table_of(model))


def insert_if_absent(model: type[OwnedByTenant], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the current tenant, inside `write()`; where one of its key is there, do nothing."""
    on_sqlite, tenant_id = current_engine().dialect.name == "sqlite", current_tenant_id()
    statement = _insert_if_absent_statement(cast(Any, model), on_sqlite)
    write_connection().execute(statement, [{**row, "tenant_id": tenant_id} for row in rows])


@cache
def _insert_if_absent_statement(model: Any, on_sqlite: bool) -> Any:
    return (
        (sqlite if on_sqlite else postgresql)
        .insert(model)
        .on_conflict_do_nothing(index_elements=primary_key_columns(model))
    )


def upsert(
    model: type[OwnedByTenant],
    row: Mapping[str, Any],
    change: Callable[[Any], Mapping[str, Any]],
    where: ColumnElement[bool] | None = None,
) -> int:
    """Insert a row of the current tenant, inside `write()`. When one of its key is there, `change` it (given the row
    that was to be inserted) if it meets `where`. Returns how many rows were written."""
    dialect = sqlite if current_engine().dialect.name == "sqlite" else postgresql
    adding = dialect.insert(model).values(**row, tenant_id=current_tenant_id())
    adding = adding.on_conflict_do_update(
        index_elements=primary_key_columns(model), set_=change(adding.excluded), where=where
    )
    return write_connection().execute(adding.execution_options(preserve_rowcount=True)).rowcount


def primary_key_columns(model: type[OwnedByTenant]) -> list[str]:
    return [column.name for column in cast(Table, inspect(model).local_table).primary_key]
