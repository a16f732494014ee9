"""The Debian package: what it says, what it holds, and what is installed works."""

import gzip
import os
import re
from pathlib import Path

import pytest
from commands import output

from support.contract import ROOT
from support.server import binary


def test_it_says_what_it_is(package: Path) -> None:
    fields = dict(re.findall(r"^ ?([\w-]+): (.*)$", output("dpkg-deb", "--info", package), re.MULTILINE))
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert (fields["Package"], fields["Version"]) == ("ipse", f"{version}-1")
    assert "libc6" in fields["Depends"] and "systemd" in fields["Depends"]


def test_it_holds_what_is_installed_by_the_rights_that_it_needs(package: Path) -> None:
    listed = {}
    for line in output("dpkg-deb", "--contents", package).splitlines():
        mode, owner, *_, path = line.split()
        listed[path.removeprefix("./")] = (mode, owner)
    assert {owner for _, owner in listed.values()} == {"0/0"}
    expected = {
        "usr/bin/ipse": "-rwxr-xr-x",
        "etc/ipse/ipse.toml": "-rw-r-----",
        "usr/lib/sysusers.d/ipse.conf": "-rw-r--r--",
        "usr/lib/tmpfiles.d/ipse.conf": "-rw-r--r--",
        "usr/share/man/man1/ipse.1.gz": "-rw-r--r--",
        "usr/share/man/man1/ipse-backup.1.gz": "-rw-r--r--",
        "usr/share/bash-completion/completions/ipse": "-rw-r--r--",
        "usr/share/fish/vendor_completions.d/ipse.fish": "-rw-r--r--",
        "usr/share/zsh/vendor-completions/_ipse": "-rw-r--r--",
        "usr/share/doc/ipse/copyright": "-rw-r--r--",
        "usr/share/doc/ipse/ipse.cdx.json": "-rw-r--r--",
        "usr/share/doc/ipse/operations.md": "-rw-r--r--",
        "usr/share/doc/ipse/monitoring/alerts.yaml": "-rw-r--r--",
        "usr/share/doc/ipse/CHANGELOG.md": "-rw-r--r--",
    }
    for path, mode in expected.items():
        assert listed.get(path, listed.get(f"{path}.gz"))[0] == mode, path
    # Either folder is systemd's.
    assert {"lib/systemd/system/ipse.service", "usr/lib/systemd/system/ipse.service"} & set(listed)
    assert not [path for path, (mode, _) in listed.items() if "s" in mode or mode[8] == "w"]


def test_settings_are_the_administrators_own(installed: Path) -> None:
    assert (installed / "DEBIAN/conffiles").read_text().split() == ["/etc/ipse/ipse.toml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can install packages")
def test_dpkg_installs_upgrades_and_purges_it(package: Path, tmp_path: Path) -> None:
    """On a machine that has nothing else: what is there belongs to whom it should, and nothing is started or enabled."""
    dpkg = [*machine(tmp_path), "--force-script-chrootless", "--force-depends"]
    output(*dpkg, "--install", package)
    [user] = re.findall(r"^ipse:x:(\d+):", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)
    [group] = re.findall(r"^ipse:x:(\d+):", (tmp_path / "etc/group").read_text(), re.MULTILINE)
    settings, data = tmp_path / "etc/ipse/ipse.toml", tmp_path / "var/lib/ipse"
    owners = {settings.parent: ("750", "0", group), settings: ("640", "0", group), data: ("700", user, group)}
    for path, expected in owners.items():
        found = path.stat()
        assert (f"{found.st_mode & 0o7777:o}", str(found.st_uid), str(found.st_gid)) == expected, path
    assert not list((tmp_path / "etc/systemd").rglob("*.wants/ipse.service"))

    settings.write_text("# mine\n")
    (data / "ipse.db").write_text("data")
    output(*dpkg, "--install", package)
    assert settings.read_text() == "# mine\n"
    output(*dpkg, "--purge", "ipse")
    assert not settings.exists() and not (tmp_path / "usr/bin/ipse").exists()
    assert (data / "ipse.db").exists()


def machine(root: Path) -> list[str]:
    """dpkg, with a database of packages that is empty."""
    database = root / "var/lib/dpkg"
    for name in ("info", "updates"):
        (database / name).mkdir(parents=True)
    for name in ("status", "available"):
        (database / name).touch()
    return ["dpkg", f"--root={root}"]


def test_no_script_starts_the_service(installed: Path) -> None:
    for script in (installed / "DEBIAN").glob("p*"):
        assert "#DEBHELPER#" not in script.read_text()
        assert not re.search(r"(?:systemctl|deb-systemd-invoke) .*(?:start|enable)\b", script.read_text())
        output("sh", "-n", script)


def test_what_is_installed_runs(installed: Path) -> None:
    program = installed / "usr/bin/ipse"
    assert output(program, "--version") == output(binary(), "--version")
    pages = installed / "usr/share/man/man1"
    assert "IPSE_DATABASE_URL" in gzip.decompress((pages / "ipse-config.1.gz").read_bytes()).decode().replace("\\", "")
    output("bash", "-n", installed / "usr/share/bash-completion/completions/ipse")
