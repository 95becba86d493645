"""Passwords: bcrypt over a SHA-256 digest, so that long ones count whole (bcrypt itself reads 72 bytes)."""

from __future__ import annotations

import base64
import hashlib

import bcrypt

from openopen8.core.errors import invalid

SHORTEST = 8
LONGEST = 1024
ROUNDS = 12


def check_password(password: str, param: str = "password") -> None:
    """Raise a 400 for a password that is too short or too long to be meant."""
    if len(password) < SHORTEST:
        raise invalid(f"The password needs at least {SHORTEST} characters.", param)
    if len(password) > LONGEST:
        raise invalid(f"The password may have at most {LONGEST} characters.", param)


def hash_password(password: str, rounds: int = ROUNDS) -> str:
    """A salted bcrypt hash of any text."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds)).decode()


def password_matches(password: str, hashed: str) -> bool:
    """True when ``password`` is the one behind ``hashed``; False for an empty or broken hash."""
    if not hashed:
        return False
    try:
        return bcrypt.checkpw(_digest(password), hashed.encode())
    except ValueError:
        return False


def _digest(password: str) -> bytes:
    # base64, since bcrypt ends at a zero byte
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())
