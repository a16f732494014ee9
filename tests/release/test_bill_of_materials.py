"""The bill of materials that the package brings: what it lists is what the binary is made of."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from commands import output
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL

from support.contract import ROOT

IPSE = "ipse"
Crate = tuple[str, str]


@pytest.fixture(scope="module")
def text(installed: Path) -> str:
    return (installed / "usr/share/doc/ipse/ipse.cdx.json").read_text()


@pytest.fixture(scope="module")
def components(text: str) -> dict[Crate, dict]:
    listed = json.loads(text)["components"]
    by_crate = {(one["name"], one["version"]): one for one in listed}
    assert len(by_crate) == len(listed)
    return by_crate


def crates(*edges: str) -> set[Crate]:
    """What Cargo builds for this machine along such edges, without the service itself."""
    tree = output("cargo", "tree", "--locked", "--edges", ",".join(edges), "--prefix", "none", "--format", "{p}")
    found = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    return {(name, version.removeprefix("v")) for name, version in found if name != IPSE}


def test_it_is_well_formed(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None


def test_it_is_of_this_release(text: str, moment: str) -> None:
    about = json.loads(text)["metadata"]
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
    assert (about["component"]["name"], about["component"]["version"]) == (IPSE, version)
    assert about["timestamp"].startswith(output("date", "--utc", f"--date=@{moment}", "+%Y-%m-%dT%H:%M:%S").strip())


def test_it_lists_every_crate_of_the_binary_and_no_other(components: dict[Crate, dict]) -> None:
    built = crates("normal")
    assert set(components) == built
    others = crates("normal", "build", "dev") - built
    assert {"proptest", "rcgen", "protox"} <= {name for name, _ in others}


def test_each_crate_says_where_it_comes_from_and_under_which_licence(components: dict[Crate, dict]) -> None:
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in locked}
    licensing = get_spdx_licensing()
    for (name, version), component in components.items():
        assert PackageURL.from_string(component["purl"]) == PackageURL("cargo", name=name, version=version)
        assert component["hashes"] == [{"alg": "SHA-256", "content": checksums[name, version]}], name
        [licence] = component["licenses"]
        assert licensing.validate(licence["expression"]).errors == [], name


def test_no_code_of_other_crates_is_in_the_binary(installed: Path, components: dict[Crate, dict]) -> None:
    """Messages of panics name the sources of what is really there."""
    program = (installed / "usr/bin/ipse").read_bytes()
    found = set(re.findall(rb"/registry/src/[^/]+/([\w-]+?)-(\d+\.\d+\.\d+[\w.+-]*)/", program))
    named = {(name.decode(), version.decode()) for name, version in found}
    assert len(named) > 50
    assert named <= set(components)
