"""Compiled URL rules, shared by all apps of this process: compiling them takes longer than most tests."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

BuildUrl = Callable[..., tuple[str, str]]


def share_compiled_rules() -> None:
    """Compile the function that builds a rule's URL once. It depends on nothing but the rule: it gets the app's
    converters when it is called."""
    compile_builder = Rule._compile_builder
    compiled: dict[tuple[Any, ...], BuildUrl] = {}

    def shared(rule: Rule, append_unknown: bool = True) -> BuildUrl:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = shared  # type: ignore[method-assign, assignment]  # werkzeug has no setting for it
