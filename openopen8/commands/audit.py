"""`openopen8 audit`"""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands.answer import Answer
from openopen8.commands.verb import verb
from openopen8.core.services.ledger import audit
from openopen8.core.tools import Tools


def add_to(nouns: Any) -> None:
    verb(nouns, "audit", "check that the books add up; exit code 1 when something is off", _audit)


def _audit(tools: Tools, _given: argparse.Namespace) -> Answer:
    findings = audit.run(tools)
    lines = [f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}" for finding in findings]
    return Answer(list(findings), "\n".join(lines), code=0 if all(finding.ok for finding in findings) else 1)
