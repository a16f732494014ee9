"""What Ipse and three other verifiers say of recorded ceremonies, of the vectors of the specification, and of
thousands of mutations. README.md has the table, and says who is right."""

import os
from dataclasses import replace
from pathlib import Path

import ceremonies
import pytest
import recording
from ceremonies import HERE, Ceremony
from disagreements import accepts, pattern, summary, table
from mutations import FAMILIES, Mutation, mutations
from reasons import reason_for
from verifiers import judge

EXPECTED = HERE / "expected.txt"
README = HERE / "README.md"
BEGIN, END = "<!-- generated: disagreements -->\n", "<!-- end: disagreements -->\n"
COUNT = 10_000
BLESS = "IPSE_BLESS" in os.environ
HOW = "IPSE_BLESS=1 tests/run passkeys writes it anew"

# Of the vectors, what Ipse refuses in registrations and in uses: attestation and algorithms that it does not ask for,
# and pages in frames. One has a challenge that is longer than the service's.
REFUSED_VECTORS = {
    "none-es256-crossOrigin": ("CROSS_ORIGIN", "CROSS_ORIGIN"),
    "none-es256-topOrigin": ("CROSS_ORIGIN", "CROSS_ORIGIN"),
    "packed-es384": ("ALGORITHM", "ALGORITHM"),
    "packed-es512": ("CHALLENGE", "CHALLENGE"),
    "packed-ed448": ("ALGORITHM", "ALGORITHM"),
    "packed-es256": ("ATTESTATION", ""),
    "packed-rs256": ("ATTESTATION", ""),
    "packed-eddsa": ("ATTESTATION", ""),
    "tpm-es256": ("ATTESTATION", ""),
    "android-key-es256": ("ATTESTATION", ""),
    "apple-es256": ("ATTESTATION", ""),
    "fido-u2f-es256": ("ATTESTATION", ""),
}


def refusals(found: list[Ceremony]) -> list[str]:
    """Who refuses which of these ceremonies."""
    verdicts = judge([ceremony.question() for ceremony in found])
    return [
        f"{name}: {ceremony.name}, {ceremony.kind}: {verdict.why}"
        for ceremony, row in zip(found, verdicts, strict=True)
        for name, verdict in row.items()
        if not verdict.accepts
    ]


def test_all_accept_what_was_recorded() -> None:
    found = ceremonies.recorded()
    assert len(found) == 3 * len(recording.KINDS)
    assert refusals(found) == []


def test_all_accept_what_the_browser_of_today_does(tmp_path: Path) -> None:
    assert refusals(ceremonies.recorded(recording.record_all(tmp_path))) == []


def test_the_vectors_of_the_specification() -> None:
    found = ceremonies.vectors()
    verdicts = judge([ceremony.question() for ceremony in found])
    assert len(found) == 30
    for ceremony, row in zip(found, verdicts, strict=True):
        refused = REFUSED_VECTORS.get(ceremony.name, ("", ""))[ceremony.kind == "get"]
        assert row["ipse"].why == refused, ceremony.name
        if not refused:
            assert all(verdict.accepts for verdict in row.values()), (ceremony.name, ceremony.kind, row)


@pytest.fixture(scope="module")
def asked() -> list[Mutation]:
    return list(mutations(ceremonies.recorded(), COUNT))


@pytest.fixture(scope="module")
def judged(asked: list[Mutation]) -> str:
    """Who accepts which mutation: a digit for each, which depends on nothing but the seed and the verifiers."""
    return "".join(pattern(row) for row in judge([mutation.question for mutation in asked]))


def test_what_all_say_of_mutations_is_what_they_said(asked: list[Mutation], judged: str) -> None:
    if BLESS:
        EXPECTED.write_text("".join(f"{judged[place : place + 100]}\n" for place in range(0, COUNT, 100)))
    expected = EXPECTED.read_text().replace("\n", "")
    assert len(expected) == COUNT, HOW
    changed = [
        f"{mutation}: accepted by {_names(before)} before, by {_names(now)} now"
        for mutation, before, now in zip(asked, expected, judged, strict=True)
        if before != now
    ]
    assert changed == [], HOW


def _names(digit: str) -> str:
    return ", ".join(name for name, does in accepts(digit).items() if does) or "nobody"


def test_the_table_is_that_of_the_readme(asked: list[Mutation], judged: str) -> None:
    generated = f"{BEGIN}\n{summary(judged)}\n\n{table(asked, judged)}\n\n{END}"
    print(generated)
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    if BLESS:
        text = before + generated + rest.partition(END)[2]
        README.write_text(text)
    assert generated in text, HOW


def test_ipse_is_as_strict_as_the_text(asked: list[Mutation], judged: str) -> None:
    """Where the text says `refuse`, Ipse does, but for names of extensions, whose results it does not read."""
    lax = {
        (mutation.family, mutation.variant)
        for mutation, digit in zip(asked, judged, strict=True)
        if digit not in "0f"
        and accepts(digit)["ipse"]
        and reason_for(mutation.family, mutation.variant).says == "refuse"
    }
    assert lax == {("authenticator data, extensions", "a number as key")}
    assert "8" not in judged  # nothing is accepted by Ipse alone


def test_the_mutations_are_many_and_the_same_each_time(asked: list[Mutation]) -> None:
    again = mutations(ceremonies.recorded(), len(FAMILIES))
    assert [mutation.question for mutation in again] == [mutation.question for mutation in asked[: len(FAMILIES)]]
    assert len({mutation.question["credential"] for mutation in asked}) > COUNT // 2


def test_a_verifier_that_accepts_everything_would_be_seen() -> None:
    """The verifiers do verify: none of them accepts a ceremony of another challenge, place or person's passkey."""
    others = [ceremony for ceremony in ceremonies.recorded() if ceremony.kind == "get"]
    wrong = []
    for ceremony, other in zip(others, others[2:], strict=False):
        wrong += [
            replace(ceremony, challenge=other.challenge),
            replace(ceremony, origin="https://elsewhere.example"),
            replace(ceremony, rp_id="elsewhere.example", stored=replace(ceremony.stored, rp_id="elsewhere.example")),
            replace(ceremony, stored=replace(other.stored, credential_id=ceremony.stored.credential_id)),
        ]
    for row in judge([ceremony.question() for ceremony in wrong]):
        assert not any(verdict.accepts for verdict in row.values()), row
