"""Secrets are redacted in all encodings, and ordinary words are not."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from storefront.config import Settings
from storefront.observability.redaction import REDACTED, Redactor, secrets_of

KEY = "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz"
ODD = 'p@ss/w"ö+rd&1'
SECRETS = {
    "OPENAI_API_KEY": KEY,
    "SECRET_KEY": "signing-key-0123456789-abcdefghij",
    "METRICS_TOKEN": "metrics-token-0123456789-abcdef",
}
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "after a word": lambda secret: f"Bearer {secret}.",
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a URL, lower case": lambda secret: re.sub("%..", lambda match: match[0].lower(), quote(secret, safe="")),
    "in a form": quote_plus,
    "in JSON": json.dumps,
    "in JSON without escapes": lambda secret: json.dumps(secret, ensure_ascii=False),
    "in JSON in JSON": lambda secret: json.dumps(json.dumps({"key": secret})),
    "Python repr in JSON": lambda secret: json.dumps(repr({"key": secret})),
    "in hex": lambda secret: secret.encode().hex(),
    "in base64": lambda secret: b64encode(secret.encode()).decode(),
    "in Basic authentication": lambda secret: b64encode(f"somebody:{secret}".encode()).decode(),
    "in Basic authentication with another name": lambda secret: urlsafe_b64encode(f"u:{secret}".encode()).decode(),
}


@pytest.mark.parametrize("secret", [KEY, ODD, "correct horse battery staple", "0123456789abcdef0123456789abcdef"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_secret_is_redacted_in_every_encoding(form: Callable[[str], str], secret: str) -> None:
    text = f"before {form(secret)} after"
    redacted = Redactor([secret]).redact(text)
    assert REDACTED in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")
    for part in (secret, form(secret).strip('"'), secret[:12]):
        assert part not in redacted


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: sk-proj-{'*' * 20}v8xYz. You can find your key",
        "Incorrect API key provided: sk-proj-Ab3***8xYz",
        "key sk-proj-Ab3d...8xYz is invalid",
        "key sk-proj-Ab3d… is invalid",
        json.dumps("key sk-proj-Ab3d… is invalid"),
        "key •••••v8xYz is invalid",
        f"an error that was cut off in the middle of {KEY[:20]}",
    ],
)
def test_masked_or_truncated_secret_is_redacted(text: str) -> None:
    redacted = Redactor([KEY]).redact(text)
    assert REDACTED in redacted
    for part in ("Ab3", "8xYz"):
        assert part not in redacted


@pytest.mark.parametrize("secret", ["shop", "a", "beans", "postgres", "storefront", "1234"])
def test_short_secret_is_redacted_only_in_the_place_of_a_password(secret: str) -> None:
    redactor = Redactor([secret])
    for text in (f"the {secret} is open", f"storefront.access {secret}s", f'{{"tenant": "{secret}", "status": 200}}'):
        assert redactor.redact(text) == text
    for text in (
        f"postgresql://user:{secret}@db:5432/name",
        f"password={secret}",
        f'{{"password": "{secret}"}}',
        json.dumps(json.dumps({"api_key": secret})),
        f"Authorization: Bearer {secret}",
    ):
        assert REDACTED in redactor.redact(text), text


def test_text_without_a_secret_is_unchanged() -> None:
    redactor = Redactor([KEY, "shop", ODD])
    for text in ("", "…", "**bold** and ...", "sk-", "a shop's log line", "x" * 5000, "*" * 5000, "é…" * 2000):
        assert redactor.redact(text) == text


def test_redacted_line_is_still_valid_json() -> None:
    secrets = [KEY, ODD, 'quote"quote"quote"quote"', "back\\slash\\back\\slash", "ü" * 20, "tab\tnew\nline"]
    redactor = Redactor(secrets)
    for secret in secrets:
        for cut in range(1, len(secret) + 1):
            line = json.dumps({"message": f"{secret[:cut]}", "again": json.dumps([secret]), "repr": repr(secret)})
            assert set(json.loads(redactor.redact(line))) == {"message", "again", "repr"}


def test_secrets_are_collected_from_all_settings() -> None:
    settings = Settings.from_environ(
        {
            **SECRETS,
            "DATABASE_URL": "postgresql://u:p%40ss-1@db/shop?sslpassword=certificate-1&sslkey=/etc/key",
            "OPENAI_BASE_URL": "https://me:proxy-pass-1@model.example/v1?api-key=in-the-query-1",
            "RATELIMIT_STORAGE_URI": "redis://:redis-pass-1@cache:6379/0",
        }
    )
    known = secrets_of(settings)
    assert {*SECRETS.values(), "p@ss-1", "p%40ss-1", "certificate-1", "proxy-pass-1"} <= known
    assert {"in-the-query-1", "redis-pass-1"} <= known
    assert not {"/etc/key", "u", "me", "https", ""} & known
    for secret in known:
        assert secret not in repr(settings)


def test_token_in_place_of_a_user_name_is_a_secret() -> None:
    settings = Settings.from_environ({"SECRET_KEY": KEY, "OPENAI_BASE_URL": "https://token-0123456@model.example/v1"})
    assert "token-0123456" in secrets_of(settings)
    unnamed = Settings.from_environ({"SECRET_KEY": KEY, "DATABASE_URL": "postgresql://storefront@db/shop"})
    assert secrets_of(unnamed) == {KEY}


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postmark://mail-token-1", "mail-token-1"),
        ("resend://mail-token-1@127.0.0.1:81", "mail-token-1"),
        ("smtp://user:mail%40pass-1@mail.example:587", "mail@pass-1"),
    ],
)
def test_token_or_password_of_mail_is_a_secret(url: str, secret: str) -> None:
    settings = Settings.from_environ({"SECRET_KEY": KEY, "MAIL_URL": url, "MAIL_FROM": "a@shop.example"})
    assert secret in secrets_of(settings)
    assert secret not in repr(settings)


@pytest.mark.parametrize(
    "shown", [KEY[:14], KEY[:-3], KEY[-14:], KEY[3:]], ids=["start", "without end", "end", "without start"]
)
def test_truncated_secret_is_redacted(shown: str) -> None:
    assert Redactor([KEY]).redact(f"Incorrect key: {shown} (401)") == f"Incorrect key: {REDACTED} (401)"
