"""Fixtures of the i18n tests, on one database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Prepared


@pytest.fixture
def database_url(prepared: Prepared, tmp_path: Path) -> Iterator[str]:
    yield prepared.sqlite(tmp_path)
