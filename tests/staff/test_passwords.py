"""Which passwords are allowed, and how they are hashed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from storefront.errors import DatabaseBusy
from storefront.staff import passwords
from storefront.staff.passwords import MAX_HASHES_AT_A_TIME, hash_password, hash_slot, is_password, password_error


@pytest.mark.parametrize("password", ["correct horse", "пароль довгий", "x1y2" * 32, "pässwörd-lang", "        ab c d"])
def test_a_password_of_10_to_128_characters_is_good(password: str) -> None:
    assert password_error(password) is None


@pytest.mark.parametrize(
    "password",
    [
        "",
        "nine char",
        "a" * 129,
        "aaaaaaaaaaaa",
        "1234567890",
        "PASSWORD123",
        "Qwertyuiop",
        "ada@north.example",
        "Ada Lovelace",
    ],
)
def test_a_password_that_can_be_guessed_is_not(password: str) -> None:
    assert password_error(password, "Ada@north.example", "Ada Lovelace")


def test_the_hash_is_argon2id_by_the_lower_setting_of_owasp() -> None:
    parameters = extract_parameters(hash_password("correct horse"))
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (Type.ID, 19 * 1024, 2)


def test_the_right_password_is_known_however_it_was_typed() -> None:
    known = hash_password("p\u00e4ssw\u00f6rd lang")
    assert is_password("pa\u0308sswo\u0308rd lang", known)
    assert not is_password("passwort lang", known)
    assert not is_password("anything", None)
    assert not is_password("anything", "no hash")


def test_few_hashes_are_computed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASH_TIMEOUT_SECONDS", 0.01)
    with hash_slot(), hash_slot():
        assert MAX_HASHES_AT_A_TIME == 2
        with ThreadPoolExecutor(1) as pool, pytest.raises(DatabaseBusy):
            pool.submit(hash_password, "correct horse").result()
    assert is_password("correct horse", hash_password("correct horse"))
