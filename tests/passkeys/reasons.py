"""Who is right where verifiers disagree, by the text of Web Authentication Level 3."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """What the text says of some mutations: `refuse`, `accept`, or `open` where it leaves that to relying parties."""

    family: str
    variant: str
    says: str
    why: str

    def is_about(self, family: str, variant: str) -> bool:
        return bool(re.fullmatch(self.family, family) and re.fullmatch(self.variant, variant))


BASE64 = "3: base64url has no padding, white space or other characters"
CANONICAL = "3: decoders should refuse CBOR that is not canonical, and keys twice; `attStmt` has to be there"
# The first that is about a mutation counts.
REASONS = [
    Reason("base64url", "stray bits.*", "open", "RFC 4648, 3.5: decoders may refuse bits that are not zero"),
    Reason("base64url", ".*", "refuse", BASE64),
    Reason("client data, challenge", ".*", "refuse", "7.1.8, 7.2.11: the text of the challenge is compared, not its bytes"),
    Reason("client data, frame", 'crossOrigin ("true"|1|null)', "open", "5.8.1: a browser writes true or false"),
    Reason("client data, frame", "crossOrigin true", "refuse", "7.1.10, 7.2.13: nobody expects these pages in frames"),
    Reason("client data, frame", ".*", "refuse", "7.1.11, 7.2.14: no origin of a page around it is expected"),
    Reason("client data, member in other case", ".*", "refuse", "5.8.1: names are what they are; the member is not there"),
    Reason("client data, (unknown )?member twice", ".*", "open", "7.1.6, 7.2.9: any JSON parser will do"),
    Reason("client data, origin", "(host|scheme) in capitals", "open", "13.4.9: exactly equal, or any other method"),
    Reason("client data, origin", ".*", "refuse", "13.4.9: it has to be an origin; a path, a person or a slash is part of none"),
    Reason("client data, spelling", "byte order mark", "accept", "7.1.5, 7.2.8: the mark is stripped (no browser writes it)"),
    Reason("client data, spelling", "no UTF-8.*", "accept", "7.1.5, 7.2.8: decoding puts U+FFFD (no browser writes it)"),
    Reason("client data, spelling", "a surrogate.*", "open", "7.1.6, 7.2.9: any JSON parser will do"),
    Reason("client data, spelling", "NaN.*", "refuse", "7.1.6, 7.2.9: it is not JSON"),
    Reason("client data, token binding", ".*", "accept", "5.8.1: the member is reserved, and no step looks at it"),
    Reason("client data, unknown member", ".*", "open", "limits: relying parties may have some"),
    Reason("client data(, on the way)?", ".*", "refuse", "a bit of the origin or of a name: see there"),
    Reason("conveniences", "(a text|numbers) as transports", "refuse", "5.2.1: transports are a list of texts"),
    Reason("conveniences", ".*transport.*", "accept", "5.2.1: unknown transports should be taken, and kept"),
    Reason("credential id and type", "1024 bytes", "refuse", "7.1.25: more than 1023 bytes should be refused"),
    Reason("credential id and type", "another passkey|cut|empty", "open", "7.1.27: the id is kept as the page says it"),
    Reason("credential id and type", ".*", "refuse", "5.1: the type is `public-key`, and `id` is `rawId` in base64url"),
    Reason("length of the credential id", ".*", "refuse", "7.1.25: more than 1023 bytes should be refused"),
    Reason("attested credential id", "empty", "refuse", "4: an id has at least 16 bytes"),
    Reason("attested credential id", ".*", "open", "7.1.27: the id is kept as the page or as the authenticator says it"),
    Reason("hints", "authenticatorAttachment.*", "open", "5.1: unknown values count as null; no step looks at it"),
    Reason("hints", ".*", "open", "7.2.23: unasked results of extensions may be ignored or refused"),
    Reason("member in other case|member missing|member of another kind", ".*", "refuse", "5.1: the member has to be there"),
    Reason("member twice", "a (wrong|null) one last", "refuse", "ECMA-262: the last one counts, and is wrong"),
    Reason("member twice", ".*", "open", "RFC 8259, 4: what a name that is there twice means is not said"),
    Reason("public key", "RS256, (exponent|a zero|a modulus|an even|an empty).*", "open", "RFC 8230: lengths are policy"),
    Reason("public key", ".*(another algorithm|algorithm as text)", "refuse", "7.1.20: the algorithm is none of those asked for"),
    Reason("public key", ".*(twice|long form|cut)", "refuse", CANONICAL),
    Reason("public key", ".*", "refuse", "5.8.5, 6.5.1.1: exactly the parameters of its algorithm, its curve, no compressed point"),
    Reason("signature.*", ".*", "refuse", "6.5.5: a DER sequence of two numbers, and nothing behind it"),
    Reason("user handle", ".*for one person", "refuse", "7.2.6: a handle that is there is that of the person"),
    Reason("user handle", ".*", "refuse", "7.2.6: the handle says whose the passkey is, and is there"),
    Reason("attestation object, encoding", ".*unknown entry", "open", "6.5.4: has three entries; more are not spoken of"),
    Reason("attestation object, encoding", ".*", "refuse", CANONICAL),
    Reason("attestation statement", "none.*", "refuse", "8.7: the statement is an empty map"),
    Reason("attestation statement", "None|unknown|empty", "refuse", "7.1.21: the format is compared with those supported"),
    Reason("attestation statement", ".*", "refuse", "7.1.22: the statement has to be right, whoever asked for it"),
    Reason("authenticator data, attested", ".*", "refuse", "6.1: a use has no attested credential data"),
    Reason("authenticator data, count", ".*", "open", "7.2.22: a signal; each relying party decides what follows"),
    Reason("authenticator data, extensions", "a number as key|a number|a text|an array", "refuse", "6.1: a map with names as keys"),
    Reason("authenticator data, extensions", "a float", "open", "9.5: any CBOR; CTAP2 encodes floats too"),
    Reason("authenticator data, extensions", ".*", "refuse", CANONICAL),
    Reason("authenticator data, flags", "reserved.*", "refuse", "6.1: reserved bits shall be zero"),
    Reason("authenticator data, flags", "a backup that is not eligible", "refuse", "7.1.17, 7.2.18: BS without BE"),
    Reason("authenticator data, flags", ".*", "refuse", "6.1.3, 7.2.19: eligibility never changes"),
    Reason("authenticator data, length", ".*", "refuse", "6.1: the data tells its own length"),
    Reason("authenticator data", ".*", "refuse", "a bit of the flags: see there"),
    Reason("authenticator, on the way", ".*", "refuse", "a bit of the key, of the id or of the encoding: see there"),
]


def reason_for(family: str, variant: str) -> Reason:
    return next(reason for reason in REASONS if reason.is_about(family, variant))
