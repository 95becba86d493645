"""The nouns of the command line, in the order of its help."""

from openopen8.commands import audit, build, channel, group, logs, migrate, price, serve, setting, token, user

NOUNS = (serve, build, migrate, user, channel, price, group, token, setting, logs, audit)
