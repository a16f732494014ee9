"""The table of what verifiers say of mutations."""

from collections import Counter, defaultdict

from mutations import Mutation
from reasons import REASONS, Reason, reason_for
from verifiers import COMMANDS, Verdict

NAMES = {"ipse": "Ipse"}


def pattern(verdicts: dict[str, Verdict]) -> str:
    """One hexadecimal digit: a bit for each verifier that accepts, that of Ipse the highest."""
    return f"{sum(verdict.accepts << bit for bit, verdict in enumerate(reversed(verdicts.values()))):x}"


def accepts(digit: str) -> dict[str, bool]:
    """Who accepts, by such a digit."""
    return {name: bool(int(digit, 16) >> bit & 1) for bit, name in zip((3, 2, 1, 0), COMMANDS, strict=True)}


def table(asked: list[Mutation], patterns: str) -> str:
    """A row for each reason, of the mutations about which not all say the same: how many, and who accepts how many."""
    counted: dict[Reason, Counter] = defaultdict(Counter)
    variants: dict[Reason, set[str]] = defaultdict(set)
    for mutation, digit in zip(asked, patterns, strict=True):
        if digit in "0f":
            continue
        reason = reason_for(mutation.family, mutation.variant)
        counted[reason]["all"] += 1
        variants[reason].add(f"{mutation.family}")
        for name, does in accepts(digit).items():
            counted[reason][name] += does
    heads = [NAMES.get(name, name) for name in COMMANDS]
    lines = [f"| what is not as it should be | of them | {' | '.join(heads)} | text | why |"]
    lines.append(f"|---|{'--:|' * (len(heads) + 1)}---|---|")
    for reason in REASONS:
        if count := counted.get(reason):
            what = _what(reason, variants[reason])
            numbers = " | ".join(str(count[name]) for name in ["all", *COMMANDS])
            lines.append(f"| {what} | {numbers} | {reason.says} | {reason.why} |")
    return "\n".join(lines)


def _what(reason: Reason, families: set[str]) -> str:
    variant = "" if reason.variant == ".*" else f": {_plain(reason.variant)}"
    return "; ".join(sorted(families)) + variant


def _plain(expression: str) -> str:
    return expression.replace(".*", "…").replace("|", ", ").replace("(", "").replace(")", "").replace("?", "")


def summary(patterns: str) -> str:
    """How many all accept, all refuse, and not all judge alike."""
    counts = Counter("accepted" if digit == "f" else "refused" if digit == "0" else "" for digit in patterns)
    alone = {name: sum(digit == f"{8 >> place:x}" for digit in patterns) for place, name in enumerate(COMMANDS)}
    alone_text = ", ".join(f"{NAMES.get(name, name)} {count}" for name, count in alone.items())
    return (
        f"Of {len(patterns)} mutations, all four refuse {counts['refused']} and accept {counts['accepted']}; about "
        f"{counts['']} they disagree. Accepted by one alone: {alone_text}."
    )
