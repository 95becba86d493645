"""Secret values: made at random, shown once, kept only as a keyed hash and a hint."""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import Final

ALPHABET: Final = string.ascii_letters + string.digits
TOKEN_PREFIX: Final = "sk-"
ACCESS_TOKEN_PREFIX: Final = "oo8-"
LENGTH: Final = 48


def new_value(prefix: str) -> str:
    """``prefix`` + 48 characters of [A-Za-z0-9], about 285 bits."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def hint_of(value: str) -> str:
    """What people recognise a secret by: ``sk-Ab3d…x9Zk``."""
    head = value.index("-") + 5 if "-" in value[:5] else 4
    return f"{value[:head]}…{value[-4:]}" if len(value) >= head + 8 else "…"


def well_formed(value: str, prefix: str) -> bool:
    """True when ``value`` can be one that :func:`new_value` made."""
    rest = value[len(prefix) :]
    return value.startswith(prefix) and len(rest) == LENGTH and rest.isascii() and rest.isalnum()


class Hasher:
    """A keyed hash (BLAKE2b, RFC 7693): without the secret key a copied table can't be searched for values."""

    def __init__(self, key: bytes) -> None:
        self._base = hashlib.blake2b(key=key, digest_size=32)

    def hash(self, value: str) -> str:
        """64 hex characters for ``value``; any text is accepted."""
        return self.hash_bytes(value.encode("utf-8", "surrogatepass"))

    def hash_bytes(self, value: bytes) -> str:
        """The same of a value that is bytes already."""
        digest = self._base.copy()
        digest.update(value)
        return digest.hexdigest()
