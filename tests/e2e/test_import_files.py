"""The files that operators really have: how they are encoded, packed, laid out and handed over."""

import gzip
import json
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import people
from support.client import Client
from support.server import Server, binary, environment

ROWS = [{"user": {"email": f"{name}@example.org", "emailVerified": True, "displayName": "Zoë"}} for name in "abc"]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
ARRAY = json.dumps(ROWS, ensure_ascii=False)
PRETTY = json.dumps(ROWS, ensure_ascii=False, indent=2)
PRETTY_OBJECTS = "\n".join(json.dumps(row, ensure_ascii=False, indent=2) for row in ROWS)
TABLE = "email,email_verified,display_name\r\n" + "".join(f"{name}@example.org,TRUE,Zoë\r\n" for name in "abc")
SEMICOLONS = TABLE.replace(",", ";")
TABS = TABLE.replace(",", "\t")

# What programs make of the same three people.
READ = {
    "lines.ndjson": LINES.encode(),
    "a byte order mark.ndjson": LINES.encode("utf-8-sig"),
    "UTF-16 with a mark.ndjson": LINES.encode("utf-16"),
    "UTF-16LE.jsonl": LINES.encode("utf-16-le"),
    "UTF-16BE.ndjson": LINES.encode("utf-16-be"),
    "CRLF.ndjson": LINES.replace("\n", "\r\n").encode(),
    "empty lines.ndjson": LINES.replace("\n", "\n\n").encode(),
    "joined files with marks.ndjson": b"".join(line.encode("utf-8-sig") for line in LINES.splitlines(keepends=True)),
    "an array in a line.json": ARRAY.encode(),
    "a pretty array.ndjson": PRETTY.encode(),
    "a pretty array in UTF-16.json": PRETTY.encode("utf-16"),
    "pretty objects, as of jq.ndjson": PRETTY_OBJECTS.encode(),
    "packed.ndjson.gz": gzip.compress(LINES.encode()),
    "packed, under another name.ndjson": gzip.compress(PRETTY.encode()),
    "packed in parts.csv.gz": gzip.compress(TABLE[:40].encode()) + gzip.compress(TABLE[40:].encode()),
    "Excel, CSV UTF-8.csv": TABLE.encode("utf-8-sig"),
    "European Excel, CSV UTF-8.csv": SEMICOLONS.replace("TRUE", "WAHR").encode("utf-8-sig"),
    "French Excel.csv": SEMICOLONS.replace("TRUE", "VRAI").encode("utf-8-sig"),
    "Excel, Unicode text.csv": TABS.encode("utf-16"),
    "Excel with its delimiter.csv": ("sep=;\r\n" + SEMICOLONS).encode(),
    "Excel for an old Mac.csv": TABLE.replace("\r\n", "\r").encode(),
    "Excel with emptied cells.csv": (SEMICOLONS.replace("\r\n", ";;\r\n") + ";;;;\r\n").encode("utf-8-sig"),
    "LibreOffice, texts quoted.csv": TABLE.replace("Zoë", '"Zoë"').replace("TRUE", "true").replace("\r", "").encode(),
    "Google Sheets.csv": TABLE.removesuffix("\r\n").encode(),
}

# Nothing of these is imported, although most have a row that could be.
REFUSED = {
    "Latin-1.csv": (TABLE.encode("latin-1"), "is not UTF-8 at line 2: save it in UTF-8"),
    "one broken line.ndjson": (LINES.encode().replace(b"Zo\xc3\xab", b"Zo\xeb", 1), "is not UTF-8 at line 1"),
    "half a surrogate.ndjson": (LINES.encode("utf-16-le") + b"\x00\xd8", "is not UTF-16LE at line 4"),
    "UTF-32.ndjson": (LINES.encode("utf-32"), "is text in UTF-32: save it in UTF-8"),
    "a workbook.csv": (b"PK\x03\x04" + TABLE.encode(), "is a workbook of a spreadsheet"),
    "zstd.ndjson": (b"\x28\xb5\x2f\xfd" + LINES.encode(), "is packed by zstd: unpack it first"),
    "half of a packed file.ndjson.gz": (gzip.compress(LINES.encode() * 20)[:-30], "incomplete or damaged"),
    "an array that breaks off.json": (PRETTY.encode()[:-4], "line 16, which holds the beginning of a value"),
    "an array with two ends.json": (ARRAY.encode() + b"]", "line 1, which continues after what should be its end"),
    "a list without its bracket.json": (ARRAY.encode()[:-1], "line 1, which ends before its list of people does"),
    "a page.ndjson": (b"<!doctype html>\n" + TABLE.encode(), "holds no JSON"),
    "a quote that stays open.csv": (TABLE.replace("Zoë", '"Zoë', 1).encode(), "line 2, which opens a quote"),
    "zero bytes.csv": (TABLE.encode() + b"\0\0\0", "has a zero byte at line 5"),
    "the copy of a failed export.ndjson": (b"", "is empty: has what wrote it failed?"),
    "emptied.csv": (b"\r\n \n", "is empty: has what wrote it failed?"),
    "lines that break off.ndjson": (LINES[:-20].encode(), "line 3, which holds the beginning of a value"),
    "of another system.ndjson": (b'{"localId": "x", "email": "ida@example.com"}', "say --format firebase"),
    "no header.csv": (TABLE.split("\r\n", 1)[1].encode(), "no header.csv has a header that names"),
}


@pytest.fixture(scope="module")
def token(server: Server, client: Client) -> str:
    return people.administrator(server, client)


def stored(server: Server, token: str, folder: Path) -> dict[str, str]:
    """The addresses and names of all but the administrator, who are then gone."""
    file = folder / "stored.ndjson"
    people.users(server, token, "export", file)
    rows = [json.loads(line)["user"] for line in file.read_text().splitlines()]
    return {row["email"]: row.get("displayName") for row in rows if row["email"] != "root@example.com"}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A server that knows nobody but its administrator."""
    with Server(tmp_path / "ipse") as server, server.client() as client:
        yield server, people.administrator(server, client)


EXPECTED = {row["user"]["email"]: "Zoë" for row in ROWS}


def test_every_form_of_a_file_is_read(fresh: tuple[Server, str], tmp_path: Path) -> None:
    server, token = fresh
    for turn, (name, contents) in enumerate(READ.items()):
        file = tmp_path / name
        file.write_bytes(contents)
        done = people.users(server, token, "import", file, check=False)
        before = 0 if turn == 0 else 3
        assert f"accepted: 3, of which {before} were stored before; refused: 0" in done.stdout, (name, done)
        assert stored(server, token, tmp_path) == EXPECTED, name
        assert not list(tmp_path.glob("*.resume")), name
    latin = tmp_path / "latin.csv"
    latin.write_bytes(SEMICOLONS.encode("latin-1"))
    done = people.users(server, token, "import", latin, "--encoding", "windows-1252")
    assert "accepted: 3, of which 3 were stored before; refused: 0" in done.stdout


def test_what_is_no_file_of_people_is_refused_as_a_whole(fresh: tuple[Server, str], tmp_path: Path) -> None:
    server, token = fresh
    for name, (contents, said) in REFUSED.items():
        file = tmp_path / name
        file.write_bytes(contents)
        for options in ([], ["--dry-run"]):
            done = people.users(server, token, "import", file, *options, check=False)
            assert done.returncode == 1 and said in done.stderr and done.stdout == "", (name, done)
            assert len(done.stderr.splitlines()) == 1, done.stderr
        assert not list(tmp_path.glob("*.resume")), name
    assert stored(server, token, tmp_path) == {}


def test_values_with_line_breaks_are_one_value(server: Server, token: str, tmp_path: Path) -> None:
    file, report = tmp_path / "people.csv", tmp_path / "report"
    file.write_text('email;attributes\r\nd@example.org;"{""a"":\r\n""x\\n;""}"\r\nnobody;\r\n', newline="")
    done = people.users(server, token, "import", file, "--report", report, check=False)
    assert "accepted: 1, of which 0 were stored before; refused: 1" in done.stdout, done
    [row] = [json.loads(line) for line in report.read_text().splitlines()]
    told = {name: row[name] for name in ("line", "row", "key", "reason", "field")}
    assert told == {"line": 4, "row": 3, "key": "nobody", "reason": "FIELD_INVALID", "field": "user.email"}


@pytest.mark.parametrize("contents", [LINES.encode(), gzip.compress(LINES.encode()), LINES.encode("utf-16")])
def test_standard_input_and_pipes_are_read(server: Server, token: str, tmp_path: Path, contents: bytes) -> None:
    options = ["--format", "ndjson"]
    # Nothing is stored that could not be continued, unless the user agrees.
    refused = people.users(server, token, "import", "-", *options, stdin=contents, check=False)
    assert refused.returncode == 1 and "--resume-file FILE" in refused.stderr and "--no-resume" in refused.stderr
    note = tmp_path / "note"
    for agreed in (["--dry-run"], ["--resume-file", note], ["--no-resume"]):
        done = people.users(server, token, "import", "-", *options, *agreed, stdin=contents)
        assert "accepted: 3" in done.stdout and not note.exists(), done
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = people.users(server, token, "import", pipe, *options, check=False)
    assert refused.returncode == 1 and "--resume-file FILE" in refused.stderr
    process = people.start_users(server, token, "import", pipe, *options, "--resume-file", note)
    pipe.write_bytes(contents)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "accepted: 3" in output, errors
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_import_in_a_folder_that_cannot_be_written_says_so_first(server: Server, token: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "people.ndjson"
        file.write_text(json.dumps({"user": {"email": "read-only@example.org"}}))
        folder.chmod(0o555)
        command = [binary(), "users", "import", file, "--server", f"http://{server.target}"]

        def run(*options: object) -> subprocess.CompletedProcess[str]:
            # Whoever runs the tests as root can write everywhere.
            user = 65534 if os.geteuid() == 0 else None
            env = environment({"IPSE_TOKEN": token})
            words = [str(word) for word in (*command, *options)]
            return subprocess.run(words, cwd="/", env=env, user=user, capture_output=True, text=True, timeout=60)

        done = run()
        assert done.returncode == 1 and "name another file with --resume-file" in done.stderr, done
        assert "read-only@example.org" not in stored(server, token, tmp_path)
        with tempfile.TemporaryDirectory() as elsewhere:
            Path(elsewhere).chmod(0o777)
            done = run("--resume-file", f"{elsewhere}/note")
            assert done.returncode == 0 and not list(Path(elsewhere).iterdir()), done
        assert "of which 1 were stored before" in run("--no-resume").stdout
        folder.chmod(0o755)


def test_an_import_writes_over_none_of_its_files(server: Server, token: str, tmp_path: Path) -> None:
    file, link = tmp_path / "people.ndjson", tmp_path / "link"
    file.write_text(LINES)
    link.symlink_to(file)
    for flags in (["--report", file], ["--report", link], ["--resume-file", link]):
        done = people.users(server, token, "import", file, *flags, check=False)
        assert done.returncode == 1 and "named for two things" in done.stderr, done
    done = people.users(server, token, "import", file, "--report", tmp_path / "one", "--resume-file", tmp_path / "one", check=False)
    assert done.returncode == 1 and "named for two things" in done.stderr, done
    assert file.read_text() == LINES


def test_notes_and_reports_replace_nothing_but_files(server: Server, token: str, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_text(LINES + '{"user": {"email": "nobody"}}\n')
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for note in (pipe, tmp_path, "/dev/null"):
        done = people.users(server, token, "import", file, "--resume-file", note, check=False)
        assert done.returncode == 1 and "cannot be written" in done.stderr and done.stdout == "", done
    reported = people.users(server, token, "import", file, "--report", "-", check=False)
    assert [json.loads(line)["line"] for line in reported.stdout.splitlines()] == [4]
    assert "refused: 1" in reported.stderr
    process = people.start_users(server, token, "import", file, "--report", pipe)
    assert [json.loads(line)["key"] for line in pipe.read_text().splitlines()] == ["nobody"]
    assert process.wait(60) == 1 and stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "ipse") == ["people.ndjson", "pipe"]
