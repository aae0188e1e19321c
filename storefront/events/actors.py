"""Actors: who makes a change (a shopper, a person of the staff, an API key, a command, or the shop itself)."""

from enum import StrEnum
from typing import NamedTuple

import click
from flask import g, has_request_context


class ActorType(StrEnum):
    SHOPPER = "shopper"
    PERSON = "person"
    KEY = "key"
    COMMAND = "command"
    SYSTEM = "system"


class Actor(NamedTuple):
    """`id` and `name` are those of a person or a key; a command has a name only."""

    type: ActorType
    id: str | None = None
    name: str | None = None

    @property
    def person_id(self) -> str | None:
        """The id if a person acts, else None."""
        return self.id if self.type == ActorType.PERSON else None


SHOPPER, SYSTEM = Actor(ActorType.SHOPPER), Actor(ActorType.SYSTEM)


def set_actor(actor: Actor) -> None:
    """Have the rest of this request act as this person or key."""
    g.actor = actor


def current_actor() -> Actor:
    """Who acts in this context. A request that nobody signed in to is a shopper's."""
    if has_request_context():
        found: Actor = g.get("actor", SHOPPER)
        return found
    command = click.get_current_context(silent=True)
    return SYSTEM if command is None else Actor(ActorType.COMMAND, None, command.command_path)
