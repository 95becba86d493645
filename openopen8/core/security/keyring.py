"""The secret key of an installation and what is derived from it: hashing and encryption at rest."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openopen8.core.errors import Problem
from openopen8.core.security.secrets import Hasher

SHORTEST_KEY = 16
KEY_FILE = "secret.key"


class WrongSecretKey(Exception):
    """The key at hand is not the one that the database was made with."""


class Keyring:
    """Hashes and encrypts under one secret key (HKDF-SHA256, BLAKE2b, AES-256-GCM)."""

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_KEY:
            raise ValueError(f"SECRET_KEY needs at least {SHORTEST_KEY} characters")
        self._hasher = Hasher(_derive(secret, b"openopen8 hash"))
        self.hash_bytes = self._hasher.hash_bytes
        self._box = AESGCM(_derive(secret, b"openopen8 box"))
        self._view_box = AESGCM(_derive(secret, b"openopen8 view"))
        self.fingerprint = hashlib.sha256(_derive(secret, b"openopen8 fingerprint")).hexdigest()

    def __repr__(self) -> str:
        return "Keyring(…)"

    def hash(self, value: str) -> str:
        """64 hex characters to look a secret up by."""
        return self._hasher.hash(value)

    def seal(self, text: str) -> str:
        """Encrypt; the result is text for a database column."""
        return base64.b64encode(self.seal_bytes(text.encode())).decode()

    def open(self, sealed: str) -> str:
        """Decrypt what :meth:`seal` made; raises a Problem when the key or the text is another."""
        return self.open_bytes(base64.b64decode(sealed)).decode()

    def seal_bytes(self, data: bytes) -> bytes:
        """:meth:`seal` for a column of bytes."""
        nonce = os.urandom(12)
        return nonce + self._box.encrypt(nonce, data, None)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Decrypt what :meth:`seal_bytes` made; raises a Problem as :meth:`open` does."""
        try:
            return self._box.decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            raise Problem(500, "wrong_secret_key", "A stored secret can't be read with this SECRET_KEY.") from None

    def seal_view(self, data: bytes) -> bytes:
        """Encrypt what the dashboard keeps outside for a while."""
        nonce = os.urandom(12)
        return nonce + self._view_box.encrypt(nonce, data, None)

    def open_view(self, sealed: bytes) -> bytes:
        """Decrypt what :meth:`seal_view` made with this key; anything else is a ValueError."""
        try:
            return self._view_box.decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            raise ValueError("not sealed with this key") from None


def load_secret(given: str | None, data_dir: Path) -> str:
    """The given key, else that of the data directory, made there (mode 0600) at the first start."""
    if given:
        return given
    path = data_dir / KEY_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        value = secrets.token_urlsafe(48)
        file.write(value + "\n")
    return value


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
