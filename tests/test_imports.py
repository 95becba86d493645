"""Imports point only down (ARCHITECTURE of the house), and relay workers stay free of Reflex."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# From the ground up; a module may import from its own row and the rows before it.
ROWS: tuple[tuple[str, ...], ...] = (
    ("openopen8", "openopen8.core.config", "openopen8.core.db", "openopen8.core.errors", "openopen8.core.clock",
     "openopen8.core.security", "openopen8.core.tools"),
    ("openopen8.core.rules",),
    ("openopen8.core.models", "openopen8.core.ports"),
    ("openopen8.core.services", "openopen8.core.migrate"),
    ("relay",),
    ("openopen8.api", "openopen8.state", "openopen8.i18n"),
    ("openopen8.components", "openopen8.styles"),
    ("openopen8.pages",),
    ("openopen8.openopen8", "openopen8.server", "openopen8.commands", "openopen8.cli", "openopen8.__main__"),
)  # fmt: skip
RANK = {name: rank for rank, row in enumerate(ROWS) for name in row}
FORBIDDEN = {  # beyond the rows: the folder on the left imports nothing of what is on the right
    "openopen8.core": ("reflex", "reflex_base", "fastapi", "starlette", "relay", "openopen8.api", "openopen8.state"),
    "openopen8.api": ("reflex", "openopen8.state"),
    "openopen8.state": ("openopen8.api", "fastapi"),
    "relay": ("reflex", "fastapi", "openopen8.api", "openopen8.server"),
    "relay.formats": ("relay.channels", "relay.serve", "relay.upstream", "relay.planning"),
}
RELAY_FOR_STATE = ("relay.channels", "relay.probe")


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def rank(name: str) -> int | None:
    """The row of the longest known package that holds ``name``."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((RANK[prefix] for prefix in prefixes if prefix in RANK), None)


def modules() -> Iterator[tuple[str, Path]]:
    for folder in ("openopen8", "relay"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # "from package import module" names a module only where there is one
            for alias in node.names:
                inner = ROOT / Path(*node.module.split("."), alias.name)
                found = inner.with_suffix(".py").exists() or inner.is_dir()
                yield f"{node.module}.{alias.name}" if found else node.module
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "relative"


def wrong(name: str, target: str) -> bool:
    mine, other = rank(name), rank(target)
    if target == "relative" or any(within(name, a) and within(target, b) for a, bs in FORBIDDEN.items() for b in bs):
        return True
    if within(name, "openopen8.state") and within(target, "relay"):
        return not any(within(target, allowed) for allowed in RELAY_FOR_STATE)
    return mine is not None and other is not None and other > mine


def test_imports_only_point_down() -> None:
    found = [f"{name} imports {target}" for name, path in modules() for target in imports(path) if wrong(name, target)]
    assert found == []


def test_no_wire_format_knows_another() -> None:
    formats = {path.name for path in (ROOT / "relay" / "formats").iterdir() if (path / "__init__.py").exists()}
    found = []
    for name, path in modules():
        parts = name.split(".")
        if parts[:2] == ["relay", "formats"] and len(parts) > 2 and parts[2] in formats:
            others = [f"relay.formats.{other}" for other in formats - {parts[2]}]
            found += [f"{name} imports {x}" for x in imports(path) if any(within(x, other) for other in others)]
    assert found == []


def test_a_relay_worker_has_neither_reflex_nor_redis_in_it() -> None:
    code = (
        "import sys, relay.app, openopen8.server.worker, openopen8.api.app, openopen8.cli\n"
        "print(sorted(x for x in sys.modules if x.split('.')[0] in ('reflex', 'reflex_base', 'redis')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
