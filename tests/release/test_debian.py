"""The Debian package: what it says, what it holds, and what is installed works."""

import gzip
import re
from pathlib import Path

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
    assert {owner for _, owner in listed.values()} == {"root/root"}
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
    }
    for path, mode in expected.items():
        assert listed.get(path, listed.get(f"{path}.gz"))[0] == mode, path
    # Either folder is systemd's.
    assert {"lib/systemd/system/ipse.service", "usr/lib/systemd/system/ipse.service"} & set(listed)
    assert not [path for path, (mode, _) in listed.items() if "s" in mode or mode[8] == "w"]


def test_settings_are_the_administrators_own(installed: Path) -> None:
    assert (installed / "DEBIAN/conffiles").read_text().split() == ["/etc/ipse/ipse.toml"]


def test_nothing_starts_by_itself(installed: Path) -> None:
    script = (installed / "DEBIAN/postinst").read_text()
    assert "systemd-sysusers ipse.conf" in script and "#DEBHELPER#" not in script
    assert not re.search(r"deb-systemd-invoke (?:re)?start|deb-systemd-helper enable", script)
    output("sh", "-n", installed / "DEBIAN/postinst")


def test_what_is_installed_runs(installed: Path) -> None:
    program = installed / "usr/bin/ipse"
    assert output(program, "--version") == output(binary(), "--version")
    pages = installed / "usr/share/man/man1"
    assert "IPSE_DATABASE_URL" in gzip.decompress((pages / "ipse-config.1.gz").read_bytes()).decode().replace("\\", "")
    output("bash", "-n", installed / "usr/share/bash-completion/completions/ipse")
