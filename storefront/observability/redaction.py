"""Redacts secrets in everything that is logged, stored from a provider's response, or printed by a command.

A secret is the value of a setting that `Settings` excludes from its representation; of a URL it is the password. It is
also found when encoded for URLs, JSON, Python, HTML, hex or base64, truncated at its beginning or end, and with its
middle masked, as in `sk-abc***wxyz`.
"""

import html
import json
import logging
import re
import sys
import threading
import traceback
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import fields
from types import TracebackType
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from flask.logging import default_handler

from storefront.config import Settings

REDACTED = "[redacted]"
MIN_LENGTH, MIN_LENGTH_OF_ONE_KIND = 6, 16
"""Minimum characters of a secret that is redacted everywhere: with several kinds of characters (letters and digits), or
with one kind, such as "storefront". A shorter one may be an ordinary word and is redacted only in a password's
place."""
KEPT_LENGTH = 12
"""Number of first or last characters that identify a longer secret."""
MIN_VISIBLE = 4
"""Minimum visible characters beside a mask for which a masked secret is redacted."""
CREDENTIALS = re.compile(r"://([^:/@?#]*)(?::([^@]*))?@")
BEFORE_CREDENTIAL = (
    r"(?P<before>://[^:/@\s]*:|(?i:passw(?:or)?d|pwd|secret|token|key|bearer)[\"'\\]*\s?[:= ]\s?[\"'\\]*)"
)
CREDENTIAL_SIGNS = ("://", "assw", "ASSW", "pwd", "PWD", "ecret", "ECRET", "oken", "OKEN", "ey", "EY", "earer", "EARER")
"""Every text in which `BEFORE_CREDENTIAL` matches has one of these; used as a fast check."""
SECRET_PARAMETER = re.compile(r"pass|secret|token|key|sig", re.IGNORECASE)
TOKEN_SCHEMES = ("postmark://", "resend://")
"""URLs (of MAIL_URL) that have a token where others have their host."""
MASKED = re.compile(r"(?<![\w-])([\w-]{0,200})(?:\*{2,}|\.{2,}|(?:[•●…]|\\u20(?:22|26)|\\u25cf)+)([\w-]{0,200})")
MASKS = ("**", "..", "•", "●", "…", "\\u2022", "\\u2026", "\\u25cf")
log = logging.getLogger("storefront")


class Redactor:
    """Redacts the given secrets. Most texts have none, so texts are first searched for the secrets' beginnings."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if secret})
        self.clear = [secret for secret in known if is_unmistakable(secret)]
        words = [secret for secret in known if not is_unmistakable(secret)]
        forms = sorted({form for secret in self.clear for form in forms_of(secret)}, key=len, reverse=True)
        patterns = [re.escape(form) for form in forms]
        patterns += [rf"{form[:KEPT_LENGTH]}[\w-]*" for form in forms if may_be_cut(form)]
        ends = {secret[-KEPT_LENGTH:] for secret in self.clear if may_be_cut(secret[::-1])}
        patterns += [rf"[\w-]*{end}" for end in ends]
        self.beginnings = {form[:KEPT_LENGTH] if may_be_cut(form) else form for form in forms} | ends
        self.pattern = re.compile("|".join(patterns))
        self.words = words
        self.in_place = re.compile(f"{BEFORE_CREDENTIAL}(?:{'|'.join(map(re.escape, words))})(?![\\w-])")

    def redact(self, text: str) -> str:
        if holds(text, self.beginnings):
            text = self.pattern.sub(REDACTED, text)
        if self.words and holds(text, self.words) and holds(text, CREDENTIAL_SIGNS):
            text = self.in_place.sub(lambda found: found["before"] + REDACTED, text)
        return MASKED.sub(self._redact_masked, text) if holds(text, MASKS) else text

    def _redact_masked(self, found: re.Match[str]) -> str:
        head, tail = found.groups()
        visible = len(head) + len(tail) >= MIN_VISIBLE
        ours = visible and any(is_part(secret, head, tail) for secret in self.clear)
        return REDACTED if ours else found[0]


def holds(text: str, parts: Iterable[str]) -> bool:
    for part in parts:  # noqa: SIM110 - any() takes twice as long, and this is done for each line of the log
        if part in text:
            return True
    return False


def is_unmistakable(secret: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
    mixed = sum(any(map(kind, secret)) for kind in kinds) > 1
    return len(secret) >= (MIN_LENGTH if mixed else MIN_LENGTH_OF_ONE_KIND)


def is_part(secret: str, head: str, tail: str) -> bool:
    """Whether `head` and `tail` of a masked text are the beginning or the end of the secret."""
    return (len(head) > 2 and secret.startswith(head)) or (len(tail) > 2 and secret.endswith(tail))


def may_be_cut(form: str) -> bool:
    """Whether the first `KEPT_LENGTH` characters identify the form. Other characters may be part of an escape
    sequence."""
    return len(form) >= KEPT_LENGTH + 4 and re.fullmatch(r"[\w-]+", form[:KEPT_LENGTH], re.ASCII) is not None


def forms_of(secret: str) -> set[str]:
    """Return the encodings of the secret, each also as escaped in JSON."""
    in_hex = secret.encode().hex()
    forms = {secret, repr(secret)[1:-1], html.escape(secret), in_hex, in_hex.upper(), *in_base64(secret)}
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        forms |= {encoded, re.sub(r"%..", lambda found: found[0].lower(), encoded)}
    for ascii_only in (True, False):
        forms |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in [*forms]}
    return forms


def in_base64(secret: str) -> Iterator[str]:
    """Yield the part of the secret's base64 that doesn't depend on what is before and after it (such as a user
    name)."""
    data = secret.encode()
    for before, unsure in ((0, 0), (1, 2), (2, 3)):
        coded = b64encode(bytes(before) + data).decode()[unsure : (before + len(data)) * 8 // 6]
        if len(coded) >= MIN_LENGTH:
            yield coded
            yield coded.replace("+", "-").replace("/", "_")


def secrets_of(settings: Settings) -> set[str]:
    values = (getattr(settings, field.name) for field in fields(settings) if not field.repr)
    return {secret for value in values if value for secret in secrets_in(str(value))}


def secrets_in(value: str) -> Iterator[str]:
    """Yield the secrets in a setting's value: the value itself, or the secret parts of a URL."""
    if "://" not in value:
        yield value
        return
    if value.startswith(TOKEN_SCHEMES):
        yield value.partition("://")[2].partition("@")[0]
        return
    if found := CREDENTIALS.search(value):
        user, password = found.groups()
        if password or value.startswith("http"):  # a user name alone is a token in the URL of a web service
            yield from {password or user, unquote(password or user)}
            yield b64encode(unquote(f"{user}:{password or ''}").encode()).decode()
    for name, parameter in parse_qsl(value.partition("?")[2]):
        if SECRET_PARAMETER.search(name) and not parameter.startswith("/"):  # but not the path of a certificate's key
            yield parameter


# --- the secrets of this process -------------------------------------------------------------------------------------

_secrets: set[str] = set()
_redactor = Redactor(())


def redact(text: str) -> str:
    """Return the text with all secrets of this process redacted."""
    return _redactor.redact(text)


class PlainFormatter(logging.Formatter):
    """Formats log records where logging isn't configured, as in commands."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def keep_secret(settings: Settings) -> None:
    """Register the settings' secrets, so that they are redacted in logs, tracebacks and by `redact`."""
    global _redactor  # noqa: PLW0603 - logging and tracebacks are global to the process
    found = secrets_of(settings)
    if not found <= _secrets:
        _secrets.update(found)
        _redactor = Redactor(_secrets)
    for handler in (logging.lastResort, default_handler):
        if handler is not None and handler.formatter is None:
            handler.setFormatter(PlainFormatter())
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = print_traceback
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = log_traceback


def print_traceback(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redact("".join(traceback.format_exception(kind, fault, trace))))


def log_traceback(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        name = failed.thread.name if failed.thread else "?"
        log.error("thread %s failed", name, exc_info=failed.exc_value)
