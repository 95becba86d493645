"""What a caller gets who only looks."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from openopen8.core.rules.admission import Holder
from openopen8.core.rules.snapshot import GroupTerms, Snapshot


class Listing(msgspec.Struct, frozen=True, gc=False):
    """A caller who only looks: its token, group and ratio, with the snapshot of the same moment."""

    holder: Holder
    group: GroupTerms
    ratio: Decimal
    snapshot: Snapshot
