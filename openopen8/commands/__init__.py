"""The nouns of the command line, in the order of its help."""

from openopen8.commands import audit, build, channel, group, logs, migrate, price, reload, serve, setting, token, user

NOUNS = (serve, reload, build, migrate, user, channel, price, group, token, setting, logs, audit)
