"""All tables; importing this module fills ``SQLModel.metadata``."""

from typing import Any

from sqlmodel import SQLModel

from openopen8.core.models.access_token import AccessToken
from openopen8.core.models.account import Account
from openopen8.core.models.admission import Admission
from openopen8.core.models.channel import Channel
from openopen8.core.models.channel_key import ChannelKey
from openopen8.core.models.credit_entry import CreditEntry
from openopen8.core.models.group import Group
from openopen8.core.models.hold import Hold
from openopen8.core.models.kept_response import KeptResponse
from openopen8.core.models.log_entry import LogEntry
from openopen8.core.models.log_index import LogOther, LogRequest, LogToken, LogUser
from openopen8.core.models.log_mark import LogMark
from openopen8.core.models.option import Option
from openopen8.core.models.price import PriceRow
from openopen8.core.models.rate_event import RateEvent
from openopen8.core.models.revision import Revision
from openopen8.core.models.session import LoginSession
from openopen8.core.models.task import Task
from openopen8.core.models.token import Token
from openopen8.core.models.token_counter import TokenCounter
from openopen8.core.models.usage_sum import UsageSum
from openopen8.core.models.user import User
from openopen8.core.models.worker import Worker

METADATA = SQLModel.metadata


def belongs(dialect: str, thing: Any) -> bool:
    """Whether a table or index is one of this database's: some are for SQLite or for PostgreSQL only."""
    only: str = getattr(thing, "info", {}).get("only", dialect)
    return only == dialect


__all__ = [
    "METADATA",
    "AccessToken",
    "Account",
    "Admission",
    "Channel",
    "ChannelKey",
    "CreditEntry",
    "Group",
    "Hold",
    "KeptResponse",
    "LogEntry",
    "LogMark",
    "LogOther",
    "LogRequest",
    "LogToken",
    "LogUser",
    "LoginSession",
    "Option",
    "PriceRow",
    "RateEvent",
    "Revision",
    "Task",
    "Token",
    "TokenCounter",
    "UsageSum",
    "User",
    "Worker",
    "belongs",
]
