"""What becomes of ceremonies if a page, a browser, an authenticator or somebody between them is not as it should be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ceremonies import Ceremony
from mutations import attestation, authenticator_data, client_data, json_form, signatures
from mutations.dice import Dice

# A family makes one mutation of a ceremony: it says which, and what is asked.
Family = Callable[[Ceremony, Dice], tuple[str, dict]]
# Of registrations and uses, of registrations, of uses.
FAMILIES: list[tuple[str, str, Family]] = [
    *(("", name, family) for name, family in json_form.OF_ALL.items()),
    *(("create", name, family) for name, family in json_form.OF_REGISTRATIONS.items()),
    *(("get", name, family) for name, family in json_form.OF_USES.items()),
    *(("", name, family) for name, family in client_data.OF_ALL.items()),
    *(("", name, family) for name, family in authenticator_data.OF_ALL.items()),
    *(("get", name, family) for name, family in authenticator_data.OF_USES.items()),
    *(("get", name, family) for name, family in signatures.OF_USES.items()),
    *(("create", name, family) for name, family in attestation.OF_REGISTRATIONS.items()),
]


@dataclass(frozen=True)
class Mutation:
    """A ceremony with one thing that is different."""

    family: str
    variant: str
    ceremony: Ceremony
    question: dict

    def __str__(self) -> str:
        return f"{self.family}: {self.variant} ({self.ceremony.kind}, {self.ceremony.name})"


def mutations(ceremonies: list[Ceremony], count: int) -> Iterator[Mutation]:
    """The first so many mutations, each time the same. All families take turns."""
    for number in range(count):
        kind, name, family = FAMILIES[number % len(FAMILIES)]
        dice = Dice(f"mutation {number}")
        ceremony = dice.choice([ceremony for ceremony in ceremonies if kind in ("", ceremony.kind)])
        variant, question = family(ceremony, dice)
        yield Mutation(name, variant, ceremony, question)
