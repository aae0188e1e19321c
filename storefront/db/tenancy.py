"""Tenant scoping: every statement on a tenant's table is limited to the rows of the current tenant, or raises.

A listener of the session adds the current tenant to every ORM statement on a tenant's table and raises `TenantNotSet`
when there is none. `tenant_scoped` does this for Core statements. `OwnedByTenant`, the base of the tenants' tables, is
here, so that no table can be defined without the listener."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
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
    insert,
    inspect,
    select,
)
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column, with_loader_criteria
from sqlalchemy.sql import operators, visitors

from storefront.db.base import db, table_of
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenant_context import TenantNotSet, current_tenant_id
from storefront.db.transactions import current_connection, write_connection


class CrossTenantWrite(RuntimeError):
    """A write to another tenant's row."""


class OwnedByTenant:
    """Rows of this table belong to one tenant and are invisible to the others."""

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), primary_key=True, sort_order=-10)


CURRENT_TENANT = bindparam("the_tenant", callable_=current_tenant_id, type_=String())
TENANT_CRITERIA = with_loader_criteria(
    OwnedByTenant, lambda model: model.tenant_id == CURRENT_TENANT, include_aliases=True, track_closure_variables=False
)
"""Built once: the tenant is read when a statement runs."""


@event.listens_for(db.session, "do_orm_execute")
def scope_orm_statement(query: ORMExecuteState) -> None:
    """Scope every ORM statement on tenants' tables to the current tenant. Raises where that isn't possible."""
    if query.is_relationship_load or query.is_column_load:
        return  # uses the keys of a row whose own statement was scoped
    if not query.is_orm_statement:
        raise TenantNotSet("the session runs ORM statements only, because others can't be scoped to a tenant")
    if query.is_insert:
        check_inserted_tenant(query)
        return
    if query.is_update and "tenant_id" in changed_columns(query):
        raise CrossTenantWrite("a row can't be moved to another tenant")
    query.statement = query.statement.options(TENANT_CRITERIA)


def check_inserted_tenant(query: ORMExecuteState) -> None:
    """Raise `CrossTenantWrite` unless every row inserted into a tenant's table has the current tenant's id."""
    model = query.bind_mapper.class_ if query.bind_mapper else None
    if model is None or not issubclass(model, OwnedByTenant):
        return
    tenant_id = current_tenant_id()
    if any(row.get("tenant_id") != tenant_id for row in parameter_rows(query)):
        raise CrossTenantWrite(f"rows of {model.__name__} for another tenant than {tenant_id!r}")


def changed_columns(query: ORMExecuteState) -> set[str]:
    """The columns that an UPDATE sets, in the statement and by its parameters."""
    return set_columns(query.statement).union(*parameter_rows(query))


def set_columns(statement: Any) -> set[str]:
    """The columns that an UPDATE sets in the statement. SQLAlchemy has no public name for them."""
    values = getattr(statement, "_values", None) or {}
    return {str(getattr(column, "key", column)) for column in values}


def parameter_rows(query: ORMExecuteState) -> list[Any]:
    given: Any = query.parameters or {}
    return given if isinstance(given, list) else [given]


@event.listens_for(db.session, "before_flush")
def scope_flushed_rows(session: Session, *_: object) -> None:
    """Set the current tenant on new rows. Raises `CrossTenantWrite` for a row of another tenant."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, OwnedByTenant):
            tenant_id = current_tenant_id()
            if row.tenant_id is None:
                row.tenant_id = tenant_id
            elif row.tenant_id != tenant_id:
                raise CrossTenantWrite(f"a row of {type(row).__name__} for another tenant than {tenant_id!r}")


# --- statements built once --------------------------------------------------------------------------------------------
#
# The ORM builds, scopes and looks up a statement at each call, which costs five times what SQLite takes to run it.
# Statements of a shopper's pages are therefore built and scoped once, and run on the context's connection.


S = TypeVar("S", bound="Select[Any] | Update | Delete")


def tenant_scoped(statement: S) -> S:
    """The Core statement, limited to the current tenant on each tenant's table that it reads or changes.

    A subquery must be scoped already. Raises `TenantNotSet` for one that isn't, and at run time without a tenant.
    """
    if isinstance(statement, Update) and "tenant_id" in set_columns(statement):
        raise CrossTenantWrite("a row can't be moved to another tenant")
    for table in tenant_tables(statement):
        statement = cast(S, statement.where(table.c.tenant_id == CURRENT_TENANT))
    for part in visitors.iterate(statement):
        if isinstance(part, Select) and any(not is_tenant_scoped(part, table) for table in tenant_tables(part)):
            raise TenantNotSet("a subquery on a tenant's table isn't scoped to the tenant")
    return cast(S, statement.execution_options(tenant_scoped=True))


def tenant_tables(statement: "Select[Any] | Update | Delete") -> list[FromClause]:
    """The tenants' tables, or aliases of them, that a statement names outside its subqueries."""
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
    """Whether the WHERE clause requires the current tenant on this table."""
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
    """Run a tenant-scoped statement, inside `write()` as a part of its transaction. Raises `TenantNotSet` for any
    other statement."""
    if not statement.get_execution_options().get("tenant_scoped"):
        raise TenantNotSet("only tenant-scoped statements are run")
    return current_connection().execute(statement, parameters)


def fetch_json(statement: Select[Any], parameters: Mapping[str, Any] | None = None) -> str:
    """The rows of a tenant-scoped SELECT of texts, integers and JSON, as one JSON text: an array of arrays.

    A cache of something made from these rows can use the text as its key. And SQLite's driver releases the GIL for each
    row that it fetches, so that other threads of a busy process interrupt as often; this is one row.
    """
    return str(execute(as_json_array(statement, engines().dialect), parameters).scalar_one())


@cache
def as_json_array(statement: Select[Any], dialect: Dialect) -> Select[Any]:
    rows = statement.subquery()  # limited, and so in its order
    return tenant_scoped(select(dialect.rows_as_json(rows)).select_from(rows))


def insert_rows(model: type[OwnedByTenant], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the current tenant, inside `write()`."""
    tenant_id = current_tenant_id()
    write_connection().execute(_insert_statement(cast(Any, model)), [{**row, "tenant_id": tenant_id} for row in rows])


@cache
def _insert_statement(model: Any) -> Any:
    return insert(table_of(model))


def insert_if_absent(model: type[OwnedByTenant], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the current tenant, inside `write()`; skip those whose primary key exists."""
    statement, tenant_id = _insert_if_absent_statement(cast(Any, model), engines().dialect), current_tenant_id()
    write_connection().execute(statement, [{**row, "tenant_id": tenant_id} for row in rows])


@cache
def _insert_if_absent_statement(model: Any, dialect: Dialect) -> Any:
    return dialect.insert(table_of(model)).on_conflict_do_nothing(index_elements=primary_key_columns(model))


def upsert(
    model: type[OwnedByTenant],
    row: Mapping[str, Any],
    change: Callable[[Any], Mapping[str, Any]],
    where: ColumnElement[bool] | None = None,
) -> int:
    """Update or insert ("upsert") a row of the current tenant, inside `write()`. When its primary key exists, set the
    columns that `change` returns, given the row to insert, if the existing row meets `where`. Returns how many rows
    were written."""
    statement = engines().dialect.insert(table_of(cast(Any, model))).values(**row, tenant_id=current_tenant_id())
    statement = statement.on_conflict_do_update(
        index_elements=primary_key_columns(model), set_=change(statement.excluded), where=where
    )
    return write_connection().execute(statement.execution_options(preserve_rowcount=True)).rowcount


def primary_key_columns(model: type[OwnedByTenant]) -> list[str]:
    return [column.name for column in cast(Table, inspect(model).local_table).primary_key]
