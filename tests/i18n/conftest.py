"""One database is enough for words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Prepared


@pytest.fixture
def database_url(prepared: Prepared, tmp_path: Path) -> Iterator[str]:
    yield prepared.sqlite(tmp_path)
