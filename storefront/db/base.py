"""The declarative base, the session and `db`, the Flask-SQLAlchemy extension."""

from typing import TYPE_CHECKING, Any, cast

from flask import g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from sqlalchemy import Connection, Engine, MetaData, Table
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class TransactionBoundSession(BoundSession):
    """Inside `write()`, a session of that transaction."""

    def get_bind(self, *asked: Any, **more: Any) -> Engine | Connection:
        writing: Connection | None = g.get("writer")
        return super().get_bind(*asked, **more) if writing is None else writing


db = SQLAlchemy(model_class=Base, session_options={"class_": TransactionBoundSession, "expire_on_commit": False})
if TYPE_CHECKING:

    class Model(Base):
        """The base of the tables' classes. Flask-SQLAlchemy creates it at run time."""

        __abstract__ = True

else:
    Model = db.Model


def table_of(model: type[Model]) -> Table:
    """The Core table behind a model."""
    return cast(Table, model.__table__)
