"""Whoever builds the same commit gets the same package, byte for byte."""

import hashlib
import os
import shutil
from pathlib import Path

from commands import extract, output

from support.contract import ROOT

CARGO_HOME = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


def checkout(folder: Path) -> Path:
    """The files under version control, as they are."""
    for name in output("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_place_and_another_builder_make_the_same_package(package: Path, moment: str, tmp_path: Path) -> None:
    folder, home = checkout(tmp_path / "somewhere/else"), tmp_path / "cargo"
    shutil.copytree(CARGO_HOME, home, ignore=shutil.ignore_patterns("registry", "git", "bin", "advisory-dbs*"))
    (home / "registry").symlink_to(CARGO_HOME / "registry")
    builder = {"CARGO_HOME": str(home), "LC_ALL": "C", "TZ": "Asia/Kolkata"}
    printed = output("deploy/debian/build", cwd=folder, umask=0o077, SOURCE_DATE_EPOCH=moment, **builder)
    other = folder / printed.strip().splitlines()[-1]
    assert hashes(extract(other, tmp_path / "other")) == hashes(extract(package, tmp_path / "one"))
    assert other.read_bytes() == package.read_bytes()
