"""What Claude's models differ in, by their names: each generation refuses something that the one before took.

Sources: https://platform.claude.com/docs/en/build-with-claude/thinking (thinking and sampling),
https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages and
https://platform.claude.com/docs/en/about-claude/models/migration-guide
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?(?:-(?P<late>[a-z]+))?"
)

_PREVIEW = re.compile(r"claude-mythos(?!-\d)")

_ALWAYS = frozenset(("fable", "mythos"))


@dataclass(frozen=True, slots=True)
class Model:
    """One model. ``version`` is (0, 0) for names that are not Claude's: vendors with a compatible endpoint."""

    family: str
    version: tuple[int, int]

    @property
    def thinks(self) -> bool:
        """Can think at all, as all do since Sonnet 3.7."""
        return self.version >= (3, 7) or self.version == (0, 0)

    @property
    def adaptive(self) -> bool:
        """Decides itself how much to think, guided by an effort."""
        return self.version >= (4, 6)

    @property
    def budgets(self) -> bool:
        """Takes a budget of tokens to think with."""
        return self.version <= (4, 6)

    @property
    def always_thinks(self) -> bool:
        """Thinking can't be switched off."""
        return self.family in _ALWAYS or (self.family == "opus" and self.version >= (5, 5))

    @property
    def thinks_unasked(self) -> bool:
        """Thinks where the request does not say anything."""
        return self.version >= (5, 0)

    @property
    def off(self) -> str:
        """The type of ``thinking`` that stands for none; empty where none is to be sent."""
        if self.version in ((4, 7), (4, 8)):
            return ""  # off unless asked for; not all of them take "disabled"
        return "between_tools" if self.family == "sonnet" and self.version >= (5, 5) else "disabled"

    @property
    def efforts(self) -> tuple[str, ...]:
        """The efforts that it takes, from the smallest; none for models that know no effort."""
        if self.version >= (4, 7):
            return ("low", "medium", "high", "xhigh", "max")
        if self.version == (4, 6):
            return ("low", "medium", "high", "max")
        return ("low", "medium", "high") if (self.family, self.version) == ("opus", (4, 5)) else ()

    @property
    def samples(self) -> bool:
        """Takes ``temperature``, ``top_p`` and ``top_k``."""
        return self.version < (4, 7)

    @property
    def one_sampling(self) -> bool:
        """Takes ``temperature`` or ``top_p``, not both."""
        return self.version >= (4, 1)

    @property
    def instructions_amid(self) -> bool:
        """Takes instructions after a turn of the user."""
        return self.version >= (5, 0) or (self.family, self.version) == ("opus", (4, 8))

    @property
    def longest(self) -> int:
        """Tokens to allow where the caller gives no limit, which Claude wants."""
        return 32_000 if self.version >= (4, 0) else 8_192


@lru_cache(maxsize=1_024)
def model_of(name: str) -> Model:
    """What is known of the model ``name``, under whichever platform's spelling."""
    found = _NAME.search(name)
    if found is None:
        return Model("mythos", (4, 7)) if _PREVIEW.search(name) else Model("", (0, 0))
    version = (int(found["major"]), int(found["minor"] or 0))
    return Model(found["family"] or found["late"] or "", version)
