"""The ledger: alone writes balances, holds and charges."""

from openopen8.core.services.ledger.bill import Bill, Meter, Progress, Settled
from openopen8.core.services.ledger.ledger import Ledger
from openopen8.core.services.ledger.listing import Listing

__all__ = ["Bill", "Ledger", "Listing", "Meter", "Progress", "Settled"]
