"""Reads environment variables."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

MAKES_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))" makes one'


class ConfigError(ValueError):
    """A variable of the environment that the shop can't start with; the message is one sentence that names it."""


T = TypeVar("T")


class EnvReader:
    """Reads the variables of an environment. An error names the variable. An empty value counts as not set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def checked(self, name: str, default: str, check: Callable[[str], str]) -> str:
        value = self.text(name, default)
        try:
            return check(value) if value else value
        except ValueError as fault:
            raise ConfigError(f"{name} {fault}") from None

    def parsed(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        value = self.text(name, "")
        try:
            return parse(value) if value else default
        except ValueError as fault:
            raise ConfigError(f"{name} {fault}") from None

    def secret(self, name: str, min_length: int) -> str:
        """A secret of at least `min_length` characters; "" when the variable is not set."""
        return long_enough(self.text(name, ""), min_length, name)

    def secret_file(self, name: str, min_length: int) -> str:
        """The secret in the file that the variable names; "" when the variable is not set."""
        return long_enough(self.file(name), min_length, f"{name} {self.text(name, '')!r}")

    def file(self, name: str) -> str:
        """The content of the file that the variable names; "" when it is not set. An empty file is an error."""
        path = self.text(name, "")
        if not path:
            return ""
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as fault:
            raise ConfigError(f"{name} {path!r} can't be read: {fault}.") from None
        if not content:
            raise ConfigError(f"{name} {path!r} is empty.")
        return content

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            raise ConfigError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.") from None
        if not low <= number <= high:
            raise ConfigError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.")
        return number

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value in ("true", "1", "yes", "on"):
            return True
        if value in ("false", "0", "no", "off"):
            return False
        raise ConfigError(f"{name} must be true or false, not {value!r}.")


def long_enough(secret: str, min_length: int, where: str) -> str:
    """The secret, if nobody can guess it by trying; "" stands for none. Its text is not repeated."""
    if 0 < len(secret) < min_length:
        raise ConfigError(f"{where} must have at least {min_length} characters, not {len(secret)}; {MAKES_ONE}.")
    return secret
