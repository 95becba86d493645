"""The ledger: alone writes balances, holds and charges."""

from openopen8.core.services.ledger.bill import Bill, Meter, Progress, Settled
from openopen8.core.services.ledger.items import Listing
from openopen8.core.services.ledger.ledger import Ledger

__all__ = ["Bill", "Ledger", "Listing", "Meter", "Progress", "Settled"]
