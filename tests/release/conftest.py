"""The Debian package, made once for all tests of the release."""

from pathlib import Path

import pytest
from commands import extract, output

from support.contract import ROOT


@pytest.fixture(scope="session")
def moment() -> str:
    """The time of the release, as reproducible builds take it."""
    return output("git", "log", "-1", "--format=%ct").strip()


@pytest.fixture(scope="session")
def package(moment: str) -> Path:
    printed = output("deploy/debian/build", SOURCE_DATE_EPOCH=moment)
    return ROOT / printed.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return extract(package, tmp_path_factory.mktemp("root"))
