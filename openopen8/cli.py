"""`openopen8 <noun> <verb>`: the command line. Each noun is a file in `commands`; all use the same services."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from openopen8 import __version__
from openopen8.commands import NOUNS
from openopen8.core.errors import Problem
from openopen8.core.security.keyring import WrongSecretKey


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(prog="openopen8", description="An AI API gateway: one address for many providers.")
    root.add_argument("--version", action="version", version=f"openopen8 {__version__}")
    nouns = root.add_subparsers(metavar="COMMAND", required=True)
    for noun in NOUNS:
        noun.add_to(nouns)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = it could not be done (one plain line says why), 2 = wrong usage."""
    given = parser().parse_args(arguments)
    try:
        return int(given.run(given) or 0)
    except BrokenPipeError:
        raise
    except Problem as problem:
        return _failed(problem.message)
    except WrongSecretKey as error:
        return _failed(str(error))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        return _failed(f"{name}: {first['msg']} (environment or .env)")
    except OperationalError as error:
        return _failed(f"The database can't be used: {str(error.orig).splitlines()[0]}")
    except (OSError, ValueError) as error:
        return _failed(str(error))


def run() -> None:
    """The console script."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # the reader of a pipe (head, less) has left: nothing more may be written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _failed(message: str) -> int:
    print(f"openopen8: {message}", file=sys.stderr)
    return 1
