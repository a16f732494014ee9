"""People as other systems give them out: files by the rules of each system's own documentation.

Keycloak: the UserRepresentation of its REST interface, as `kc.sh export` writes it. Firebase: `firebase auth:export`, and
the hash parameters of the console. Auth0: the export of password hashes. Amazon Cognito: the header of `get-csv-header`.
Supabase: the columns of auth.users. Ory Kratos: the identities of its administrative interface with their credentials.
"""

import base64
import csv
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from support.client import PASSWORD

# Of PASSWORD: hashpw of the Python package bcrypt 4.0.1, with little work.
BCRYPT = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq"
ARGON2 = PasswordHasher(time_cost=2, memory_cost=4096, parallelism=1)
SIGNER_KEY = hashlib.sha512(b"the signer key of the tests").digest()
SEPARATOR = b"\x07"
FIREBASE = f"""hash_config {{
  algorithm: SCRYPT,
  base64_signer_key: {base64.b64encode(SIGNER_KEY).decode()},
  base64_salt_separator: {base64.b64encode(SEPARATOR).decode()},
  rounds: 8,
  mem_cost: 10,
}}
"""
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True)
class Person:
    """Somebody who moves in."""

    number: int

    @property
    def email(self) -> str:
        return f"mover{self.number:06}@example.org"

    @property
    def username(self) -> str:
        return f"mover{self.number:06}"

    @property
    def salt(self) -> bytes:
        """One of a few, so that no time is lost with hashing."""
        return hashlib.sha256(f"salt {self.number % 24}".encode()).digest()[:16]

    @property
    def id(self) -> str:
        return str(uuid.uuid5(NAMESPACE, self.email))


_made: dict[tuple, str] = {}


def once(make: Callable[[bytes], str], person: Person) -> str:
    """A hash, made once for each salt."""
    key = make.__qualname__, person.salt
    if key not in _made:
        _made[key] = make(person.salt)
    return _made[key]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pbkdf2_sha256(salt: bytes) -> str:
    """Keycloak's 64 bytes."""
    return b64(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 2750, 64))


def pbkdf2_sha512(salt: bytes) -> str:
    return b64(hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, 2100, 64))


def argon2(salt: bytes) -> str:
    return ARGON2.hash(PASSWORD, salt=salt)


def firebase_scrypt(salt: bytes) -> str:
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt + SEPARATOR, n=2**10, r=8, p=1, dklen=32)
    return b64(Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(SIGNER_KEY))


def scrypt(salt: bytes) -> str:
    return hashlib.scrypt(PASSWORD.encode(), salt=salt, n=1024, r=8, p=1, dklen=64).hex()


def keycloak_user(person: Person) -> dict:
    algorithms = [
        ("pbkdf2-sha256", 2750, {}, lambda: once(pbkdf2_sha256, person)),
        ("pbkdf2-sha512", 2100, {}, lambda: once(pbkdf2_sha512, person)),
        (
            "argon2",
            2,
            {"hashLength": ["32"], "memory": ["4096"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]},
            lambda: once(argon2, person).rsplit("$", 1)[1] + "=",
        ),
    ]
    algorithm, iterations, parameters, value = algorithms[person.number % len(algorithms)]
    secret = {"value": value(), "salt": b64(person.salt), "additionalParameters": {}}
    data = {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": parameters}
    return {
        "id": person.id,
        "username": person.username,
        "firstName": "Mo",
        "lastName": f"Ver {person.number}",
        "email": person.email,
        "emailVerified": True,
        "attributes": {"locale": ["de"], "department": ["shipping"]},
        "createdTimestamp": 1_600_000_000_000 + person.number,
        "enabled": True,
        "totp": False,
        "credentials": [
            {
                "id": person.id,
                "type": "password",
                "userLabel": "My password",
                "createdDate": 1_600_000_000_000,
                "secretData": json.dumps(secret),
                "credentialData": json.dumps(data),
            }
        ],
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "realmRoles": ["default-roles-shop"],
        "notBefore": 0,
        "groups": ["/staff"] if person.number % 2 else [],
    }


def firebase_user(person: Person) -> dict:
    return {
        "localId": f"fb{person.number:026}",
        "email": person.email,
        "emailVerified": True,
        "passwordHash": once(firebase_scrypt, person),
        "salt": b64(person.salt),
        "displayName": f"Mo Ver {person.number}",
        "createdAt": str(1_600_000_000_000 + person.number),
        "lastSignedInAt": "1700000000000",
        "disabled": False,
        "customAttributes": '{"plan":"gold"}',
        "providerUserInfo": [],
    }


def auth0_user(person: Person) -> dict:
    row = {
        "_id": {"$oid": f"{person.number:024x}"},
        "email": person.email,
        "email_verified": True,
        "password_set_date": {"$date": "2019-12-06T18:36:12.412Z"},
        "tenant": "shop",
        "connection": "Username-Password-Authentication",
        "_tmp_is_unique": True,
        "identifiers": [{"type": "email", "value": person.email, "verified": True}],
    }
    if person.number % 2:
        return row | {"passwordHash": BCRYPT}
    custom = {
        "algorithm": "scrypt",
        "hash": {"value": once(scrypt, person), "encoding": "hex"},
        "salt": {"value": b64(person.salt), "encoding": "base64"},
        "password": {"encoding": "utf8"},
        "keylen": 64,
        "cost": 1024,
        "blockSize": 8,
        "parallelization": 1,
    }
    return row | {"custom_password_hash": custom, "app_metadata": {"plan": "gold"}}


def supabase_row(person: Person) -> dict:
    return {
        "instance_id": "00000000-0000-0000-0000-000000000000",
        "id": person.id,
        "aud": "authenticated",
        "role": "authenticated",
        "email": person.email,
        "encrypted_password": BCRYPT if person.number % 2 else once(argon2, person),
        "email_confirmed_at": "2020-09-13T12:26:40.123456+00:00",
        "invited_at": None,
        "confirmation_token": "",
        "last_sign_in_at": "2023-11-14T22:13:20.5+00:00",
        "raw_app_meta_data": {"provider": "email", "providers": ["email"]},
        "raw_user_meta_data": {"full_name": f"Mo Ver {person.number}"},
        "is_super_admin": None,
        "created_at": "2020-09-13T12:26:40+00:00",
        "updated_at": "2020-09-13T12:26:40+00:00",
        "phone": None,
        "banned_until": None,
        "is_sso_user": False,
        "deleted_at": None,
        "is_anonymous": False,
    }


def kratos_identity(person: Person) -> dict:
    salt = b64(person.salt)
    hashes = [
        lambda: once(argon2, person),
        lambda: BCRYPT,
        lambda: f"$pbkdf2-sha256$i=2750,l=64${salt.rstrip('=')}${once(pbkdf2_sha256, person).rstrip('=')}",
        lambda: f"$scrypt$ln=1024,r=8,p=1${salt}${b64(bytes.fromhex(once(scrypt, person)))}",
    ]
    return {
        "id": person.id,
        "schema_id": "default",
        "schema_url": "http://127.0.0.1:4433/schemas/default",
        "state": "active",
        "traits": {"email": person.email, "name": {"first": "Mo", "last": f"Ver {person.number}"}},
        "verifiable_addresses": [{"value": person.email, "verified": True, "via": "email", "status": "completed"}],
        "recovery_addresses": [{"value": person.email, "via": "email"}],
        "metadata_public": None,
        "metadata_admin": {"plan": "gold"},
        "created_at": "2020-09-13T12:26:40.123456Z",
        "updated_at": "2020-09-13T12:26:40.123456Z",
        "credentials": {
            "password": {
                "type": "password",
                "identifiers": [person.email],
                "config": {"hashed_password": hashes[person.number % len(hashes)]()},
                "version": 0,
            }
        },
    }


COGNITO = (
    "name given_name family_name middle_name nickname preferred_username profile picture website email email_verified gender "
    "birthdate zoneinfo locale phone_number phone_number_verified address updated_at cognito:mfa_enabled cognito:username"
).split()


def cognito_record(person: Person) -> dict:
    return {
        "given_name": "Mo",
        "family_name": f"Ver {person.number}",
        "email": person.email,
        "email_verified": "TRUE",
        "birthdate": "02/01/1985",
        "cognito:mfa_enabled": "FALSE",
        "cognito:username": person.username,
    }


def write(system: str, path: Path, people: Iterator[Person]) -> list[str]:
    """Writes an export of a system. The options that an import of it takes."""
    with path.open("w", newline="") as file:
        match system:
            case "cognito":
                table = csv.DictWriter(file, COGNITO)
                table.writeheader()
                table.writerows(map(cognito_record, people))
            case "auth0":
                file.writelines(json.dumps(auth0_user(person)) + "\n" for person in people)
            case "keycloak":
                begin = '{"id": "shop", "realm": "shop", "roles": {"realm": []}, "users": ['
                elements(file, begin, keycloak_user, people)
                file.write('], "clients": [{"clientId": "account"}]}\n')
            case "firebase":
                elements(file, '{"users": [', firebase_user, people)
                file.write("]}\n")
            case "supabase":
                elements(file, "[", supabase_row, people)
                file.write("]\n")
            case "kratos":
                elements(file, "[", kratos_identity, people)
                file.write("]\n")
    options = ["--format", system]
    if system == "firebase":
        config = path.with_suffix(".hash-config")
        config.write_text(FIREBASE)
        options += ["--hash-config", str(config)]
    return options


def elements(file: object, begin: str, make: Callable[[Person], dict], people: Iterator[Person]) -> None:
    """The elements of a list, indented as the systems do it."""
    file.write(begin)
    for number, person in enumerate(people):
        file.write(("," if number else "") + "\n" + json.dumps(make(person), indent=2))


SYSTEMS = ("keycloak", "firebase", "auth0", "cognito", "supabase", "kratos")
