"""Every environment variable, valid and invalid; an invalid one prevents the start with a sentence that names it."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from storefront import create_app
from storefront.config import ROOT, ConfigError, Settings
from storefront.mail_settings import MailServer, MailService
from storefront.state import state_of
from tests.conftest import SECRET
from tests.ports import free_port
from tests.postgres import Postgres
from tests.servers import GUNICORN


def read(folder: Path, **environment: str) -> Settings:
    return Settings.from_environ({"DATA_DIR": str(folder), **environment})


def test_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.port == 8000
    assert settings.database_url == f"sqlite:///{tmp_path / 'storefront.db'}"
    assert settings.catalog.name == "catalog.json"
    assert settings.base_domain == "localhost"
    assert settings.upsell_enabled is False
    assert (settings.openai_api_key, settings.openai_base_url, settings.model_configured) == (None, None, False)
    assert settings.upsell_model
    assert (settings.upsell_timeout, settings.upsell_holdout) == (2.5, 0)
    assert settings.ratelimit_enabled is True
    assert settings.trusted_proxies == 0
    assert (settings.public_url, settings.metrics_token) == (None, None)
    assert settings.web_concurrency == min(os.cpu_count() or 1, 2)


def test_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    names = ("PORT", "DATABASE_URL", "SECRET_KEY", "CATALOG", "BASE_DOMAIN", "UPSELL_ENABLED", "OPENAI_BASE_URL")
    more = ("UPSELL_TIMEOUT", "UPSELL_HOLDOUT", "RATELIMIT_ENABLED", "TRUSTED_PROXIES", "PUBLIC_URL", "METRICS_TOKEN")
    assert read(tmp_path, **dict.fromkeys((*names, *more, "WEB_CONCURRENCY"), "")) == read(tmp_path)
    assert read(tmp_path, **dict.fromkeys((*names, *more), "  ")) == read(tmp_path)


VALID = [
    ("HOST", "0.0.0.0", "host", "0.0.0.0"),
    ("HOST", "[::1]", "host", "[::1]"),
    ("PORT", "1", "port", 1),
    ("PORT", "65535", "port", 65535),
    ("BASE_DOMAIN", "Example.COM", "base_domain", "example.com"),
    ("BASE_DOMAIN", "shops.my-host.example", "base_domain", "shops.my-host.example"),
    *(("UPSELL_ENABLED", word, "upsell_enabled", True) for word in ("true", "True", "1", "yes", "on")),
    *(("RATELIMIT_ENABLED", word, "ratelimit_enabled", False) for word in ("false", "FALSE", "0", "no", "off")),
    ("OPENAI_API_KEY", "sk-1", "openai_api_key", "sk-1"),
    ("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1/", "openai_base_url", "http://127.0.0.1:8080/v1"),
    ("UPSELL_MODEL", "tiny", "upsell_model", "tiny"),
    ("UPSELL_TIMEOUT", "0.5", "upsell_timeout", 0.5),
    ("UPSELL_TIMEOUT", "60", "upsell_timeout", 60.0),
    ("UPSELL_HOLDOUT", "0", "upsell_holdout", 0.0),
    ("UPSELL_HOLDOUT", "1", "upsell_holdout", 1.0),
    ("TRUSTED_PROXIES", "2", "trusted_proxies", 2),
    ("PUBLIC_URL", "https://shop.example/", "public_url", "https://shop.example"),
    ("METRICS_TOKEN", SECRET, "metrics_token", SECRET),
    ("MAIL_FROM", "Shop <orders@shop.example>", "mail_from", "Shop <orders@shop.example>"),
    ("MAIL_KEEP_DAYS", "30", "mail_keep_days", 30),
    ("RATELIMIT_STORAGE_URI", "redis://:p@cache:6379/1", "ratelimit_storage_uri", "redis://:p@cache:6379/1"),
    ("WEB_CONCURRENCY", "4", "web_concurrency", 4),
    ("CATALOG", "/srv/shops.json", "catalog", Path("/srv/shops.json")),
]


@pytest.mark.parametrize(("name", "value", "field", "parsed"), VALID)
def test_valid_value_is_parsed(tmp_path: Path, name: str, value: str, field: str, parsed: object) -> None:
    assert getattr(read(tmp_path, **{name: value}), field) == parsed


INVALID = {
    "HOST": ["0.0.0.0:80", "two words", "http://localhost", "999.0.0.1/8"],
    "PORT": ["0", "65536", "-1", "eighty", "8000.0", "8 000", "٨٠٠٠", "²"],
    "DATABASE_URL": ["mysql://root@db/shop", "shop.db", "postgresql", "redis://", "postgresql://u:p@host:port/db"],
    "BASE_DOMAIN": [
        "http://example.com",
        "example.com:80",
        "exa mple.com",
        "example..com",
        "a/b",
        "*.example.com",
        ".",
    ],
    "UPSELL_ENABLED": ["maybe", "2", "tru"],
    "OPENAI_BASE_URL": ["localhost:8080", "ftp://host/v1", "http://", "//host", "http://host:port/v1", "http://[::1"],
    "UPSELL_TIMEOUT": ["0", "-1", "61", "soon", "nan", "inf", "2,5"],
    "UPSELL_HOLDOUT": ["-0.1", "1.1", "10%", "nan"],
    "RATELIMIT_ENABLED": ["sometimes"],
    "TRUSTED_PROXIES": ["-1", "17", "one", "1.5", "true"],
    "RATELIMIT_STORAGE_URI": ["redis", "memcached://cache", "memory://x", "redis://cache:port", "localhost:6379"],
    "SECRET_KEY": ["x", "x" * 31],
    "METRICS_TOKEN": ["a", "a" * 23],
    "PUBLIC_URL": ["shop.example", "javascript:alert(1)", "https://"],
    "MAIL_URL": [
        "smtp.example.com:587",
        "http://user:secret@host",
        "smtp://",
        "smtp://user@host",
        "smtp://user:secret@host:port",
        "smtp://user:se/cret@host:587",
        "smtps://user:secret@host:465/path",
        "postmark://",
        "resend://short",
        "resend://token-with-enough-characters/path",
    ],
    "MAIL_FROM": ["Shop", "orders@localhost", "a@b@shop.example", "Shop <orders>", "a@shop.example\nBcc: b@x.example"],
    "MAIL_KEEP_DAYS": ["0", "many"],
    "STRIPE_SECRET_KEY": ["pk_test_1", "sk_", "sk_test_\u2026", "sk_test_1 2", "rk_test_1\n2", "sk_" + "x" * 255],
    "STRIPE_WEBHOOK_SECRET": ["secret", "whsec_", "whsec_1 2", "whsec_\u200b1"],
    "WEB_CONCURRENCY": ["0", "65", "many", "-2"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in INVALID.items() for value in values])
def test_invalid_value_is_refused_in_one_sentence_with_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, **{"SECRET_KEY": SECRET, name: value})
    message = str(refusal.value)
    assert message.startswith(f"{name} ")
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("url", INVALID["MAIL_URL"])
def test_invalid_mail_url_is_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, SECRET_KEY=SECRET, MAIL_URL=url)
    assert "secret" not in str(refusal.value)
    assert "token-with" not in str(refusal.value)


def test_mail_needs_a_sender(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^MAIL_FROM must be set with MAIL_URL"):
        read(tmp_path, MAIL_URL="postmark://token-0123456789")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://a%40b:p%2Fw@mail.example", MailServer(MailService.SMTP, "mail.example", 587, "a@b", "p/w")),
        ("smtps://a:pw:1@mail.example", MailServer(MailService.SMTPS, "mail.example", 465, "a", "pw:1")),
        ("smtp://localhost:25", MailServer(MailService.SMTP, "localhost", 25)),
        (
            "postmark://Token-0123",
            MailServer(MailService.POSTMARK, token="Token-0123", api_base="https://api.postmarkapp.com"),
        ),
        (
            "resend://re_0123456@127.0.0.1:81",
            MailServer(MailService.RESEND, token="re_0123456", api_base="http://127.0.0.1:81"),
        ),
    ],
)
def test_mail_url_is_parsed(tmp_path: Path, url: str, server: MailServer) -> None:
    settings = read(tmp_path, MAIL_URL=url, MAIL_FROM='"My Shop" <orders@shop.example>')
    assert settings.mail_server == server
    assert (settings.mail_sender.name, settings.mail_sender.address) == ("My Shop", "orders@shop.example")
    for secret in filter(None, (server.password, server.token)):
        assert secret not in repr(settings) + repr(settings.mail_server)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_postgresql_scheme_is_accepted(tmp_path: Path, scheme: str) -> None:
    settings = read(tmp_path, DATABASE_URL=f"{scheme}://u:p%40ss@db:5432/shop?sslmode=require", SECRET_KEY=SECRET)
    assert settings.database_url == "postgresql+psycopg://u:p%40ss@db:5432/shop?sslmode=require"
    assert not settings.on_sqlite


def test_sqlite_url_is_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/my.db", SECRET_KEY=SECRET).on_sqlite


def test_secret_key_is_created_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    first = read(folder)
    (file,) = (path for path in folder.iterdir() if path.is_file())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.secret_key == file.read_text().strip()
    assert len(first.secret_key) >= 32
    assert read(folder).secret_key == first.secret_key, "a second start created another key"
    assert read(tmp_path / "other").secret_key != first.secret_key


def test_configured_secret_key_is_used_and_no_file_written(tmp_path: Path) -> None:
    assert read(tmp_path, SECRET_KEY=SECRET).secret_key == SECRET
    assert list(tmp_path.iterdir()) == []


def test_secret_key_is_required_with_a_shared_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^SECRET_KEY .*DATABASE_URL"):
        read(tmp_path, DATABASE_URL="postgresql://db/shop")
    assert read(tmp_path, DATABASE_URL="postgresql://db/shop", SECRET_KEY=SECRET).secret_key == SECRET


def test_empty_secret_key_file_is_refused(tmp_path: Path) -> None:
    """A full disk or a killed start may leave one; sessions must not be signed with an empty key."""
    (tmp_path / "secret_key").touch()
    with pytest.raises(ConfigError, match=r"(?i)secret"):
        read(tmp_path)


def test_unusable_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="DATA_DIR"):
        read(tmp_path / "file")


@pytest.mark.parametrize("host", ["RENDER", "DYNO", "K_SERVICE"])
def test_host_with_an_ephemeral_disk_causes_a_warning(tmp_path: Path, host: str) -> None:
    environment = {host: "true"}
    (warning,) = read(tmp_path).warnings(environment)
    assert "DATABASE_URL" in warning
    assert str(tmp_path) in warning
    assert read(tmp_path).warnings({}) == []
    kept = read(tmp_path, DATABASE_URL="postgresql://db/shop", SECRET_KEY=SECRET)
    assert kept.warnings(environment) == []


def test_repr_of_settings_contains_no_secrets(tmp_path: Path) -> None:
    """Logs and tracebacks may contain the `repr`."""
    settings = read(tmp_path, SECRET_KEY="hush" * 8, OPENAI_API_KEY="sk-hush", METRICS_TOKEN="t-hush" * 4)
    assert "hush" not in repr(settings)
    secret = read(tmp_path, SECRET_KEY=SECRET, DATABASE_URL="postgresql://u:hush@db/shop")
    assert "hush" not in repr(secret)


def test_app_is_created_from_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BASE_DOMAIN", "example.com")
    assert state_of(create_app()).settings.base_domain == "example.com"
    monkeypatch.setenv("PORT", "none")
    with pytest.raises(ConfigError, match="PORT"):
        create_app()


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start the real server like `make run`; it is expected to fail."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    variables = {**clean, "DATA_DIR": str(folder), "SECRET_KEY": SECRET, **environment}
    return subprocess.run([GUNICORN], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)


UNUSED_PORT = str(free_port())
"""No server listens at it, because every start here fails."""
CATALOG = '{"tenants": [{"id": "north", "name": "N", "currency": "EUR", "products": [%s]}]}'
FAILED_STARTS = {
    "PORT": {"PORT": "eighty"},
    "PORT out of range": {"PORT": "70000"},
    "HOST": {"PORT": UNUSED_PORT, "HOST": "no.such.host.invalid"},
    "HOST of another machine": {"PORT": UNUSED_PORT, "HOST": "192.0.2.200"},
    "DATABASE_URL": {"PORT": UNUSED_PORT, "DATABASE_URL": "mysql://root@db/shop"},
    "SECRET_KEY": {"PORT": UNUSED_PORT, "DATABASE_URL": "postgresql://db/shop", "SECRET_KEY": ""},
    "DATABASE_URL without a server": {"PORT": UNUSED_PORT, "DATABASE_URL": "postgresql://u@127.0.0.1:9/shop"},
    "CATALOG": {"PORT": UNUSED_PORT, "CATALOG": "/nowhere/catalog.json"},
}


@pytest.mark.parametrize(("name", "environment"), FAILED_STARTS.items(), ids=FAILED_STARTS)
def test_failed_start_prints_one_sentence_with_the_setting(
    tmp_path: Path, name: str, environment: dict[str, str]
) -> None:
    assert_start_failed(start(tmp_path, **environment), name.partition(" ")[0])


def test_database_without_utf8_prevents_the_start(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create("of_bytes", encoding="SQL_ASCII")
    ended = start(tmp_path, PORT=UNUSED_PORT, DATABASE_URL=url, SECRET_KEY=SECRET)
    assert_start_failed(ended, "DATABASE_URL", "SQL_ASCII", "UTF8")
    postgres.drop(url)


def assert_start_failed(ended: subprocess.CompletedProcess[str], *texts: str) -> None:
    output = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "Traceback" not in output
    sentences = [line for line in output.splitlines() if "can't start" in line]
    assert len(sentences) == 1, output
    for text in texts:
        assert text in output


def test_failed_start_names_the_error_in_the_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "shops.json"
    file.write_text(CATALOG % '{"id": "mug", "name": "Mug", "price": "1.999", "stock": 1}')
    assert_start_failed(start(tmp_path, PORT=UNUSED_PORT, CATALOG=str(file)), "CATALOG", "'north'", "'mug'", "price")
    file.write_text("{")
    assert_start_failed(start(tmp_path, PORT=UNUSED_PORT, CATALOG=str(file)), "CATALOG", "JSON")


@pytest.mark.parametrize(("name", "min_length"), [("SECRET_KEY", 32), ("METRICS_TOKEN", 24)])
def test_too_short_secret_is_refused_with_a_command_to_create_one(tmp_path: Path, name: str, min_length: int) -> None:
    read(tmp_path, **{name: "x" * min_length})
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, **{name: "hush" + "x" * (min_length - 5)})
    message = str(refusal.value)
    assert f"at least {min_length} characters" in message
    assert "secrets.token_urlsafe(48)" in message, "the command is missing"
    assert "hush" not in message, "the secret is repeated"


def test_secret_in_a_file_has_the_same_minimum_length(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("x" * 31 + "\n")
    with pytest.raises(ConfigError, match=r"^SECRET_KEY_FILE .*at least 32 characters"):
        read(tmp_path, SECRET_KEY_FILE=str(file))
    file.write_text(SECRET + "\n")
    assert read(tmp_path, SECRET_KEY_FILE=str(file)).secret_key == SECRET


def test_truncated_secret_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("half")
    with pytest.raises(ConfigError, match=r"^DATA_DIR .*too short"):
        read(tmp_path)


def test_redis_without_its_client_names_the_package_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.config_values.find_spec", lambda _name: None)
    read(tmp_path, RATELIMIT_STORAGE_URI="memory://")
    with pytest.raises(ConfigError, match=r"^RATELIMIT_STORAGE_URI .*pip install -r requirements-redis\.txt"):
        read(tmp_path, RATELIMIT_STORAGE_URI="redis://cache:6379")


def test_repr_of_settings_contains_no_redis_password(tmp_path: Path) -> None:
    assert "hush" not in repr(read(tmp_path, RATELIMIT_STORAGE_URI="redis://:hush@cache:6379"))
