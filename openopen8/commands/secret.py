"""Secrets from standard input or from a prompt: never from arguments, which other users of the machine see."""

from __future__ import annotations

import getpass
import sys

from openopen8.core.errors import invalid


def password(from_stdin: bool) -> str:
    """A new password: one line of standard input, or asked for twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise invalid("Give the password on standard input, with --password-stdin.")
    value = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != value:
        raise invalid("The two passwords differ.")
    return value


def keys(from_stdin: bool) -> list[str]:
    """Provider keys: the lines of standard input, or one that is asked for (empty = none is needed)."""
    if from_stdin:
        return [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    if not sys.stdin.isatty():
        return []
    value = getpass.getpass("Provider key (empty if none is needed): ").strip()
    return [value] if value else []
