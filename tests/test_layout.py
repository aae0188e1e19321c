"""Tests stand where the code stands that they test."""

from pathlib import Path

from storefront.config import ROOT

ACROSS_PACKAGES = {"browser", "migrations"}
"""Folders of tests that belong to a single package."""
TESTED_WITH_ANOTHER = {"upsell/recommender/evaluation"}
"""Packages whose tests are in the folder above."""


def folders_with(pattern: str, top: Path) -> set[str]:
    found = {path.parent.relative_to(top).as_posix() for path in top.rglob(pattern)}
    return {folder for folder in found if folder != "."}


def test_the_folders_of_tests_are_the_packages_of_the_shop() -> None:
    tests, packages = folders_with("test_*.py", ROOT / "tests"), folders_with("*.py", ROOT / "storefront")
    assert tests - ACROSS_PACKAGES == packages - TESTED_WITH_ANOTHER


def test_no_exception_is_left_over() -> None:
    assert folders_with("test_*.py", ROOT / "tests") >= ACROSS_PACKAGES
    assert folders_with("*.py", ROOT / "storefront") >= TESTED_WITH_ANOTHER
